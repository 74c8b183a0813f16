"""Requirements of a pack by levels: what is asked, and how the machines of a unit stand under each check of it.

Numbers are of machines and stand with the check: whether one machine fails several checks of a requirement no tally tells.
"Not looked at" are machines in service that the level asks and that were never judged. What lists hold and no agent speaks for, and
how many rows rest on reports that are not of late, is said once for the page.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db.models import Count
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

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
from server.units.models import Unit, User, everything, policies, resolve
from server.web.pieces import written

PARTS = ("technical", "management")
SHOWN = ("checked", "fail", "all")
_address = cache(lambda rule: reverse("rule", args=[rule]))
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
    def address(self) -> str:
        """Of its page; empty where there is none yet."""
        return _address(self.rule) if self.rule else ""

    @property
    def nobody(self) -> bool:
        """No machine here is asked it: that is not nought of them."""
        return not (self.fail or self.unknown or self.passed or self.unlooked)


@dataclass
class Asked:
    """A requirement."""

    pack: Baseline
    requirement: Requirement
    own: int
    """Level the unit is held to."""
    lines: list[Line]

    @property
    def levels(self) -> list[Level]:
        return asked.cells(self.pack, self.requirement)

    @property
    def words(self) -> SafeString:
        """Its cells of the table, written once for each language: only the numbers below differ from one look to the next."""
        given = lambda: {  # noqa: E731
            "title": wording.text(self.requirement.title), "coverage": wording.COVERAGES[self.requirement.coverage],
            "levels": self.levels, "own": self.own,
        }  # fmt: skip
        return written("overview/asked.html", self.pack.digest, self.requirement.id, self.own, given=given)


@dataclass
class Heading:
    """A group of the standard, with the requirements that are shown."""

    id: str
    title: str
    clauses: list[str]
    rows: list[Asked]


def made(user: User, unit: Unit, wanted: str, part: str, shown: str, every: dict[int, Unit] | None = None) -> dict[str, Any]:
    """Everything the page tells. Without a wish: the pack the unit is held to, and what machines decide. `every`: all units, if
    they are at hand."""
    units = everything() if every is None else every
    policy = resolve(unit, units)
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
    unlooked = _unlooked(user, unit, name, units)
    now = timezone.now()
    headings = [
        _heading(pack, group, rules, counted.by_rule, unlooked, shown, policy.level)
        for group in pack.groups
        if group.part == part
    ]
    return context | {
        "headings": [one for one in headings if one.rows], "waiting": counted.waiting, "origin": asked.origin(pack),
        "absent": coverage.gap(user, "absent", unit, now).count(),
        "stale": coverage.gap(user, "stale", unit, now, coverage.reported_of_late(now, units)).count(),
    }  # fmt: skip


def _heading(
    pack: Baseline, group: Group, rules: dict[tuple[str, str], int], counted: dict[int, tuple[int, int, int]], unlooked: Unlooked,
    shown: str, own: int,
) -> Heading:  # fmt: skip
    rows = []
    for requirement in group.requirements:
        lines = [_line(pack, requirement, name, rules, counted, unlooked) for name in requirement.checks]
        if shown == "fail":
            lines = [line for line in lines if line.fail]
        if lines or shown == "all":
            rows.append(Asked(pack, requirement, own, lines))
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


def unlooked(user: User, unit: Unit, words: Worded, every: dict[int, Unit]) -> int:
    """Machines that a rule's check is asked of and that were never judged. `every`: all units."""
    if words.pack is None or words.check is None or words.requirement is None:
        return 0
    waiting = _unlooked(user, unit, words.rule.baseline, every)
    return _line(words.pack, words.requirement, words.rule.check_id, {}, {}, waiting).unlooked


def _unlooked(user: User, unit: Unit, pack: str, units: dict[int, Unit]) -> Unlooked:
    held = policies(units)
    # one whose newest report alone was not judged stands in the tallies, as it was judged before: it counts once
    machines = Machine.objects.visible_to(user).filter(IN_SERVICE, unit__path__under=unit.path, head=None)
    found: Unlooked = Counter()
    for pk, kind, number in machines.order_by().values_list("unit_id", "kind").annotate(number=Count("pk")):
        policy = held[pk]
        if policy.baseline == pack:
            found[policy.level, Kind(kind).value] += number
    return found
