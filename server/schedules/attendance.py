"""How machines keep their schedules, worked out for every unit at intervals: a page of a whole country walks no machines."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from server.ingest.models import IN_SERVICE, Machine
from server.schedules import punctual
from server.schedules.models import Attendance
from server.schedules.punctual import LATE, MISSED, NEVER, ON_TIME, Expected
from server.units.models import Unit, User

SHOWN: Final = 50
"""Machines that missed their runs, in a list."""
HOURS: Final = 24
OLD: Final = timedelta(hours=1)
"""A worker looks every quarter of an hour: by then it has missed some."""
COLUMNS: Final = {ON_TIME: "on_time", LATE: "late", MISSED: "missed", NEVER: "never"}


def look(now: datetime | None = None) -> tuple[int, int]:
    """Walk all machines once: note how they stand, and which sites fell silent or report again (opened, closed)."""
    now = now or timezone.now()
    there = list(punctual.of(Machine.objects.all(), now))
    note(there, now)
    return punctual.check(there, now)


def note(there: Iterable[Expected], now: datetime) -> None:
    """A row for each unit that has machines of its own; of all machines."""
    rows: dict[int, Attendance] = {}
    for one in there:
        row = rows.get(one.unit)
        if row is None:
            row = rows[one.unit] = Attendance(
                unit_id=one.unit, at=now, on_time=0, late=0, missed=0, never=0, hours=[0] * HOURS, worst=[]
            )
        column = COLUMNS[one.stands.state]
        setattr(row, column, getattr(row, column) + 1)
        if one.stands.state == MISSED:
            row.worst.append([one.stands.missed, one.pk])
        for place in punctual.ahead(one, now, HOURS):
            row.hours[place] += 1
    for row in rows.values():
        row.worst = sorted(row.worst, key=lambda pair: (-pair[0], pair[1]))[:SHOWN]
    written = [*COLUMNS.values(), "at", "hours", "worst"]
    with transaction.atomic():
        Attendance.objects.bulk_create(rows.values(), 500, update_conflicts=True, unique_fields=["unit"], update_fields=written)
        Attendance.objects.exclude(unit__in=list(rows)).delete()


@dataclass
class Told:
    """A unit with everything below it, as it was last looked."""

    at: datetime | None
    """None: it was not looked yet, and nothing is known."""
    states: Counter[str]
    bars: list[tuple[datetime, int]]
    """(full hour, how many report in it)"""
    worst: list[Expected]
    """As they stand now."""
    uncounted: int
    """Machines that came since."""
    old: bool = False
    """No worker looks."""


def told(user: User, unit: Unit, now: datetime, every: dict[int, Unit] | None = None) -> Told:
    """Of what this person sees there. `every`: all units, where they were read."""
    machines = Machine.objects.visible_to(user).filter(unit__path__under=unit.path)
    rows = list(Attendance.objects.visible_to(user).filter(unit__path__under=unit.path))
    serving = machines.filter(IN_SERVICE, agent__revoked_at=None, agent__waiting=False).count()
    if not rows:  # where there are no machines there is nothing to work out
        return Told(None if serving else now, Counter(), [], [], serving)
    at = rows[0].at  # all units are looked at together
    states = Counter({state: sum(getattr(row, column) for row in rows) for state, column in COLUMNS.items()})
    worst = heapq.nsmallest(SHOWN, ((-missed, pk) for row in rows for missed, pk in row.worst))
    return Told(
        at,
        states,
        _bars(rows, now),
        _now(machines, [pk for _missed, pk in worst], now, every),
        max(0, serving - states.total()),
        now - at > OLD,
    )


def _now(machines: QuerySet[Machine], wanted: list[int], now: datetime, every: dict[int, Unit] | None) -> list[Expected]:
    """Those of them that still miss their runs: one may have reported a moment ago."""
    if not wanted:
        return []
    there = [one for one in punctual.of(machines.filter(pk__in=wanted), now, every) if one.stands.state == MISSED]
    return sorted(there, key=lambda one: (-one.stands.missed, one.name))


def _bars(rows: list[Attendance], now: datetime) -> list[tuple[datetime, int]]:
    """From this hour on; what was said of hours that are over is left out."""
    start = rows[0].at.replace(minute=0, second=0, microsecond=0)
    counts = [sum(hour) for hour in zip(*(row.hours for row in rows), strict=True)]
    plan = [(start.astimezone(UTC) + timedelta(hours=place), count) for place, count in enumerate(counts)]
    return [(hour, count) for hour, count in plan if hour + timedelta(hours=1) > now]
