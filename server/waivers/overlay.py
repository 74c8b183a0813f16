"""Waivers laid over verdicts when these are read. A verdict is never written by it: a fail stays a fail that is borne until a day.

Waivers are few and machines are many. So those in force are read first (one question, and with none of them the last one), and
only the rules they name are looked up among the standings, by their index.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from django.db.models import Count, Q
from django.utils import timezone

from baselines.model import Result, Verdict
from baselines.systems.judge import bears, why_idle
from server.findings import tally
from server.findings.codes import FAIL, KINDS, UNKNOWN
from server.findings.models import Rule, Standing
from server.ingest.models import IN_SERVICE, Machine
from server.units.models import Unit, resolve
from server.units.paths import outermost
from server.waivers.models import Cover, Waiver, in_force

PART = 5000
"""Machines of one question."""
NOT_PASSED = f'"findings_standing"."verdict" <= {UNKNOWN}'
"""As in findings.queries: the condition of the index, word for word."""


@dataclass
class Acceptance:
    """What bears a failed check of a machine."""

    waivers: list[Waiver]
    whole: bool
    """Every requirement for which the check fails; else it fails for one that nobody bears."""

    @property
    def until(self) -> date:
        """Borne until that day: the first one on which a part of it ends."""
        return min(waiver.until for waiver in self.waivers)


class Force:
    """The waivers that count at a moment, and of which machines."""

    def __init__(self, now: datetime | None = None, within: Q | None = None) -> None:
        self.now = now or timezone.now()
        found = Waiver.objects.filter(in_force(self.now))
        self.waivers = list((found if within is None else found.filter(within)).select_related("unit"))
        named = [waiver.pk for waiver in self.waivers if not waiver.whole]
        self.named: dict[int, set[int]] = defaultdict(set)
        for waiver, machine in Cover.objects.filter(waiver__in=named).values_list("waiver_id", "machine_id") if named else ():
            self.named[waiver].add(machine)
        self._levels: dict[int, int] | None = None

    @property
    def levels(self) -> dict[int, int]:
        """Unit -> level its machines are held to."""
        if self._levels is None:
            units = {unit.pk: unit for unit in Unit.objects.all()}
            self._levels = {pk: resolve(unit, units).level for pk, unit in units.items()}
        return self._levels

    def covers(self, waiver: Waiver, machine: int, unit: Unit) -> bool:
        """It speaks of that machine where it lies."""
        return unit.path.startswith(waiver.unit.path) and (waiver.whole or machine in self.named[waiver.pk])

    def of(self, machine: Machine) -> list[Waiver]:
        return [waiver for waiver in self.waivers if self.covers(waiver, machine.pk, machine.unit)]

    def rules(self) -> dict[int, list[Waiver]]:
        """Rule -> the waivers that speak of it."""
        asked = {waiver.requirement for waiver in self.waivers}
        found: dict[int, list[Waiver]] = {}
        for rule in Rule.objects.filter(requirement__in=asked) if asked else ():
            said = (rule.baseline, rule.requirement)
            mine = [
                one for one in self.waivers if (one.baseline, one.requirement) == said and one.check_id in ("", rule.check_id)
            ]
            if mine:
                found[rule.pk] = mine
        return found


def over(
    results: Iterable[Result], machine: Machine, baseline: str, level: int, now: datetime | None = None
) -> dict[str, Acceptance]:
    """Check -> what bears its fails, of one machine judged by that pack at that level."""
    above = Q(unit__in=machine.unit.ids)
    force = Force(now, above)
    mine = [one for one in force.of(machine) if one.baseline == baseline]
    words = {one.pk: one.word(machine.name) for one in mine}
    at = timezone.localtime(force.now)
    mine = [one for one in mine if why_idle(words[one.pk], True, level, one.level, at) is None]
    found: dict[str, Acceptance] = {}
    for result in results if mine else ():
        if result.check is None or result.verdict is not Verdict.FAIL:
            continue
        bearing = [one for one in mine if bears(words[one.pk], result)]
        held = found.setdefault(result.check, Acceptance([], True))
        held.waivers += [one for one in bearing if one not in held.waivers]
        held.whole &= bool(bearing)
    return {check: held for check, held in found.items() if held.waivers}


def of_machines(machines: Sequence[Machine], now: datetime | None = None) -> Counter[int]:
    """Machine -> how many of its failed checks are borne. `machines` with their units; for one page of a list."""
    force = Force(now)
    rules = force.rules()
    counted: Counter[int] = Counter()
    if not rules:
        return counted
    by_pk = {machine.pk: machine for machine in machines}
    checks = set(Rule.objects.filter(pk__in=rules).values_list("check_id", flat=True))
    rows = Standing.objects.filter(machine__in=by_pk, verdict=FAIL, rule__check_id__in=checks)
    borne: dict[tuple[int, str], bool] = {}
    for pk, rule, check in rows.values_list("machine_id", "rule_id", "rule__check_id"):
        machine = by_pk[pk]
        level = force.levels[machine.unit_id]
        bearing = any(force.covers(one, pk, machine.unit) and level <= one.level for one in rules.get(rule, ()))
        borne[pk, check] = borne.get((pk, check), True) and bearing
    counted.update(pk for (pk, _check), whole in borne.items() if whole)
    return counted


def by_rule(parts: Collection[str], kind: int | None = None, now: datetime | None = None) -> Counter[int]:
    """Rule -> how many machines in service under those paths fail it and are borne; each machine counts once."""
    force = Force(now)
    together: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for rule, waivers in force.rules().items():
        together[tuple(one.pk for one in waivers)].append(rule)
    by_pk = {one.pk: one for one in force.waivers}
    counted: Counter[int] = Counter()
    for waivers_of, rules in together.items():
        whole, named = _reach(force, [by_pk[pk] for pk in waivers_of], parts)
        held = Standing.objects.filter(rule__in=rules, verdict=FAIL).extra(where=[NOT_PASSED])  # noqa: S610  (a constant)
        if kind is not None:
            held = held.filter(machine__kind__in=[word.value for word, code in KINDS.items() if code == kind])
        if whole is not None:
            rows = held.filter(whole, machine__retired_at=None).values_list("rule_id").annotate(Count("machine_id"))
            counted.update(dict(rows.order_by()))
        for start in range(0, len(named), PART):
            rows = held.filter(machine__in=named[start : start + PART]).values_list("rule_id").annotate(Count("machine_id"))
            counted.update(dict(rows.order_by()))
    return counted


def _reach(force: Force, waivers: list[Waiver], parts: Collection[str]) -> tuple[Q | None, list[int]]:
    """What some waivers speak of together under those paths: a condition on a Standing, and machines that it does not hold."""
    units: set[int] = set()
    paths = {unit.pk: unit.path for unit in Unit.objects.filter(pk__in=force.levels)}
    tops = outermost(parts)
    for waiver in waivers:
        if waiver.whole:
            inside = (pk for pk, path in paths.items() if path.startswith(waiver.unit.path) and path.startswith(tuple(tops)))
            units |= {pk for pk in inside if force.levels[pk] <= waiver.level}
    wanted = {pk for waiver in waivers for pk in force.named[waiver.pk]}
    named = []
    for pk, unit in Machine.objects.filter(IN_SERVICE, pk__in=wanted).values_list("pk", "unit_id") if wanted else ():
        path = paths[unit]
        bearing = (
            pk in force.named[one.pk] and path.startswith(one.unit.path) and force.levels[unit] <= one.level for one in waivers
        )
        if unit not in units and path.startswith(tuple(tops)) and any(bearing):
            named.append(pk)
    return (Q(machine__unit__in=units) if units else None), named


class Score(NamedTuple):
    """Pairs of machine and rule of a part of the tree, with waivers and without."""

    fail: int
    accepted: int
    """Of the fails."""
    unknown: int
    passed: int

    @property
    def without(self) -> int | None:
        """Per cent that pass, as if there were no waiver."""
        return self._share(self.passed)

    @property
    def with_waivers(self) -> int | None:
        """The same with borne fails counted as good. What is unknown stays unknown in both."""
        return self._share(self.passed + self.accepted)

    def _share(self, good: int) -> int | None:
        every = self.fail + self.unknown + self.passed
        return 100 * good // every if every else None


def score(parts: Collection[str], now: datetime | None = None) -> Score:
    """Of the tallies under those paths."""
    counted = tally.read(parts).by_rule
    borne = by_rule(parts, now=now)
    # tallies may be minutes older than the standings: no more is borne than is counted as failing
    accepted = sum(min(number, counted[rule][0]) for rule, number in borne.items() if rule in counted)
    fail, unknown, passed = (sum(counts[place] for counts in counted.values()) for place in range(3))
    return Score(fail, accepted, unknown, passed)
