"""When an agent scans inside the hours of its unit: never outside, never in a freeze, never starved, and all of them flat."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.schedule import ASLEEP, LONG, moment_of, timetable, woken
from collectors.timetable import (
    DAY,
    LONGEST_FREEZE,
    SHORTEST,
    TAIL,
    Hours,
    Timetable,
    due,
    expected,
    is_open,
    moments,
    next_moment,
    since,
    thaws,
)

NOW = datetime(2027, 2, 3, 1, 0, tzinfo=UTC).timestamp()  # a Wednesday, 08:00 in Hà Nội
HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
WEEKDAYS, ALL_DAYS = frozenset(range(5)), frozenset(range(7))
LUNCH = Timetable(DAY, 2 * 3600, (Hours(WEEKDAYS, 690, 780),))
NIGHT = Timetable(DAY, 7 * 3600, (Hours(ALL_DAYS, 1320, 300),))
TET = (date(2027, 2, 5), date(2027, 2, 12))

agents = st.uuids().map(str)
times = st.floats(NOW - 400 * DAY, NOW + 400 * DAY)
zones = st.sampled_from(["Asia/Ho_Chi_Minh", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"])


@st.composite
def hours(draw) -> Hours:
    begin = draw(st.integers(0, 1439))
    length = draw(st.integers(SHORTEST // 60, 1439))
    days = draw(st.frozensets(st.integers(0, 6), min_size=1))
    return Hours(days, begin, (begin + length) % 1440)


@st.composite
def freezes(draw) -> tuple[date, date]:
    first = date(2026, 6, 1) + timedelta(days=draw(st.integers(0, 500)))
    return first, first + timedelta(days=draw(st.integers(0, LONGEST_FREEZE - 1)))


@st.composite
def tables(draw, any_time: bool = True) -> Timetable:
    return Timetable(
        interval=draw(st.integers(300, 20 * DAY)),
        jitter=draw(st.integers(0, 12 * 3600)),
        hours=tuple(draw(st.lists(hours(), min_size=0 if any_time else 1, max_size=3))),
        freezes=tuple(draw(st.lists(freezes(), max_size=3))),
        zone=draw(zones),
        overdue=draw(st.integers(1, 10)),
    )


def on_the_wall(table: Timetable, at: float) -> datetime:
    return datetime.fromtimestamp(at, ZoneInfo(table.zone))


def allowed(table: Timetable, at: float) -> bool:
    """Said again, by the clock on the wall alone."""
    wall = on_the_wall(table, at)
    if any(first <= wall.date() <= last for first, last in table.freezes):
        return False
    minute, today = 60 * wall.hour + wall.minute, wall.weekday()
    return not table.hours or any(
        (today in one.days and one.begin <= minute < one.begin + one.minutes)
        or ((today - 1) % 7 in one.days and one.begin <= minute + 1440 < one.begin + one.minutes)
        for one in table.hours
    )


@given(tables(), agents, times)
def test_a_moment_is_always_inside_a_window_and_never_in_a_freeze(table: Timetable, agent: str, after: float) -> None:
    found = list(islice(moments(table, agent, after), 5))
    assert all(allowed(table, moment) for moment in found)
    assert all(earlier < later for earlier, later in pairwise([after, *found]))


@given(tables(), agents, times, st.none() | st.floats(0, 90 * DAY), st.floats(0, 5 * DAY))
def test_what_is_due_now_may_be_done_now_unless_it_is_overdue(
    table: Timetable, agent: str, now: float, age: float | None, ahead: float
) -> None:
    last = None if age is None else now - age
    found = due(table, agent, last, now)
    if found.at > now:
        assert allowed(table, found.at) or found.why == "first"
    assert found.at > now or not any(first <= on_the_wall(table, now).date() <= last for first, last in table.freezes)
    if found.at <= now and found.why != "overdue" and last is not None:
        assert allowed(table, now)
    if found.why == "overdue":
        assert last is not None
        assert len(list(islice(since(table, agent, last), table.overdue))) == table.overdue
    back = due(table, agent, now + 301 + ahead, now)
    assert back.at > now or allowed(table, now), "a clock that was set back opens no window"


@given(tables(any_time=False), agents, times)
def test_open_is_what_the_clock_on_the_wall_says(table: Timetable, agent: str, at: float) -> None:
    # the doubtful hour of a changed clock counts as closed, so only one direction holds everywhere
    assert allowed(table, at) or not is_open(table, at)
    if table.zone == "Asia/Ho_Chi_Minh":
        assert allowed(table, at) == is_open(table, at)


@given(tables(), agents, times)
def test_the_next_moment_does_not_depend_on_when_it_is_asked_for(table: Timetable, agent: str, at: float) -> None:
    moment = next_moment(table, agent, at)
    if moment is not None:
        assert next_moment(table, agent, (at + moment) / 2) == pytest.approx(moment, abs=1e-3)
        assert next_moment(table, agent, moment) != moment


@settings(max_examples=25)
@given(tables(), agents, times, st.integers(0, 20))
def test_a_scan_each_time_it_is_due_never_starves_and_never_doubles(table: Timetable, agent: str, now: float, seed: int) -> None:
    table = table._replace(interval=max(3600, table.interval), freezes=())
    last, scans = now, []
    for step in range(1, 30 * 96):
        at = now + step * 900 + seed
        if due(table, agent, last, at).at <= at:
            scans.append(at)
            last = at
        if len(scans) == 3:
            break
    assert all(later - earlier >= min(table.period / 4, 2 * DAY) - 1801 for earlier, later in pairwise([now, *scans]))
    if table.period <= 2 * DAY:
        assert len(scans) >= 2


def test_twenty_five_thousand_machines_are_flat_over_a_window_of_two_hours() -> None:
    table = LUNCH._replace(hours=(Hours(WEEKDAYS, 660, 780),))
    per_minute: Counter[int] = Counter()
    for number in range(25_000):
        moment = next_moment(table, f"agent-{number}", NOW)
        assert moment is not None
        per_minute[int(moment // 60)] += 1
    spread = (2 * 3600 - TAIL) // 60
    mean = 25_000 / spread
    assert len(per_minute) == spread
    assert max(per_minute.values()) < 1.5 * mean
    chi_square = sum((count - mean) ** 2 / mean for count in per_minute.values())
    assert chi_square < spread + 4 * (2 * spread) ** 0.5  # four standard deviations


def test_a_week_s_interval_spreads_over_the_nights_of_the_week() -> None:
    weekly = NIGHT._replace(interval=7 * DAY)
    nights = Counter(int((next_moment(weekly, f"agent-{number}", NOW) or 0) // DAY) for number in range(7000))
    assert len(nights) >= 7
    found = [next_moment(weekly, "agent-1", NOW + week * 7 * DAY) for week in range(3)]
    assert [later - earlier for earlier, later in pairwise(found)] == [7 * DAY, 7 * DAY]


def test_eight_o_clock_is_flat_for_machines_that_slept_through_their_moment() -> None:
    table = Timetable(6 * 3600, 3600)
    starts: Counter[int] = Counter()
    for number in range(1500):
        agent = f"agent-{number}"
        last = NOW - 15 * 3600
        at = next(at for at in range(int(NOW), int(NOW) + LONG + 300, 120) if moment_of(table, agent, last, at, NOW) <= at)
        starts[(at - int(NOW)) // 600] += 1
    assert max(starts.values()) < 1.5 * 1500 / 6


def test_a_laptop_that_is_there_from_nine_to_eleven_is_not_starved_by_lunch_hours() -> None:
    last = NOW - 3600
    scans = []
    for day in range(20):
        for minute in range(120):
            at = NOW + 3600 + day * DAY + 60 * minute
            if moment_of(LUNCH, "laptop", last, at, woke=NOW + 3600 + day * DAY) <= at:
                scans.append(at)
                last = at
    assert 3 <= len(scans) <= 6, "once in so many missed moments, and not each day"
    assert all(later - earlier <= 7 * DAY for earlier, later in pairwise(scans))


def test_a_freeze_holds_what_is_overdue_and_nobody_rushes_when_it_ends() -> None:
    table = NIGHT._replace(freezes=(TET,))
    last = datetime(2027, 2, 4, 2, tzinfo=HANOI).timestamp()
    for hour in range(8 * 24 - 1):
        now = datetime(2027, 2, 5, tzinfo=HANOI).timestamp() + 3600 * hour
        assert thaws(table, now)
        assert due(table, "a", last, now).at > now
    thaw = datetime(2027, 2, 13, tzinfo=HANOI).timestamp()
    at = [due(table, f"agent-{number}", last, thaw + 1).at for number in range(600)]
    assert min(at) >= thaw
    per_hour = Counter(int((moment - thaw) // 3600) for moment in at)
    assert max(per_hour.values()) < 600 / 3, "the rest of that night, evenly"


def test_a_machine_never_looked_at_is_due_at_once_but_not_in_a_freeze() -> None:
    frozen = LUNCH._replace(freezes=((date(2027, 2, 3), date(2027, 2, 3)),))
    assert due(LUNCH, "a", None, NOW) == (NOW, "first")
    assert due(frozen, "a", None, NOW).at == datetime(2027, 2, 4, tzinfo=HANOI).timestamp()


def test_two_freezes_in_a_row_are_one() -> None:
    table = LUNCH._replace(freezes=((date(2027, 2, 3), date(2027, 2, 4)), (date(2027, 2, 5), date(2027, 2, 6))))
    assert thaws(table, NOW) == datetime(2027, 2, 7, tzinfo=HANOI).timestamp()


def test_what_was_slept_through_is_made_up_only_while_the_window_is_open() -> None:
    noon = datetime(2027, 2, 3, 12, 50, tzinfo=HANOI).timestamp()
    moment = next_moment(LUNCH, "a", noon - 6 * 3600)
    assert moment is not None
    assert moment < noon
    last = moment - DAY
    assert due(LUNCH._replace(jitter=60), "a", last, noon) == (noon, "missed")
    assert due(LUNCH, "a", last, noon + 3600).at == next_moment(LUNCH, "a", noon + 3600)


def test_a_zone_that_this_machine_does_not_know_is_told_as_hours_from_utc() -> None:
    strange = LUNCH._replace(zone="Nowhere/Here")
    assert next_moment(strange, "a", NOW) == next_moment(LUNCH, "a", NOW)


@given(tables())
def test_what_travels_comes_back(table: Timetable) -> None:
    assert Timetable.read(table.document()) == table


@pytest.mark.parametrize(
    "change",
    [
        {"interval_seconds": 0}, {"interval_seconds": "900"}, {"interval_seconds": True}, {"hours": None}, {"hours": [{}]},
        {"hours": [{"days": [7], "from": "01:00", "to": "02:00"}]}, {"hours": [{"days": [], "from": "01:00", "to": "02:00"}]},
        {"hours": [{"days": [1], "from": "1:00", "to": "02:00"}]}, {"hours": [{"days": [1], "from": "02:00", "to": "02:00"}]},
        {"hours": [{"days": [1], "from": "24:00", "to": "02:00"}]}, {"freezes": [["2027-02-05"]]}, {"freezes": [["x", "y"]]},
        {"freezes": [["2027-02-05", "2027-02-04"]]}, {"freezes": [["2027-01-01", "2029-01-01"]]}, {"overdue_after": 0},
        {"utc_offset_seconds": 99_999}, {"jitter_seconds": -1}, {"zone": None, "jitter_seconds": None},
    ],
)  # fmt: skip
def test_a_schedule_that_cannot_be_meant_is_not_followed(change: dict) -> None:
    told = {"schedule": LUNCH.document() | change, "interval_seconds": 7200}
    with pytest.raises(ValueError):
        Timetable.read(told["schedule"])
    assert timetable(told, None, 1800) == Timetable(7200, 1800)


def test_an_interval_set_on_the_machine_counts_more_and_an_older_collector_s_will_do() -> None:
    told = {"schedule": LUNCH.document(), "interval_seconds": 7200}
    assert timetable(told, 3 * DAY, 60) == LUNCH._replace(interval=3 * DAY)
    assert timetable({"interval_seconds": 7200}, None, 60) == Timetable(7200, 60)
    assert timetable({}, None, 60) == Timetable(21600, 60)


def test_a_gap_in_looking_at_the_clock_is_a_sleep() -> None:
    assert woken(None, NOW) == {"at": NOW, "woke": 0}
    assert woken({"at": NOW - 900, "woke": 5}, NOW) == {"at": NOW, "woke": 5}
    assert woken({"at": NOW - ASLEEP - 1, "woke": 5}, NOW) == {"at": NOW, "woke": NOW}
    assert woken({"at": NOW + 9000, "woke": NOW + 8000}, NOW) == {"at": NOW, "woke": 0}, "the clock was set back"
    assert woken({"at": "?"}, NOW) == {"at": NOW, "woke": 0}


@given(tables(), agents, st.sampled_from([None, "x", float("nan"), float("inf"), -1e300, True, {}]))
def test_a_damaged_memory_of_the_last_scan_counts_as_none(table: Timetable, agent: str, last: object) -> None:
    assert moment_of(table, agent, last, NOW) >= NOW or last is True


@given(tables(), agents, times)
def test_the_collector_counts_what_the_agent_missed(table: Timetable, agent: str, last: float) -> None:
    ahead = list(islice(since(table, agent, last), 3))
    if len(ahead) == 3:
        assert expected(table, agent, last, ahead[0] - 1) == (ahead[0], 0)
        assert expected(table, agent, last, ahead[1]) == (ahead[0], 2)
        assert expected(table, agent, last, ahead[2] + 1e-3, most=2) == (ahead[0], 2)
