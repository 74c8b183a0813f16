"""Which reports are missing: of each machine by its own schedule, and of a site as one line however many machines it has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import QuerySet

from collectors.timetable import DAY, Timetable, expected, moments
from server.ingest.models import IN_SERVICE, Agent, Machine
from server.journal import models as journal
from server.schedules.models import Silence
from server.schedules.resolve import Holding, resolve, rows_of
from server.units.models import Unit, everything

GRACE = 2 * 3600
"""Seconds after its moment within which a report is in time: looking, a slow line, and machines that woke late."""
ON_TIME, LATE, MISSED, NEVER = "on-time", "late", "missed", "never"
STATION_LATEST = 600
"""As the agent has it: a station begins with its window (agent/station.py)."""
GAPS_SHARE, GAPS_LEAST = 0.2, 3


class Expectation(NamedTuple):
    """Where a machine stands against its schedule."""

    state: str
    """on-time · late: its last moment passed without a report · missed: more than one did · never: nothing ever came"""
    missed: int
    expected_at: float | None
    """Its first moment after the last report; None: there is none for a long time."""


def expectation(table: Timetable, agent: str, own: bool, last: float | None, now: float) -> Expectation:
    """`agent`: the id from which the moments come; `own`: it runs on the machine itself. `last`: the newest report, None for none."""
    if last is None:
        return Expectation(NEVER, 0, None)
    if not own:
        agent, table = f"{agent} station", table._replace(jitter=min(table.jitter, STATION_LATEST))
    at, missed = expected(table, agent, last, now - GRACE)
    return Expectation(ON_TIME if not missed else LATE if missed == 1 else MISSED, missed, at)


@dataclass
class Expected:
    """A machine and what is expected of it."""

    pk: int
    name: str
    kind: str
    unit: int
    agent: str
    own: bool
    last: datetime | None
    held: Holding
    stands: Expectation


def of(machines: QuerySet[Machine], now: datetime, every: dict[int, Unit] | None = None) -> Iterator[Expected]:
    """Each of those machines that are in service; what may be seen is the caller's to filter. `every`: all units, where they were read."""
    units = everything() if every is None else every
    rows = rows_of(units)
    known: dict[tuple[int, str], Holding] = {}
    found = machines.filter(IN_SERVICE, agent__revoked_at=None, agent__waiting=False)
    wanted = ("pk", "name", "kind", "unit_id", "agent_id", "own", "reported_at")
    for pk, name, kind, unit, agent, own, last in found.values_list(*wanted).iterator(chunk_size=2000):
        told = kind if own else "network"
        held = known.get((unit, told))
        if held is None:
            held = known[unit, told] = resolve(units[unit], told, units, rows)
        stands = expectation(held.table, agent, own, last.timestamp() if last else None, now.timestamp())
        yield Expected(pk, name, kind, unit, agent, own, last, held, stands)


# -- a site as one line --------------------------------------------------------------------------------------------


@dataclass
class Site:
    """The machines of a unit that report by themselves, or the targets of one station."""

    machines: int = 0
    missing: int = 0
    heard: datetime | None = None

    @property
    def state(self) -> str:
        """silent: from none of them anything came; gaps: many are missing; empty: it is well."""
        if self.machines and self.missing == self.machines:
            return Silence.SILENT
        return Silence.GAPS if self.missing >= max(GAPS_LEAST, GAPS_SHARE * self.machines) else ""


def sites(there: Iterable[Expected], now: datetime) -> dict[tuple[int, str | None], Site]:
    """By unit and station. A machine that never reported belongs to coverage, not to silence."""
    found: dict[tuple[int, str | None], Site] = {}
    for one in there:
        if one.last is None:
            continue
        site = found.setdefault((one.unit, None if one.own else one.agent), Site())
        site.machines += 1
        site.missing += missing(one, now)
        site.heard = max(filter(None, (site.heard, one.last)))
    return found


def missing(one: Expected, now: datetime) -> bool:
    """As many of its moments passed as make it overdue, and a day: offices are dark at night."""
    gone = (now - one.last).total_seconds() if one.last else 0
    return one.stands.missed >= one.held.table.overdue and gone > DAY + GRACE


def check(there: Iterable[Expected], now: datetime) -> tuple[int, int]:
    """Of all machines: open a line for each site that fell silent, close those that report again. (opened, closed) Doing it twice
    changes nothing."""
    bad = {key: site for key, site in sites(there, now).items() if site.state}
    opened = closed = 0
    for silence in Silence.objects.filter(closed_at=None).select_related("unit"):
        site = bad.pop((silence.unit_id, silence.station_id), None)
        if site is None:
            closed += _close(silence, now)
        else:
            Silence.objects.filter(pk=silence.pk).update(
                state=site.state, machines=site.machines, missing=site.missing, heard_at=site.heard, last_at=now
            )
    for (unit, station), site in bad.items():
        opened += _open(unit, station, site, now)
    return opened, closed


def _open(unit: int, station: str | None, site: Site, now: datetime) -> bool:
    with transaction.atomic():
        line, new = Silence.objects.get_or_create(
            unit_id=unit, station_id=station, closed_at=None,
            defaults={
                "state": site.state, "machines": site.machines, "missing": site.missing, "heard_at": site.heard,
                "first_at": now, "last_at": now,
            },
        )  # fmt: skip
        if new:
            _note("silence.raised", line)
    return new


def _close(silence: Silence, now: datetime) -> bool:
    with transaction.atomic():
        if not Silence.objects.filter(pk=silence.pk, closed_at=None).update(closed_at=now):
            return False
        _note("silence.closed", silence)
    return True


def _note(action: str, silence: Silence) -> None:
    station = Agent.objects.filter(pk=silence.station_id).values_list("name", flat=True).first()
    journal.write(
        action, "collector", unit_path=silence.unit.path, subject=station or silence.unit.name,
        unit=silence.unit.name, machines=silence.machines, missing=silence.missing,
    )  # fmt: skip


# -- what is to come -----------------------------------------------------------------------------------------------


def by_hour(there: Iterable[Expected], now: datetime, hours: int = 24) -> list[tuple[datetime, int]]:
    """(full hour, how many machines report in it) from now on, by the moments of the agents that know schedules."""
    start = now.replace(minute=0, second=0, microsecond=0)
    counts = Counter(place for one in there for place in ahead(one, now, hours))
    return [(start.astimezone(UTC) + timedelta(hours=place), counts[place]) for place in range(hours)]


def ahead(one: Expected, now: datetime, hours: int = 24) -> Iterator[int]:
    """In which hours it reports, counted from the full hour of `now`."""
    start = now.replace(minute=0, second=0, microsecond=0).timestamp()
    name, table = one.agent, one.held.table
    if not one.own:
        name, table = f"{one.agent} station", table._replace(jitter=min(table.jitter, STATION_LATEST))
    for moment in moments(table, name, now.timestamp()):
        place = int((moment - start) // 3600)
        if place >= hours:
            return
        yield place
