"""Count again, and say where a tally is off. One unit at a time, each at one moment, while reports go on coming in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count, Sum

from server.findings import changes, rows, tally
from server.findings.changes import Sums
from server.findings.codes import FAIL
from server.findings.models import Change, Head, Place, Standing, Tally
from server.units.models import Unit


class Off(NamedTuple):
    """A tally that is not what counting again gives. Counts: fail, unknown, pass."""

    unit: int
    below: bool
    kind: int
    rule: int
    counted: tuple[int, ...]
    really: tuple[int, ...]


def verify(repair: bool = False) -> Iterator[Off]:
    """What is off, of each unit; put right as well with `repair`. What waits is counted in first."""
    tally.fold_all()
    for unit in list(Unit.objects.order_by("-path").values_list("pk", flat=True)):
        with tally.still():
            if repair:
                tally.alone(wait=True)
            found = list(_own(unit))
            if repair:
                _put_right(found)
        yield from found
    # only once what is below is right
    for unit, path in list(Unit.objects.order_by("-path").values_list("pk", "path")):
        with tally.still():
            if repair:
                tally.alone(wait=True)
            found = list(_below(unit, path))
            if repair:
                _put_right(found)
        yield from found


def _own(unit: int) -> Iterator[Off]:
    kinds = set(Head.objects.filter(unit=unit).values_list("kind", flat=True))
    kinds |= set(Tally.objects.filter(unit=unit, below=False).values_list("kind", flat=True).distinct())
    for kind in sorted(kinds):
        machines = Head.objects.filter(unit=unit, kind=kind).values("machine")
        really: Sums = {}
        counts = Standing.objects.filter(machine__in=machines).order_by().values_list("rule_id", "verdict")
        for rule, verdict, number in counts.annotate(number=Count("*")):
            really.setdefault(rule, [0, 0, 0])[verdict - FAIL] = number
        waiting = Change.objects.filter(unit=unit, kind=kind).values_list("packed", flat=True)
        for rule, parts in changes.sums(waiting).items():
            row = really.setdefault(rule, [0, 0, 0])
            for place, number in enumerate(parts):
                row[place] -= number
        yield from _differences(unit, False, kind, really)


def _below(unit: int, path: str) -> Iterator[Off]:
    under = Place.objects.filter(path__under=path).exclude(pk=unit).values("unit")
    sums = (
        Tally.objects.filter(unit__in=under, below=False)
        .order_by()
        .values_list("kind", "rule_id")
        .annotate(*map(Sum, tally.COUNTS))
    )
    really: dict[int, Sums] = {}
    for kind, rule, *counts in sums:
        really.setdefault(kind, {})[rule] = counts
    kinds = {*really, *Tally.objects.filter(unit=unit, below=True).values_list("kind", flat=True).distinct()}
    for kind in sorted(kinds):
        yield from _differences(unit, True, kind, really.get(kind, {}))


def _differences(unit: int, below: bool, kind: int, really: Sums) -> Iterator[Off]:
    held = Tally.objects.filter(unit=unit, below=below, kind=kind).values_list("rule_id", *tally.COUNTS)
    counted = {rule: tuple(counts) for rule, *counts in held}
    for rule in sorted({*really, *counted}):
        there, right = counted.get(rule, (0, 0, 0)), tuple(really.get(rule, (0, 0, 0)))
        if there != right:
            yield Off(unit, below, kind, rule, there, right)


def _put_right(found: list[Off]) -> None:
    rows.upsert(Tally, tally.KEY, tally.COUNTS, [(*off[:4], *off.really) for off in found])
    owns = {off.unit for off in found if not off.below}
    with transaction.atomic():
        known = set(Place.objects.filter(pk__in=owns).values_list("pk", flat=True))
        paths = Unit.objects.filter(pk__in=owns - known).values_list("pk", "path")
        Place.objects.bulk_create([Place(unit_id=unit, path=path) for unit, path in paths])
