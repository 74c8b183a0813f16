"""When a machine is looked at: its own moment inside the hours it is allowed, the same for whoever works it out.

The agent acts by it and the collector expects by it, so it is said once. Pure: no clock is read and nothing is asked.

A cycle is the time in which a machine is looked at once: the interval, or, where hours are given, so many whole days. A machine's
moment in it comes from its id alone, at that part of the cycle's open time, so all of them together are spread evenly over it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

DAY = 86_400
TAIL = 1500
"""Seconds at the end of a window in which no moment lies: an agent looks at the clock every quarter of an hour, and not on the dot."""
CLOCK_TOLERANCE = 300
SHORTEST, LONGEST_FREEZE = 3600, 31
MAX_INTERVAL, MAX_OVERDUE = 60 * DAY, 60
FURTHEST = 400
"""Days ahead in which the next moment is sought."""
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")
Span = tuple[float, float]


class Hours(NamedTuple):
    """A time of day on some days of the week: minutes after local midnight. `end` at or before `begin` lies on the next day."""

    days: frozenset[int]
    """0 is Monday; the day on which it begins."""
    begin: int
    end: int

    @property
    def minutes(self) -> int:
        return (self.end - self.begin) % 1440 or 1440

    def __str__(self) -> str:
        return f"{self.begin // 60:02}:{self.begin % 60:02}-{self.end // 60:02}:{self.end % 60:02}"


class Timetable(NamedTuple):
    """How often, when, and when not."""

    interval: int
    jitter: int
    """Most seconds from the beginning of a window, or of the interval, over which machines are spread."""
    hours: tuple[Hours, ...] = ()
    """Empty: at any time."""
    freezes: tuple[tuple[date, date], ...] = ()
    """First and last day, local: nothing is begun then, whatever is overdue."""
    zone: str = "Asia/Ho_Chi_Minh"
    utc_offset: int = 7 * 3600
    """Of the zone, for a machine that has no table of zones."""
    overdue: int = 3
    """After so many of its moments missed, and days gone, a machine is looked at as soon as it is there, also outside its hours."""

    @property
    def days(self) -> int:
        """Days of a cycle where hours are given."""
        return max(1, -(-self.interval // DAY))

    @property
    def period(self) -> int:
        """Seconds of a cycle."""
        return self.days * DAY if self.hours else self.interval

    def document(self) -> dict[str, Any]:
        """As it travels."""
        return {
            "interval_seconds": self.interval,
            "jitter_seconds": self.jitter,
            "hours": [{"days": sorted(one.days), "from": str(one)[:5], "to": str(one)[6:]} for one in self.hours],
            "freezes": [[first.isoformat(), last.isoformat()] for first, last in self.freezes],
            "zone": self.zone,
            "utc_offset_seconds": self.utc_offset,
            "overdue_after": self.overdue,
        }

    @classmethod
    def read(cls, document: Any) -> Timetable:
        """From how it travels. Raises ValueError for what cannot be meant."""
        try:
            table = cls(
                interval=_whole(document["interval_seconds"], 60, MAX_INTERVAL),
                jitter=_whole(document["jitter_seconds"], 0, MAX_INTERVAL),
                hours=tuple(_hours(one) for one in document["hours"]),
                freezes=tuple((date.fromisoformat(first), date.fromisoformat(last)) for first, last in document["freezes"]),
                zone=str(document["zone"]),
                utc_offset=_whole(document["utc_offset_seconds"], -DAY + 1, DAY - 1),
                overdue=_whole(document["overdue_after"], 1, MAX_OVERDUE),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(str(error)) from None
        if any(not 0 <= (last - first).days < LONGEST_FREEZE for first, last in table.freezes):
            raise ValueError("freezes")
        return table


def minute(text: str) -> int:
    """Minutes after midnight of `22:30`. Raises ValueError."""
    if not _TIME.fullmatch(text):
        raise ValueError(text)
    return 60 * int(text[:2]) + int(text[3:])


def _hours(one: Any) -> Hours:
    days = frozenset(_whole(day, 0, 6) for day in one["days"])
    begin, end = minute(one["from"]), minute(one["to"])
    if not days or begin == 1440 or begin == end:
        raise ValueError("hours")
    return Hours(days, begin, end)


def _whole(value: Any, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError(repr(value))
    return value


# -- the machine's own place -------------------------------------------------------------------------------------


def offset(agent: str, interval: int, jitter: int) -> int:
    """Seconds after the start of each interval at which this agent scans."""
    spread = min(interval, jitter)
    return int.from_bytes(hashlib.sha256(agent.encode()).digest()[:8], "big") % spread if spread > 0 else 0


def fraction(agent: str) -> float:
    """The place of this agent among all, from 0 to just below 1."""
    return (int.from_bytes(hashlib.sha256(agent.encode()).digest()[:8], "big") >> 11) / 2**53


# -- moments -----------------------------------------------------------------------------------------------------


def moments(table: Timetable, agent: str, after: float) -> Iterator[float]:
    """The agent's moments later than `after`, earliest first; as far as FURTHEST days ahead."""
    found = _in_hours(table, agent, after) if table.hours else _any_time(table, agent, after)
    return (moment for moment in found if moment > after)


