"""Requirements of a pack by levels: what is asked, and how the machines of a unit stand under each check of it.

Numbers are of machines and stand with the check: whether one machine fails several checks of a requirement no tally tells.
"Not looked at" are machines in service that the level asks and that were never judged. What lists hold and no agent speaks for, and
how many rows rest on reports that are not of late, is said once for the page.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.utils import timezone

from baselines.model import Baseline, Group, Requirement
from collectors.model import Kind
from server.assess import packs, wording
from server.coverage import numbers as coverage
from server.findings import queries, tally
from server.findings.models import Rule
from server.ingest.models import IN_SERVICE, Machine
from server.overview import asked
from server.overview.asked import Level
from server.overview.words import Worded, pack_of
from server.units.models import Unit, User, resolve

PARTS = ("technical", "management")
SHOWN = ("checked", "fail", "all")
Unlooked = Counter[tuple[int, str]]
"""(level, kind) -> machines held to this pack that were never judged."""


@dataclass
class Line:
    """A check under a requirement."""

    rule: int | None
    """None: no machine was ever judged by it."""
    title: str
    severity: str
    severity_word: str
    fail: int
    unknown: int
    passed: int
    unlooked: int

    @property
    def nobody(self) -> bool:
        """No machine here is asked it: that is not nought of them."""
        return not (self.fail or self.unknown or self.passed or self.unlooked)


@dataclass
class Asked:
    """A requirement."""

    id: str
    title: str
    coverage: str
    levels: list[Level]
    lines: list[Line]


@dataclass
class Heading:
    """A group of the standard, with the requirements that are shown."""

    id: str
    title: str
    clauses: list[str]
    rows: list[Asked]


def made(user: User, unit: Unit, wanted: str, part: str, shown: str) -> dict[str, Any]:
    """Everything the page tells. Without a wish: the pack the unit is held to, and what machines decide."""
    policy = resolve(unit, Unit.objects.in_bulk(unit.ids))
    names = packs.names()
    name = wanted if wanted in names else policy.baseline
    part, shown = part if part in PARTS else PARTS[0], shown if shown in SHOWN else SHOWN[0]
    pack = pack_of(name)
    context: dict[str, Any] = {
        "pack": pack, "pack_name": name, "packs": names, "policy": policy, "part": part, "shown": shown, "headings": [],
    }  # fmt: skip
    if pack is None:
        return context
    counted = tally.read(queries.parts(user, unit))
    rules = {(one.requirement, one.check_id): one.pk for one in Rule.objects.filter(baseline=name)}
    unlooked = _unlooked(user, unit, name)
    headings = [_heading(pack, group, rules, counted.by_rule, unlooked, shown) for group in pack.groups if group.part == part]
    return context | {
        "headings": [one for one in headings if one.rows], "waiting": counted.waiting, "origin": asked.origin(pack),
        "absent": coverage.gap(user, "absent", unit, timezone.now()).count(),
        "stale": coverage.gap(user, "stale", unit, timezone.now()).count(),
    }  # fmt: skip


def _heading(
    pack: Baseline, group: Group, rules: dict[tuple[str, str], int], counted: dict[int, tuple[int, int, int]], unlooked: Unlooked,
    shown: str,
) -> Heading:  # fmt: skip
    rows = []
    for requirement in group.requirements:
        lines = [_line(pack, requirement, name, rules, counted, unlooked) for name in requirement.checks]
        if shown == "fail":
            lines = [line for line in lines if line.fail]
        if lines or shown == "all":
            words = str(wording.COVERAGES[requirement.coverage])
            rows.append(Asked(requirement.id, wording.text(requirement.title), words, asked.cells(pack, requirement), lines))
    return Heading(group.id, wording.text(group.title), list(dict.fromkeys(group.clauses.values())), rows)


def _line(
    pack: Baseline, requirement: Requirement, name: str, rules: dict[tuple[str, str], int], counted: dict[int, tuple[int, int, int]],
    unlooked: Unlooked,
) -> Line:  # fmt: skip
    check = pack.checks[name]
    rule = rules.get((requirement.id, name))
    fail, unknown, passed = counted.get(rule, (0, 0, 0)) if rule is not None else (0, 0, 0)
    kinds = {kind.value for kind in check.kinds if not requirement.kinds or kind in requirement.kinds}
    levels = requirement.only_at.get(name, requirement.levels)
    waiting = sum(number for (level, kind), number in unlooked.items() if kind in kinds and level in levels)
    severity = str(check.severity)
    return Line(rule, wording.text(check.title), severity, str(wording.SEVERITIES[severity]), fail, unknown, passed, waiting)


def unlooked(user: User, unit: Unit, words: Worded) -> int:
    """Machines that a rule's check is asked of and that were never judged."""
    if words.pack is None or words.check is None or words.requirement is None:
        return 0
    line = _line(words.pack, words.requirement, words.rule.check_id, {}, {}, _unlooked(user, unit, words.rule.baseline))
    return line.unlooked


def _unlooked(user: User, unit: Unit, pack: str) -> Unlooked:
    units = {one.pk: one for one in Unit.objects.all()}
    # one whose newest report alone was not judged stands in the tallies, as it was judged before: it counts once
    machines = Machine.objects.visible_to(user).filter(IN_SERVICE, unit__path__under=unit.path, head=None)
    found: Unlooked = Counter()
    for pk, kind, number in machines.order_by().values_list("unit_id", "kind").annotate(number=Count("pk")):
        policy = resolve(units[pk], units)
        if policy.baseline == pack:
            found[policy.level, Kind(kind).value] += number
    return found
