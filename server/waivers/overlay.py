"""Waivers laid over verdicts when these are read. A verdict is never written by it: a fail stays a fail that is borne until a day.

Waivers are few and machines are many. So those in force are read first (one question, and with none of them the last one), and
only the machines and rules they name are looked up among the standings, by their key.
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
from server.findings.codes import FAIL, KINDS
from server.findings.models import Rule, Standing
from server.ingest.models import IN_SERVICE, Machine
from server.units.models import Unit, resolve
from server.units.paths import outermost
from server.waivers.models import Cover, Waiver, in_force

PART = 5000
"""Machines of one question."""
FEW = 200
"""Of larger units the tallies tell how many fail, instead of each machine."""


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
        said: dict[tuple[str, str], list[Waiver]] = defaultdict(list)
        for waiver in self.waivers:
            said[waiver.baseline, waiver.requirement].append(waiver)
        asked = {requirement for _baseline, requirement in said}
        found: dict[int, list[Waiver]] = {}
        for rule in Rule.objects.filter(requirement__in=asked) if asked else ():
            mine = [one for one in said.get((rule.baseline, rule.requirement), ()) if one.check_id in ("", rule.check_id)]
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
    if not rules:
        return Counter()
    by_pk = {machine.pk: machine for machine in machines}
    checks = set(Rule.objects.filter(pk__in=rules).values_list("check_id", flat=True))
    check_of = dict(Rule.objects.filter(check_id__in=checks).values_list("pk", "check_id"))
    rows = Standing.objects.filter(machine__in=by_pk, rule__in=check_of, verdict=FAIL)
    borne: dict[tuple[int, str], bool] = {}
    for pk, rule in rows.values_list("machine_id", "rule_id"):
        unit, place = by_pk[pk].unit, (pk, check_of[rule])
        level = force.levels[unit.pk]
        bearing = any(force.covers(one, pk, unit) and level <= one.level for one in rules.get(rule, ()))
        borne[place] = borne.get(place, True) and bearing
    return Counter(pk for (pk, _check), whole in borne.items() if whole)


def by_rule(parts: Collection[str], kind: int | None = None, now: datetime | None = None) -> Counter[int]:
    """Rule -> how many machines in service under those paths fail it and are borne; each machine counts once.

    Of a waiver for a large unit the tallies tell how many fail; machines of small ones, and those named, are asked one by one.
    """
    force = Force(now)
    rules = force.rules()
    if not rules:
        return Counter()
    reach = _Reach(force, outermost(parts), kind)
    together: dict[tuple[str, ...], list[int]] = defaultdict(list)
    asked: dict[int, set[int]] = {}
    for rule, waivers in rules.items():
        large = tuple(outermost(path for one in waivers for path in reach.large[one.pk]))
        together[large].append(rule)
        asked[rule] = {pk for one in waivers for pk in reach.small[one.pk] if not reach.lies(pk, large)}
    counted: Counter[int] = Counter()
    for large, grouped in together.items():
        fails = tally.read(large, kind).by_rule if large else {}
        counted.update({rule: fails[rule][0] for rule in grouped if rule in fails})
    some = sorted({pk for pks in asked.values() for pk in pks})
    for start in range(0, len(some), PART):
        rows = Standing.objects.filter(machine__in=some[start : start + PART], rule__in=rules, verdict=FAIL)
        counted.update(rule for pk, rule in rows.values_list("machine_id", "rule_id") if pk in asked[rule])
    return counted


class _Reach:
    """Of each waiver what it speaks of under some paths: whole large units, and machines in service of the others."""

    def __init__(self, force: Force, tops: list[str], kind: int | None) -> None:
        self.large: dict[int, list[str]] = {one.pk: [] for one in force.waivers}
        self.small: dict[int, set[int]] = {one.pk: set() for one in force.waivers}
        self.paths = dict(Unit.objects.values_list("pk", "path"))
        machines = Machine.objects.filter(IN_SERVICE)
        if kind is not None:
            machines = machines.filter(kind__in=[word.value for word, code in KINDS.items() if code == kind])
        sizes: Counter[int] = Counter()
        if any(one.whole for one in force.waivers):
            sizes.update(dict(machines.order_by().values_list("unit_id").annotate(Count("pk"))))
        units_of: dict[int, set[int]] = {}
        for waiver in force.waivers:
            if waiver.whole:
                every = {
                    pk for pk, path in self.paths.items() if path.startswith(waiver.unit.path) and path.startswith(tuple(tops))
                }
                held = {pk for pk in every if force.levels[pk] <= waiver.level}
                if held == every and sum(sizes[pk] for pk in held) > FEW:
                    inside = [path for path in tops if path.startswith(waiver.unit.path)]
                    self.large[waiver.pk] = inside or [waiver.unit.path]
                else:
                    units_of[waiver.pk] = {pk for pk in held if sizes[pk]}
        named = {pk for pks in force.named.values() for pk in pks}
        wanted = Q(pk__in=named) | Q(unit__in={pk for units in units_of.values() for pk in units})
        self.unit_of: dict[int, int] = dict(machines.filter(wanted).values_list("pk", "unit_id"))
        in_unit: dict[int, set[int]] = defaultdict(set)
        for pk, unit in self.unit_of.items():
            in_unit[unit].add(pk)
        for waiver in force.waivers:
            if waiver.whole:
                self.small[waiver.pk] = {pk for unit in units_of.get(waiver.pk, ()) for pk in in_unit[unit]}
                continue
            for pk in force.named[waiver.pk] & self.unit_of.keys():
                unit = self.unit_of[pk]
                here = self.lies(pk, (waiver.unit.path,)) and self.lies(pk, tuple(tops))
                if here and force.levels[unit] <= waiver.level:
                    self.small[waiver.pk].add(pk)

    def lies(self, machine: int, paths: tuple[str, ...]) -> bool:
        return self.paths[self.unit_of[machine]].startswith(paths)


class Score(NamedTuple):
    """Pairs of machine and rule of a part of the tree, with waivers and without."""

    fail: int
    accepted: int
    """Of the fails."""
    unknown: int
    passed: int
    waiting: int = 0
    """Reports not counted in yet: what they say is not known, and no share is told."""

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
        return 100 * good // every if every and not self.waiting else None


def score(parts: Collection[str], now: datetime | None = None) -> Score:
    """Of the tallies under those paths."""
    counted, waiting = tally.read(parts)
    borne = by_rule(parts, now=now)
    # tallies may be minutes older than the standings: no more is borne than is counted as failing
    accepted = sum(min(number, counted[rule][0]) for rule, number in borne.items() if rule in counted)
    fail, unknown, passed = (sum(counts[place] for counts in counted.values()) for place in range(3))
    return Score(fail, accepted, unknown, passed, waiting)