def next_moment(table: Timetable, agent: str, after: float) -> float | None:
    """None: there is none in FURTHEST days."""
    return next(moments(table, agent, after), None)


def since(table: Timetable, agent: str, last: float) -> Iterator[float]:
    """The moments at which a machine is expected that was last looked at then; not one right after that."""
    return moments(table, agent, last + table.period / 4)


def _any_time(table: Timetable, agent: str, after: float) -> Iterator[float]:
    own = offset(agent, table.interval, table.jitter)
    number = int((after - own) // table.interval)
    until = after + FURTHEST * DAY
    while (moment := float(number * table.interval + own)) < until:
        thaw = thaws(table, moment)
        if thaw is None:
            yield moment
            number += 1
        else:
            number = max(number + 1, int(-((own - thaw) // table.interval)))


def _in_hours(table: Timetable, agent: str, after: float) -> Iterator[float]:
    place = fraction(agent)
    # one cycle back: a window that began the evening before may still be open
    first = _local(table, after).date().toordinal() // table.days - 1
    for cycle in range(first, first + FURTHEST // table.days + 3):
        moment = _place(_spread(table, cycle), place)
        if moment is not None:
            yield moment


def _place(spans: tuple[Span, ...], place: float) -> float | None:
    left = place * sum(end - begin for begin, end in spans)
    for begin, end in spans:
        if left < end - begin:
            return begin + left
        left -= end - begin
    return None


@lru_cache(maxsize=4096)
def _spread(table: Timetable, cycle: int) -> tuple[Span, ...]:
    """Over what a cycle's moments are spread: the open time without the end of each window, as far as the jitter reaches."""
    found = []
    for number in range(cycle * table.days, (cycle + 1) * table.days):
        for begin, end in openings(table, date.fromordinal(number)):
            length = end - begin
            length = length - TAIL if length > 2 * TAIL else length / 2
            found.append((begin, begin + min(length, table.jitter or 1)))
    return tuple(sorted(found))


# -- open and frozen ---------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def openings(table: Timetable, day: date) -> tuple[Span, ...]:
    """The windows that begin on a local day, without what is frozen of them.

    Where the clock is put forward or back the doubtful hour counts as closed, so that no clock on a wall can say it was outside.
    """
    found: list[Span] = []
    for hours in table.hours:
        if day.weekday() not in hours.days:
            continue
        begin = max(_instants(table, day, hours.begin))
        end = min(_instants(table, day, hours.begin + hours.minutes))
        found += _without_freezes(table, begin, end)
    return tuple(span for span in sorted(found) if span[0] < span[1])


def is_open(table: Timetable, at: float) -> bool:
    """A machine may be looked at then."""
    if not table.hours:
        return thaws(table, at) is None
    day = _local(table, at).date()
    spans = (*openings(table, day - timedelta(days=1)), *openings(table, day))
    return any(begin <= at < end for begin, end in spans)


def _closes(table: Timetable, at: float) -> float:
    """When the window closes that is open then; where there is none, an hour later."""
    day = _local(table, at).date()
    spans = (*openings(table, day - timedelta(days=1)), *openings(table, day))
    return max((end for begin, end in spans if begin <= at < end), default=at + SHORTEST)


def thaws(table: Timetable, at: float) -> float | None:
    """When the freeze ends that is in force then; None: none is."""
    found = None
    for begin, end in _frozen(table):
        if begin <= (at if found is None else found) < end:
            found = end
    return found


@lru_cache(maxsize=512)
def _frozen(table: Timetable) -> tuple[Span, ...]:
    found = []
    for first, last in sorted(table.freezes):
        found.append((min(_instants(table, first, 0)), max(_instants(table, last + timedelta(days=1), 0))))
    return tuple(found)


def _without_freezes(table: Timetable, begin: float, end: float) -> list[Span]:
    left = [(begin, end)]
    for cold, warm in _frozen(table):
        left = [part for low, high in left for part in ((low, min(high, cold)), (max(low, warm), high)) if part[0] < part[1]]
    return left


def _instants(table: Timetable, day: date, minutes: int) -> tuple[float, float]:
    """Both moments that a time on the wall may mean; they differ only where the clock is put forward or back."""
    wall = datetime.combine(day, datetime.min.time()) + timedelta(minutes=minutes)
    zone = _zone(table.zone, table.utc_offset)
    return wall.replace(tzinfo=zone, fold=0).timestamp(), wall.replace(tzinfo=zone, fold=1).timestamp()


def _local(table: Timetable, at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC).astimezone(_zone(table.zone, table.utc_offset))


def hour_of(table: Timetable, at: float) -> int:
    """The hour on the wall then."""
    return _local(table, at).hour


@lru_cache(maxsize=64)
def _zone(name: str, utc_offset: int) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return timezone(timedelta(seconds=utc_offset))


# -- what is due -------------------------------------------------------------------------------------------------


class Due(NamedTuple):
    """When a machine is to be looked at next, and why then."""

    at: float
    why: str
    """first: never before; planned: its own moment; missed: that passed while the machine was not there; overdue: too many of them."""


def due(table: Timetable, agent: str, last: float | None, now: float) -> Due:
    """What is due; `at` not later than `now`: at once. `last`: when it was last looked at, None for never.

    A last time in the future means that the clock was set back: then nothing is known, and it is due as soon as it may be.
    """
    thaw = thaws(table, now)
    if last is None:
        return Due(thaw or now, "first")
    if last > now + CLOCK_TOLERANCE:
        return Due(now, "missed") if is_open(table, now) else Due(_or_later(table, agent, now), "planned")
    ahead = list(islice(since(table, agent, last), table.overdue))
    first = ahead[0] if ahead else _or_later(table, agent, now)
    if first > now:
        return Due(first, "planned")
    opened = is_open(table, now)
    if opened and now - first <= 2 * TAIL:
        return Due(first, "planned")
    starving = len(ahead) == table.overdue and ahead[-1] <= now and now - last >= min(2, table.overdue) * DAY
    if starving and thaw is None:
        return Due(now, "overdue")
    later = _or_later(table, agent, now)
    # who comes by in this window anyway does not push in: after a freeze, or at the opening, that would be everybody
    return Due(now, "missed") if opened and later > _closes(table, now) else Due(later, "planned")


def _or_later(table: Timetable, agent: str, now: float) -> float:
    found = next_moment(table, agent, now)
    return now + table.period if found is None else found


def expected(table: Timetable, agent: str, last: float, until: float, most: int = 30) -> tuple[float | None, int]:
    """(when the machine is expected next after `last`, how many of its moments passed since then up to `until`, at most so many)."""
    first, passed = None, 0
    for moment in islice(since(table, agent, last), most):
        first = moment if first is None else first
        if moment > until:
            break
        passed += 1
    return first, passed
