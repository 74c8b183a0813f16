"""Scan a whole unit now: a request for each of its machines, handed out by the rate of each site."""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

from django.db.models import Count
from django.utils import timezone

from collectors.timetable import thaws
from server.ingest.models import IN_SERVICE, Machine
from server.schedules.resolve import resolve, rows_of
from server.stations.models import GOOD_FOR, ScanRequest
from server.units.models import Unit

SLICE = 2000


class Asked(NamedTuple):
    """What became of it."""

    machines: int
    """For which there was no request yet."""
    minutes: int
    """Until the last site has handed out its last one."""


class TooMany(Exception):
    """The rate is too low for so many; `minutes` it would take."""

    def __init__(self, minutes: int) -> None:
        super().__init__(minutes)
        self.minutes = minutes


class Frozen(Exception):
    """Nothing is begun in this unit now."""


def ask_all(unit: Unit, by: str) -> Asked:
    """Ask every machine of the unit and below that has an agent or a station. Raises TooMany, Frozen."""
    now = timezone.now()
    machines = Machine.objects.filter(IN_SERVICE, unit__path__under=unit.path, agent__revoked_at=None, agent__waiting=False)
    minutes = _minutes(unit, dict(machines.values_list("agent__unit").annotate(Count("pk"))), now.timestamp())
    if minutes > GOOD_FOR.total_seconds() / 60:
        raise TooMany(minutes)
    ScanRequest.objects.filter(machine__in=machines, closed_at=None, asked_at__lte=now - GOOD_FOR).update(closed_at=now)
    waiting = set(ScanRequest.objects.filter(machine__in=machines, closed_at=None).values_list("machine_id", flat=True))
    fresh = [pk for pk in machines.values_list("pk", flat=True) if pk not in waiting]
    for part in _slices(fresh):
        # who asks for one of them at this moment is first, and ours of it is left out
        ScanRequest.objects.bulk_create(
            [ScanRequest(machine_id=pk, asked_by=by, asked_at=now) for pk in part], ignore_conflicts=True
        )
    return Asked(len(fresh), minutes)


def _minutes(unit: Unit, sites: dict[int, int], now: float) -> int:
    units = {one.pk: one for one in Unit.objects.all()}
    rows = rows_of(units)
    if thaws(resolve(unit, "", units, rows).table, now) is not None:
        raise Frozen
    return max((ceil(count / resolve(units[pk], "", units, rows).scans_per_minute) for pk, count in sites.items()), default=0)


def _slices(pks: list[int]) -> list[list[int]]:
    return [pks[begin : begin + SLICE] for begin in range(0, len(pks), SLICE)]
