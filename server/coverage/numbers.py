"""Expected, seen, fresh, judged: four numbers of a part of the tree, and the list behind each gap between them.

    expected   enrolled and not retired, or held by a list, not excused, and not the same as one that enrolled
    seen       of those: reported at least once
    fresh      of those: reported within the time its unit asks for
    judged     of those seen: its newest report was judged

Every share is a share of the expected. An agent that is switched off or revoked stays expected, so no share rises by it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.assess.freshness import JUDGED, fresh_of
from server.coverage.models import DIRECTORY, REGISTER, Expected, Listing
from server.ingest.models import IN_SERVICE, Machine
from server.schedules.resolve import paced
from server.units.models import Unit, User, everything, policies

GAPS = {
    "absent": _("Listed, no agent"),
    "never": _("Enrolled, never reported"),
    "stale": _("Reported, not of late"),
    "unjudged": _("Reported, not judged"),
    "unlisted": _("Reports, on no list"),
    "ambiguous": _("Listed, fits several machines"),
    "excused": _("Excused"),
}
OF_LISTS = ("absent", "ambiguous", "excused")
"""Gaps whose rows are lines of lists (Expected); the others' are machines."""


@dataclass
class Numbers:
    """Of one part of the tree."""

    expected: int = 0
    seen: int = 0
    fresh: int = 0
    judged: int = 0
    excused: int = 0
    """Counted apart: none of the others holds them."""

    def add(self, other: Numbers) -> None:
        own = vars(self)
        for name, number in vars(other).items():
            if number:
                own[name] += number

    def share(self, name: str) -> int | None:
        """Percent of the expected, rounded down: 100 means all. None where nothing is expected."""
        return getattr(self, name) * 100 // self.expected if self.expected else None

    @property
    def fresh_share(self) -> int | None:
        return self.share("fresh")

    @property
    def shares(self) -> list[tuple[str, int, int | None]]:
        return [(name, getattr(self, name), self.share(name)) for name in ("seen", "fresh", "judged")]


def by_unit(user: User | None, now: datetime, fresh: Q | None = None) -> dict[int, Numbers]:
    """Of each unit by itself, without those below. `fresh`: `reported_of_late`, if it is at hand."""
    found: dict[int, Numbers] = defaultdict(Numbers)
    machines = seen_by(Machine, user).values("unit_id").annotate(
        seen=Count("pk", filter=Q(latest__isnull=False)),
        expected=Count("pk"),
        fresh=Count("pk", filter=fresh or reported_of_late(now)),
        judged=Count("pk", filter=JUDGED),
    )  # fmt: skip
    for row in machines.order_by():
        found[row["unit_id"]].add(Numbers(row["expected"], row["seen"], row["fresh"], row["judged"]))
    excused = Expected.excused(timezone.localdate(now))
    lists = seen_by(Expected, user).filter(listed=True, machine=None).values("unit_id").annotate(
        excused=Count("pk", filter=excused), all=Count("pk")
    )  # fmt: skip
    for row in lists.order_by():
        found[row["unit_id"]].add(Numbers(expected=row["all"] - row["excused"], excused=row["excused"]))
    return found


N = TypeVar("N", bound=Numbers)


@dataclass
class Branch(Generic[N]):
    """A unit with everything below it."""

    unit: Unit
    numbers: N


def branches(user: User | None, parent: Unit | None, now: datetime) -> tuple[Numbers, list[Branch[Numbers]]]:
    """The sum of what this person sees under `parent`, and each of its children with all below."""
    return summed(by_unit(user, now), Numbers, user, parent)


def summed(
    own: dict[int, N], zero: type[N], user: User | None, parent: Unit | None, seen: dict[int, Unit] | None = None
) -> tuple[N, list[Branch[N]]]:
    """The same of numbers that were counted for each unit by itself. `seen`: the units this person sees, if they are at hand."""
    units = {unit.pk: unit for unit in seen_by(Unit, user)} if seen is None else seen
    total = zero()
    children: dict[int, Branch[N]] = {}
    for pk, numbers in own.items():
        unit = units.get(pk)
        if unit is None or (parent and not unit.path.startswith(parent.path)):
            continue
        child = _child(unit, parent, units)
        (total if child is None else children.setdefault(child.pk, Branch(child, zero())).numbers).add(numbers)
    for branch in children.values():
        total.add(branch.numbers)
    for unit in units.values():  # one without a single machine is shown too
        if unit.parent_id == parent.pk if parent else unit.parent_id not in units:
            children.setdefault(unit.pk, Branch(unit, zero()))
    return total, sorted(children.values(), key=lambda one: _worst_first(one.numbers))


def _worst_first(numbers: Numbers) -> tuple[float, int]:
    return (numbers.fresh / numbers.expected if numbers.expected else 2.0, -numbers.expected)


def _child(unit: Unit, parent: Unit | None, units: dict[int, Unit]) -> Unit | None:
    """The unit right below `parent` in whose part of the tree `unit` lies; without a parent, the highest this person sees."""
    if parent is None:
        return next((units[pk] for pk in unit.ids if pk in units), None)
    if not unit.path.startswith(parent.path) or unit.pk == parent.pk:
        return None
    return units.get(int(unit.path[len(parent.path) :].partition("/")[0]))


def gap(user: User | None, name: str, unit: Unit | None, now: datetime, fresh: Q | None = None) -> QuerySet[Any]:
    """The rows behind a gap: of Expected for those of OF_LISTS, else of Machine. `fresh`: `reported_of_late`, if it is at hand."""
    if name in OF_LISTS:
        excused = Expected.excused(timezone.localdate(now))
        rows = seen_by(Expected, user).filter(listed=True, machine=None).select_related("unit")
        rows = rows.prefetch_related("mentions").order_by("unit__path", "name", "pk")
        rows = rows.filter(excused if name == "excused" else ~excused)
        if name != "excused":
            rows = rows.filter(matched_by="ambiguous") if name == "ambiguous" else rows.exclude(matched_by="ambiguous")
    else:
        condition = Q(latest__isnull=False) & ~(fresh or reported_of_late(now)) if name == "stale" else _CONDITIONS[name]()
        rows = seen_by(Machine, user).filter(condition).select_related("unit", "latest").defer("latest__sealed")
        rows = rows.order_by("unit__path", "name", "pk")
    return rows.filter(unit__path__under=unit.path) if unit else rows


def seen_by(model: type[Any], user: User | None) -> QuerySet[Any]:
    """What that person sees; everything for nobody: whoever has the collector's own console."""
    rows: QuerySet[Any] = model.objects.all() if user is None else model.objects.visible_to(user)
    return rows.filter(IN_SERVICE) if model is Machine else rows


def reported_of_late(now: datetime, every: dict[int, Unit] | None = None) -> Q:
    """Condition on a Machine: it reported within the time its unit asks for. `every`: all units, if they are at hand."""
    units = everything() if every is None else every
    return fresh_of(paced(policies(units), units), now)


_CONDITIONS: dict[str, Callable[[], Q]] = {
    "never": lambda: Q(latest__isnull=True),
    "unjudged": lambda: Q(latest__isnull=False) & ~JUDGED,
    "unlisted": lambda: Q(~Exists(Expected.objects.filter(machine=OuterRef("pk"), listed=True))),
}


def has_lists(user: User) -> bool:
    """Somebody gave a list of what should be there: without one, `unlisted` says nothing."""
    return Listing.objects.visible_to(user).filter(source__in=(DIRECTORY, REGISTER)).exists()
