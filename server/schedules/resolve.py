"""What holds for a kind of machine in a unit: its own word, else that of the nearest unit above. Pure, once the rows are there.

Of one unit the word for the kind comes before the word for every kind, and both before its plain interval. Freezes add up on the
way from the root: a district takes no public holiday back.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from collectors.timetable import (
    DAY,
    LONGEST_FREEZE,
    MAX_INTERVAL,
    MAX_OVERDUE,
    SHORTEST,
    Hours,
    Timetable,
    minute,
)
from server.schedules.models import GROUPS, KINDS, Schedule
from server.units.models import DEFAULT_INTERVAL, Policy, Unit

DEFAULT_JITTER = 3600
"""Of an agent that was told nothing."""
ZONE = "Asia/Ho_Chi_Minh"
SCANS_PER_MINUTE, MAX_RATE = 10, 10_000
POLL_SECONDS, LEAST_POLL, MOST_POLL = 5400, 60, 6 * 3600
LEAST_BYTES = 256
WEEK = 7
OWN = (
    "interval_seconds",
    "jitter_seconds",
    "hours",
    "zone",
    "overdue_after",
    "scans_per_minute",
    "bytes_per_second",
    "poll_seconds",
)
Rows = Mapping[tuple[int, str], Schedule]


@dataclass(frozen=True)
class Holding:
    """What holds, and which unit said so."""

    table: Timetable
    told: bool
    """Somebody said something: without it agents go by their interval alone, as they always did."""
    scans_per_minute: int = SCANS_PER_MINUTE
    bytes_per_second: int | None = None
    poll_seconds: int = POLL_SECONDS
    origins: dict[str, Unit] = field(default_factory=dict)


def rows_of(units: Iterable[int]) -> dict[tuple[int, str], Schedule]:
    """The rows of those units."""
    return {(row.unit_id, row.kind): row for row in Schedule.objects.filter(unit__in=list(units))}


def of(unit: Unit, kind: str) -> Holding:
    """The same, asked of the database."""
    return resolve(unit, kind, {one.pk: one for one in Unit.objects.filter(pk__in=unit.ids)}, rows_of(unit.ids))


def resolve(unit: Unit, kind: str, units: Mapping[int, Unit], rows: Rows) -> Holding:
    """`kind`: of a machine or of a schedule. `units` and `rows` hold at least those from the root down to `unit`."""
    group = GROUPS.get(kind, kind)
    values: dict[str, Any] = {}
    origins: dict[str, Unit] = {}
    freezes: set[tuple[date, date]] = set()
    told = False
    for pk in reversed(unit.ids):
        for row in filter(None, (rows.get((pk, group)) if group else None, rows.get((pk, "")))):
            told = True
            freezes |= {(date.fromisoformat(first), date.fromisoformat(last)) for first, last in row.freezes or ()}
            for name in OWN:
                if name not in values and (value := getattr(row, name)) not in (None, ""):
                    values[name], origins[name] = value, units[pk]
        if "interval_seconds" not in values and (plain := units[pk].interval_seconds):
            values["interval_seconds"], origins["interval_seconds"] = plain, units[pk]
    zone = values.get("zone", ZONE)
    table = Timetable(
        interval=values.get("interval_seconds", DEFAULT_INTERVAL),
        jitter=values.get("jitter_seconds", DEFAULT_JITTER),
        hours=tuple(Hours(frozenset(one["days"]), minute(one["from"]), minute(one["to"])) for one in values.get("hours", ())),
        freezes=tuple(sorted(freezes)),
        zone=zone,
        utc_offset=_utc_offset(zone),
        overdue=values.get("overdue_after", 3),
    )
    if table.hours and "jitter_seconds" not in values:
        table = table._replace(jitter=DAY)  # nobody asked for less than the whole window
    rest = {name: values[name] for name in ("scans_per_minute", "bytes_per_second", "poll_seconds") if name in values}
    return Holding(table, told, origins=origins, **rest)


def paced(policies: Mapping[int, Policy], units: Mapping[int, Unit]) -> dict[int, Policy]:
    """The policies of the whole tree, from the root down, with the longest interval that the schedules leave any kind: what reports
    once a night is not late at noon."""
    rows = {(row.unit_id, row.kind): row for row in Schedule.objects.all()}
    speaking = {pk for pk, _kind in rows} | {pk for pk, unit in units.items() if unit.interval_seconds}
    # by the units above that say something: most offices of a country are under the same few
    heard: dict[int | None, tuple[int, ...]] = {None: ()}
    periods: dict[tuple[int, ...], int] = {}
    found = {}
    for pk, policy in policies.items():
        above = heard[units[pk].parent_id]
        heard[pk] = above = (*above, pk) if pk in speaking else above
        if above not in periods:
            periods[above] = max(resolve(units[pk], kind, units, rows).table.period for kind, _title in KINDS)
        found[pk] = policy._replace(interval_seconds=periods[above])
    return found


def _utc_offset(zone: str) -> int:
    return _offset_then(zone, int(time.time()) // 3600)


@lru_cache(maxsize=256)
def _offset_then(zone: str, _hour: int) -> int:
    found = datetime.now(UTC).astimezone(ZoneInfo(zone)).utcoffset()
    return int(found.total_seconds()) if found else 0


# -- mistakes ------------------------------------------------------------------------------------------------------


def problems(row: Schedule, below: Iterable[Unit], units: Mapping[int, Unit], rows: Rows) -> list[str]:
    """What is wrong with a row that is to be saved: by itself, and with what holds in each of the units `below`, itself included."""
    found = _alone(row)
    if found:
        return found
    there = {**rows, (row.unit_id, row.kind): row}
    for unit in below:
        for kind, title in KINDS:
            if kind and row.kind not in ("", kind):
                continue
            for problem in _together(resolve(unit, kind, units, there)):
                found.append(problem if unit.pk == row.unit_id else f"{unit} ({title}): {problem}")
    return list(dict.fromkeys(found))


def _alone(row: Schedule) -> list[str]:
    found = []
    limits = (
        ("interval_seconds", 300, MAX_INTERVAL, _("the interval lies between 5 minutes and 60 days")),
        ("jitter_seconds", 0, MAX_INTERVAL, _("the spread lies between 0 and 60 days")),
        ("overdue_after", 1, MAX_OVERDUE, _("a machine is overdue after 1 to 60 missed runs")),
        ("scans_per_minute", 1, MAX_RATE, _("the rate lies between 1 and 10000 scans a minute")),
        ("bytes_per_second", LEAST_BYTES, 1 << 31, _("the bandwidth is at least 256 bytes a second")),
        ("poll_seconds", LEAST_POLL, MOST_POLL, _("agents ask between once a minute and once in 6 hours")),
    )
    for name, least, most, words in limits:
        value = getattr(row, name)
        if value is not None and not least <= value <= most:
            found.append(words)
    if row.zone:
        try:
            ZoneInfo(row.zone)
        except (LookupError, ValueError, OSError):
            found.append(_("there is no time zone %s; one is called Asia/Ho_Chi_Minh") % row.zone)
    for first, last in row.freezes or ():
        days = (date.fromisoformat(last) - date.fromisoformat(first)).days + 1
        if days < 1:
            found.append(_("the freeze from %(first)s to %(last)s ends before it begins") % {"first": first, "last": last})
        elif days > LONGEST_FREEZE:
            found.append(
                _(
                    "the freeze from %(first)s to %(last)s has %(days)d days; 31 is the most: who is not looked at for longer is not known"
                )
                % {"first": first, "last": last, "days": days}
            )
    return found


def _together(held: Holding) -> list[str]:
    table, found = held.table, []
    for one in table.hours:
        if one.minutes * 60 < SHORTEST:
            found.append(_("the window %s is shorter than an hour: agents look at the clock every quarter of an hour") % str(one))
        elif table.jitter > one.minutes * 60 and "jitter_seconds" in held.origins:
            found.append(
                _("the window %(window)s has %(minutes)d minutes, less than the spread of %(spread)d minutes")
                % {"window": one, "minutes": one.minutes, "spread": table.jitter // 60}
            )
    if table.hours and table.interval % DAY and "interval_seconds" in held.origins and table.interval > DAY:
        found.append(_("with hours of the day the interval is a whole number of days"))
    if _overlap(table.hours):
        found.append(_("two windows overlap"))
    return found


def _overlap(hours: tuple[Hours, ...]) -> bool:
    taken: set[int] = set()
    for one in hours:
        for day in one.days:
            for part in range(one.begin, one.begin + one.minutes):
                spot = (day * 1440 + part) % (WEEK * 1440)
                if spot in taken:
                    return True
                taken.add(spot)
    return False


def told(held: Holding) -> dict[str, Any] | None:
    """How it travels; None: nothing was said, the interval is all there is."""
    return held.table.document() if held.told else None
