"""The last week of large units, added up at intervals: of a whole country it takes a second, and that page is the one most opened.

Any other pair of days is added up when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import Count, Q
from django.utils import timezone

from server.differences import units
from server.differences.models import Summed
from server.differences.units import Known, Sum
from server.ingest.models import Machine
from server.units.models import Unit, User

SPAN: Final = timedelta(days=7)
"""Between the two days of a page that was asked for none."""
LARGE: Final = 500
"""Machines below a unit; of a smaller one it takes no longer than to read what was added up."""
OLD: Final = timedelta(hours=1)
"""A worker adds up every quarter of an hour: what is older is added up anew by whoever asks."""


@dataclass
class Told:
    """What two days of a unit come to."""

    known: list[Known]
    """Of each day."""
    sums: list[Sum]
    at: datetime | None
    """Added up then; None: now."""


def told(user: User, unit: Unit, first: date, second: date) -> Told:
    """Who sees a unit sees all that lies below it, as the worker did."""
    held = Summed.objects.visible_to(user).filter(unit=unit, first=first, second=second, at__gte=timezone.now() - OLD).first()
    if held is None:
        these = units.machines_of(user, unit)
        return Told([units.known(these, day) for day in (first, second)], units.sums(these, first, second), None)
    known = [Known(day, *counts) for day, counts in zip((first, second), held.known, strict=True)]
    return Told(known, units.summed((rule, was, now, count) for rule, was, now, count in held.turned), held.at)


def add_up() -> Iterator[int]:
    """Unit after unit; what was added up of those that are not large any more is removed."""
    own = dict(Machine.objects.order_by().values_list("unit").annotate(number=Count("*")))
    below: dict[int, int] = {}
    there = {unit.pk: unit for unit in Unit.objects.all()}
    for pk, count in own.items():
        for above in map(int, there[pk].path.strip("/").split("/")):
            below[above] = below.get(above, 0) + count
    large = [pk for pk, count in below.items() if count >= LARGE]
    for pk in large:
        now = timezone.now()
        second = timezone.localdate(now)
        first = second - SPAN
        these = Q(unit__path__under=there[pk].path)
        known = [(one.reported, one.before, one.never) for one in (units.known(these, day) for day in (first, second))]
        found = {"first": first, "second": second, "at": now, "known": known, "turned": units.count(these, first, second)}
        Summed.objects.update_or_create(pk=pk, defaults=found)
        yield pk
    Summed.objects.exclude(pk__in=large).delete()
