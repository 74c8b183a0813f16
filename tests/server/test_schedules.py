"""What holds in a unit, what agents are told of it, and what is missing."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone, translation

from collectors.timetable import DAY, Hours, Timetable, next_moment, thaws
from server.console import OK, USAGE
from server.ingest.models import Agent, Machine, StoredSnapshot
from server.journal.models import Entry
from server.schedules import attendance, console, punctual, views
from server.schedules.models import Attendance, Schedule, Silence
from server.schedules.punctual import GRACE, LATE, MISSED, NEVER, ON_TIME, expectation
from server.schedules.resolve import of, resolve, rows_of
from server.units.models import Membership, Unit
from tests.server.newest import repeat
from tests.server.people import Host, send

pytestmark = pytest.mark.django_db
WORK = "/api/v1/agents/me/work"


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


NIGHT = [{"days": [0, 1, 2, 3, 4, 5, 6], "from": "22:00", "to": "05:00"}]
LUNCH = [{"days": [0, 1, 2, 3, 4], "from": "11:30", "to": "13:00"}]


class Options:
    """What the command line would have read."""

    def __init__(self, unit: str | None = None, **given) -> None:
        flags = ("interval", "hours", "spread", "freeze", "zone", "overdue", "scans", "bandwidth", "poll")
        self.__dict__ |= dict.fromkeys(flags) | {"unit": unit, "kind": "all"} | given


def work(client: Client, host: Host, tag: str = ""):
    headers = {"Authorization": host.authorization(WORK)} | ({"If-None-Match": tag} if tag else {})
    return client.get(WORK, headers=headers)


# -- what holds ----------------------------------------------------------------------------------------------------


def test_the_nearest_word_counts_the_kind_before_the_rest_and_freezes_add_up(tree) -> None:
    Schedule.objects.create(
        unit=tree["root"], interval_seconds=7 * DAY, freezes=[["2027-02-05", "2027-02-12"]], zone="Asia/Tokyo"
    )
    Schedule.objects.create(unit=tree["root"], kind="workstation", hours=LUNCH, bytes_per_second=9000)
    Schedule.objects.create(unit=tree["north"], kind="server", hours=NIGHT, freezes=[["2027-04-30", "2027-05-01"]])
    Schedule.objects.create(unit=tree["north"], interval_seconds=DAY)
    server, workstation = of(tree["north"], "server"), of(tree["north"], "workstation")
    assert (server.table.interval, workstation.table.interval) == (DAY, DAY)
    assert str(server.table.hours[0]) == "22:00-05:00"
    assert str(workstation.table.hours[0]) == "11:30-13:00"
    assert len(server.table.freezes) == 2
    assert len(workstation.table.freezes) == 1
    assert (server.bytes_per_second, workstation.bytes_per_second) == (None, 9000)
    assert (server.table.zone, server.table.utc_offset) == ("Asia/Tokyo", 9 * 3600)
    assert server.origins["hours"] == tree["north"]
    assert server.origins["zone"] == tree["root"]
    south = of(tree["south"], "server")
    assert (south.table.interval, south.table.hours) == (7 * DAY, ())
    assert of(tree["south"], "switch") == of(tree["south"], "network")


def test_an_interval_of_the_unit_itself_counts_where_it_stands(tree) -> None:
    Schedule.objects.create(unit=tree["root"], interval_seconds=DAY)
    Unit.objects.filter(pk=tree["north"].pk).update(interval_seconds=600)
    assert of(tree["north"], "server").table.interval == 600
    assert of(tree["south"], "server").table.interval == DAY


def test_an_empty_list_of_windows_takes_those_from_above_back(tree) -> None:
    Schedule.objects.create(unit=tree["root"], hours=NIGHT)
    Schedule.objects.create(unit=tree["north"], hours=[])
    assert of(tree["north"], "server").table.hours == ()


def test_nothing_said_is_nothing_told(tree) -> None:
    assert not of(tree["root"], "server").told


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"hours": "daily 12:00-12:30"}, "shorter than an hour"),
        ({"hours": "daily 11:30-13:00", "spread": "2h"}, "90 minutes, less than the spread of 120"),
        ({"hours": "mon-fri 11:00-13:00; wed 12:00-14:00"}, "overlap"),
        ({"hours": "sun 22:00-05:00; mon 04:00-06:00"}, "overlap"),
        ({"hours": "daily 22:00-05:00", "interval": "36h"}, "whole number of days"),
        ({"hours": "sometimes"}, "--hours: sometimes is not understood"),
        ({"hours": "mon 25:00-26:00"}, "not understood"),
        ({"interval": "1m"}, "between 5 minutes and 60 days"),
        ({"interval": "soon"}, "--interval: soon is not understood"),
        ({"freeze": "2027-02-12..2027-02-05"}, "ends before it begins"),
        ({"freeze": "2027-01-01..2027-03-01"}, "31 is the most"),
        ({"freeze": "Tết"}, "not understood"),
        ({"zone": "Hanoi"}, "no time zone Hanoi"),
        ({"overdue": "0"}, "1 to 60"),
        ({"scans": "0"}, "between 1 and 10000"),
        ({"bandwidth": "10"}, "at least 256"),
        ({"poll": "10s"}, "once a minute"),
    ],
)
def test_mistakes_are_said_in_words_and_nothing_is_saved(tree, capsys, flags: dict, words: str) -> None:
    assert console.change(Options("Sở", **flags)) == USAGE
    assert words in capsys.readouterr().err
    assert not Schedule.objects.exists()


def test_what_would_not_fit_below_is_said_with_the_unit_it_would_not_fit(tree, capsys) -> None:
    assert console.change(Options("Phòng Bắc", kind="workstation", hours="mon-fri 11:30-13:00")) == OK
    assert console.change(Options("Sở", spread="3h")) == USAGE
    assert "Phòng Bắc" in capsys.readouterr().err
    assert console.change(Options("Sở", kind="server", spread="3h")) == OK


def test_the_console_says_what_holds_and_takes_it_back(tree, capsys) -> None:
    said = {
        "hours": "mon-fri 11:30-13:00; sat,sun 08:00-10:00",
        "interval": "1d",
        "freeze": "2027-02-05..2027-02-12, 2027-04-30",
        "bandwidth": "64k",
    }
    assert console.change(Options("Sở", kind="workstation", **said)) == OK
    row = Schedule.objects.get()
    assert row.hours == [
        {"days": [0, 1, 2, 3, 4], "from": "11:30", "to": "13:00"},
        {"days": [5, 6], "from": "08:00", "to": "10:00"},
    ]
    assert row.freezes == [["2027-02-05", "2027-02-12"], ["2027-04-30", "2027-04-30"]]
    assert row.bytes_per_second == 65536
    assert console.show(Options("Phòng Bắc")) == OK
    assert console.listed(Options()) == OK
    shown = capsys.readouterr().out
    assert "11:30-13:00" in shown
    assert "[Sở]" in shown
    assert console.change(Options("Sở", kind="workstation", hours="inherit", freeze="inherit")) == OK
    row.refresh_from_db()
    assert (row.hours, row.freezes, row.interval_seconds) == (None, None, DAY)
    assert Entry.objects.filter(action="schedule.changed").count() == 2


# -- what agents are told ------------------------------------------------------------------------------------------


def test_an_agent_is_told_its_schedule_and_an_old_one_an_interval(client: Client, another, tree) -> None:
    Schedule.objects.create(unit=tree["root"], kind="server", hours=NIGHT, bytes_per_second=9000, poll_seconds=1800)
    answer = work(client, another("a", "north")).json()
    table = Timetable.read(answer["schedule"])
    assert table.hours == (Hours(frozenset(range(7)), 1320, 300),)
    assert answer["interval_seconds"] == DAY, "once a night, at any time"
    assert (answer["bytes_per_second"], answer["poll_seconds"]) == (9000, 1800)
    assert answer["station_schedule"] is None, "of devices nobody said anything"


def test_whoever_has_it_all_is_answered_with_nothing(client: Client, host: Host, tree) -> None:
    first = work(client, host)
    tag = first.headers["ETag"]
    again = work(client, host, tag)
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    Schedule.objects.create(unit=tree["root"], hours=NIGHT)
    changed = work(client, host, tag)
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag


# -- what is missing -----------------------------------------------------------------------------------------------

NOW = datetime(2027, 2, 3, 1, tzinfo=UTC)
SIX_HOURS = Timetable(6 * 3600, 3600)


def test_on_time_late_missed_and_never() -> None:
    table, now = SIX_HOURS, NOW.timestamp()
    first = next_moment(table, "a", now + table.period / 4)
    assert first is not None
    assert expectation(table, "a", True, now, first + GRACE - 1) == (ON_TIME, 0, first)
    assert expectation(table, "a", True, now, first + GRACE) == (LATE, 1, first)
    assert expectation(table, "a", True, now, first + GRACE + table.period) == (MISSED, 2, first)
    assert expectation(table, "a", True, now, first + 1000 * DAY).missed == 30, "at most so many are counted"
    assert expectation(table, "a", True, None, now) == (NEVER, 0, None)


def test_a_freeze_misses_nothing() -> None:
    table = SIX_HOURS._replace(freezes=((NOW.date(), NOW.date() + timedelta(days=9)),))
    last = NOW.timestamp() - DAY / 2
    thaw = thaws(table, NOW.timestamp())
    assert thaw is not None
    assert expectation(table, "a", True, last, thaw).missed <= 2, "no more than before it began"


def reported(host: Host, hours: float) -> Machine:
    """As if its last report was so long ago."""
    machine = Machine.objects.get(agent_id=host.agent, own=True)
    StoredSnapshot.objects.filter(machine=machine).update(orders_at=timezone.now() - timedelta(hours=hours))
    repeat()
    return machine


@pytest.fixture
def site(client: Client, another):
    """Machines of a unit that have reported."""

    def make(unit: str, count: int) -> list[Host]:
        hosts = [another(f"{unit}-{number}", unit) for number in range(count)]
        for host in hosts:
            assert send(client, host.seal(host.snapshot())).status_code == 201
        return hosts

    return make


@pytest.mark.on_both
def test_a_silent_site_is_one_line_and_it_closes_by_itself(site, tree) -> None:
    north, south = site("north", 4), site("south", 5)
    assert attendance.look() == (0, 0)
    for host in (*north, *south[:3]):
        reported(host, 80)
    assert attendance.look() == (2, 0)
    assert attendance.look() == (0, 0), "the same again is the same line"
    silent, gaps = Silence.objects.get(unit=tree["north"]), Silence.objects.get(unit=tree["south"])
    assert (silent.state, silent.missing, silent.machines) == ("silent", 4, 4)
    assert (gaps.state, gaps.missing, gaps.machines) == ("gaps", 3, 5)
    reported(north[0], 1)
    assert attendance.look() == (0, 0)
    silent.refresh_from_db()
    assert (silent.state, silent.missing) == ("gaps", 3)
    for host in (*north, *south):
        reported(host, 1)
    assert attendance.look() == (0, 2)
    assert not Silence.objects.filter(closed_at=None).exists()
    assert Entry.objects.filter(action="silence.raised").count() == Entry.objects.filter(action="silence.closed").count() == 2


def test_a_night_a_machine_out_of_service_and_one_that_never_came_are_no_silence(site, tree, another) -> None:
    (dark,) = site("north", 1)
    reported(dark, 20)
    assert attendance.look() == (0, 0), "offices are dark at night"
    machine = reported(dark, 80)
    another("never", "south")
    Machine.objects.filter(pk=machine.pk).update(retired_at=timezone.now())
    assert attendance.look() == (0, 0)
    Machine.objects.filter(pk=machine.pk).update(retired_at=None)
    Agent.objects.filter(pk=dark.agent).update(revoked_at=timezone.now())
    assert attendance.look() == (0, 0)


@pytest.mark.on_both
def test_a_station_with_its_targets_is_a_line_of_its_own(site, tree) -> None:
    (station,) = site("north", 1)
    own = Machine.objects.get(agent_id=station.agent)
    for number in range(3):
        target = Machine.objects.create(unit=tree["north"], agent_id=station.agent, own=False, name=f"sw{number}", kind="switch")
        kept = StoredSnapshot.objects.get(machine=own)
        kept.pk, kept.machine, kept.orders_at = f"{number}", target, timezone.now() - timedelta(hours=80)
        kept.save(force_insert=True)
        Machine.objects.filter(pk=target.pk).update(latest=kept)
    repeat()
    assert attendance.look() == (1, 0)
    line = Silence.objects.get()
    assert (line.station_id, line.machines, line.missing) == (station.agent, 3, 3)


def test_the_hours_add_up_to_the_machines(site, tree) -> None:
    site("north", 6)
    Schedule.objects.create(unit=tree["root"], hours=[{"days": list(range(7)), "from": "01:00", "to": "04:00"}])
    noon = timezone.localtime().replace(hour=12, minute=0)
    plan = punctual.by_hour(punctual.of(Machine.objects.all(), noon), noon)
    assert sum(count for _at, count in plan) == 6, "one moment a day"
    assert {timezone.localtime(at).hour for at, count in plan if count} <= {1, 2, 3}


# -- the page ------------------------------------------------------------------------------------------------------


def test_the_page_shows_what_holds_what_is_to_come_and_what_is_missing(site, tree, person) -> None:
    Schedule.objects.create(unit=tree["root"], kind="server", hours=NIGHT)
    for host in site("north", 2):
        reported(host, 100)
    attendance.look()
    browser = Client()
    browser.force_login(person("xem", "north", Membership.VIEWER), backend="django.contrib.auth.backends.ModelBackend")
    page = browser.get("/schedules/").content.decode()
    assert "Lịch rà soát: Phòng Bắc" in page
    assert "22:00-05:00" in page
    assert "một đơn vị cấp trên" in page, "a unit above is not named to who may not see it"
    assert "Sở" not in page
    assert "Đơn vị im lặng" in page
    assert "north-1" in page
    assert "Rà soát toàn đơn vị" not in page, "a viewer asks for no scans"
    assert 'style="' not in page


def test_resolving_a_tree_asks_nothing_of_the_database(tree, django_assert_num_queries) -> None:
    units = {unit.pk: unit for unit in Unit.objects.all()}
    rows = rows_of(units)
    with django_assert_num_queries(0):
        for unit in units.values():
            resolve(unit, "server", units, rows)


def test_what_reports_once_a_night_is_not_late_at_noon(site, tree, person) -> None:
    (host,) = site("north", 1)
    reported(host, 30)
    browser = Client()
    browser.force_login(person("xem"), backend="django.contrib.auth.backends.ModelBackend")

    def late() -> int:
        return browser.get("/machines/?state=late").context["page"].paginator.count

    assert late() == 1
    Schedule.objects.create(unit=tree["root"], hours=NIGHT)
    assert late() == 0


@pytest.mark.on_both
def test_what_was_worked_out_is_what_a_walk_over_the_machines_finds(site, tree, person, another) -> None:
    """One figure for the page, another for the console would be none."""
    Schedule.objects.create(unit=tree["south"], hours=NIGHT)
    for host in site("north", 3)[:2]:
        reported(host, 100)
    site("south", 2)
    another("never", "south")
    now = timezone.now()
    attendance.look(now)
    for who, seen in (("root", tree["root"]), ("north", tree["north"]), ("south", tree["south"])):
        user = person(f"xem-{who}", who, Membership.VIEWER)
        there = list(punctual.of(Machine.objects.visible_to(user), now))
        told = attendance.told(user, seen, now)
        assert told.states == Counter(one.stands.state for one in there)
        assert told.bars == punctual.by_hour(there, now)
        assert [one.pk for one in told.worst] == [one.pk for one in there if one.stands.state == MISSED]
        assert (told.uncounted, told.old) == (0, False)
    assert attendance.told(person("bắc", "north", Membership.VIEWER), tree["root"], now).states.total() == 3, (
        "no further than one sees"
    )


def test_of_many_silent_sites_the_largest_are_named(site, tree, as_admin, monkeypatch) -> None:
    for host in (*site("north", 1), *site("south", 2)):
        reported(host, 100)
    attendance.look()
    monkeypatch.setattr(views, "SILENCES", 1)
    page = as_admin.get("/schedules/").content.decode()
    assert "Đơn vị im lặng: Phòng Nam" in page
    assert "Đơn vị im lặng: Phòng Bắc" not in page
    assert "Còn 1 đơn vị khác thiếu báo cáo" in page


def test_what_was_not_worked_out_is_no_nought(site, tree, person) -> None:
    user = person("xem", "root", Membership.VIEWER)
    first, _second = site("north", 2)
    reported(first, 100)
    now = timezone.now()
    assert attendance.told(user, tree["root"], now).at is None
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    page = browser.get("/schedules/").content.decode()
    assert "chưa được tính" in page
    assert "<dd>–</dd>" in page
    assert "<dd>0</dd>" not in page
    nothing = attendance.told(user, tree["south"], now)
    assert (nothing.at, nothing.states.total(), nothing.uncounted) == (now, 0, 0), "without machines there is nothing to wait for"
    attendance.look(now)
    site("south", 1)
    later = now + timedelta(hours=2)
    told = attendance.told(user, tree["root"], later)
    assert (told.states[MISSED], told.uncounted, told.old) == (1, 1, True)
    assert len(told.bars) == 22, "what was said of hours that are over is left out"
    reported(first, 0)
    assert attendance.told(user, tree["root"], now).worst == [], "it reported a moment ago"
    Machine.objects.filter(unit=tree["north"]).update(unit=tree["south"])
    attendance.look(now)
    assert not Attendance.objects.filter(unit=tree["north"]).exists()
    assert attendance.told(user, tree["root"], now).states.total() == 3
