from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from datetime import date, timedelta
from uuid import UUID

import pytest
from django.db import connections
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.findings import console, queries, rollup, tally, verify
from server.findings.codes import FAIL, MACHINE, RULES
from server.findings.models import Change, Daily, Standing, Tally, Transition
from server.ingest.models import Machine
from server.units.models import Unit
from tests.postgres import using
from tests.server.findings import BEGIN, Fleet, state_after


@pytest.fixture
def fleet(db) -> Fleet:
    return Fleet.of(4)


def counted(unit: Unit, kind: int | None = None) -> dict[int, tuple[int, int, int]]:
    return {rule: row for rule, row in tally.read([unit.path], kind).by_rule.items() if any(row)}


def recounted(unit: Unit) -> dict[int, tuple[int, ...]]:
    """By going through all rows."""
    found: dict[int, list[int]] = {}
    for rule, verdict in Standing.objects.filter(machine__unit__path__under=unit.path).values_list("rule_id", "verdict"):
        found.setdefault(rule, [0, 0, 0])[verdict - FAIL] += 1
    return {rule: tuple(row) for rule, row in found.items()}


@pytest.mark.on_both
def test_a_unit_counts_what_is_below_it_folded_or_not(fleet, tree) -> None:
    fleet.report(fleet.machine(tree["north"]), 0, "FFUP")
    fleet.report(fleet.machine(tree["south"], kind="workstation"), 0, "FP--")
    a, b, c, d = fleet.rules
    all_of_them = {a: (2, 0, 0), b: (1, 0, 1), c: (0, 1, 0), d: (0, 0, 1)}
    assert counted(tree["root"]) == all_of_them, "nothing folded yet"
    assert tally.fold_all() == 2
    assert not Change.objects.exists()
    assert counted(tree["root"]) == all_of_them
    assert counted(tree["south"]) == {a: (1, 0, 0), b: (0, 0, 1)}
    assert counted(tree["root"], kind=2) == counted(tree["south"])
    fleet.report(fleet.machine(tree["north"]), 0, "FPPP")
    assert counted(tree["root"])[a] == (3, 0, 0), "half folded"
    assert not list(verify.verify())


@pytest.mark.on_both
def test_a_late_report_changes_no_count(fleet, tree) -> None:
    machine = fleet.machine(tree["north"])
    fleet.report(machine, 5, "FPPP")
    fleet.report(machine, 2, "PFUF")
    fleet.report(machine, 3, "UUUU")
    assert counted(tree["north"]) == recounted(tree["north"])


@pytest.mark.on_both
def test_a_machine_that_moves_is_counted_where_it_is(fleet, tree) -> None:
    stays, moves = fleet.machine(tree["north"]), fleet.machine(tree["north"])
    for machine in (stays, moves):
        fleet.report(machine, 0, "FPPP")
    tally.fold_all()
    type(moves).objects.filter(pk=moves.pk).update(unit=tree["south"])
    assert tally.moved().count() == 1
    assert tally.settle() == 1
    tally.fold_all()
    for unit in tree.values():
        assert counted(unit) == recounted(unit)
    assert tally.settle() == 0
    # and by itself at its next report
    type(moves).objects.filter(pk=moves.pk).update(unit=tree["north"])
    fleet.report(moves, 1, "FPPP")
    assert counted(tree["north"]) == recounted(tree["north"])
    assert not list(verify.verify())


@pytest.mark.on_both
def test_a_machine_out_of_service_is_not_counted_and_keeps_its_standing(fleet, tree, admin) -> None:
    machine = fleet.machine(tree["north"])
    fleet.report(machine, 0, "FUPP")
    tally.fold_all()
    for retired in (timezone.now(), None):
        type(machine).objects.filter(pk=machine.pk).update(retired_at=retired)
        assert tally.settle() == 1
        assert tally.settle() == 0
        assert counted(tree["root"]) == ({} if retired else recounted(tree["root"]))
        assert len(queries.failing(admin, tree["root"], fleet.rules[0])) == (0 if retired else 1)
        assert not list(verify.verify())
        rollup.roll_up(date(2026, 11, 1))
        assert [row.machines for row in Daily.objects.filter(unit=tree["root"])] == ([] if retired else [1])
    assert queries.history(admin, machine.pk, fleet.rules[0])[0].verdict == "fail"


@pytest.mark.on_both
def test_a_unit_that_is_hung_elsewhere_takes_its_counts_along(fleet, tree) -> None:
    office = Unit.objects.create(name="Xã", parent=tree["north"])
    desk = Unit.objects.create(name="Thôn", parent=office)
    for unit in (office, desk, tree["south"]):
        fleet.report(fleet.machine(unit), 0, "FUPP")
    tally.fold_all()
    for unit, path in ((office, f"{tree['south'].path}{office.pk}/"), (desk, f"{tree['south'].path}{office.pk}/{desk.pk}/")):
        Unit.objects.filter(pk=unit.pk).update(path=path, parent=tree["south"] if unit is office else office)
    tally.fold()
    for unit in Unit.objects.all():
        assert counted(unit) == recounted(unit), unit
    assert not list(verify.verify())


@pytest.mark.on_both
def test_a_deleted_machine_is_not_counted(fleet, tree) -> None:
    machine = fleet.machine(tree["north"])
    fleet.report(machine, 0, "FUPP")
    tally.fold_all()
    machine.snapshots.all().delete()
    machine.delete()
    assert counted(tree["root"]) == {}
    assert not list(verify.verify())


@pytest.mark.on_both
def test_verify_finds_what_is_off_and_repairs_it(fleet, tree, capsys) -> None:
    for _ in range(3):
        fleet.report(fleet.machine(tree["north"]), 0, "FUPP")
    tally.fold_all()
    Tally.objects.filter(unit=tree["north"], below=False, rule=fleet.rules[0]).update(fail=7)
    Tally.objects.filter(unit=tree["root"], below=True, rule=fleet.rules[1]).delete()
    found = {(one.unit, one.below, one.rule, one.counted, one.really) for one in verify.verify()}
    assert (tree["north"].pk, False, fleet.rules[0], (7, 0, 0), (3, 0, 0)) in found
    assert (tree["root"].pk, True, fleet.rules[1], (0, 0, 0), (0, 3, 0)) in found
    options = type("Options", (), {"repair": True})
    assert console.verify(options) == console.FAILED
    assert console.verify(options) == console.OK
    assert not list(verify.verify())
    for unit in tree.values():
        assert counted(unit) == recounted(unit)


_acts = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 6), st.text("FUP-", min_size=4, max_size=4), st.sampled_from("112rmf")),
    min_size=1,
    max_size=12,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_acts)
@pytest.mark.on_both
def test_whatever_happens_counts_are_what_counting_again_gives(fleet, tree, acts) -> None:
    """Reports in any order, by several packs, judged again; moves; folds in between."""
    machines = [fleet.machine(tree[name]) for name in ("north", "north", "south", "root")]
    for number, day, letters, how in acts:
        machine = machines[number]
        if how == "f":
            tally.fold(limit=2)
        elif how == "m":
            machine.unit = tree["north" if machine.unit == tree["south"] else "south"]
            machine.save(update_fields=["unit"])
        elif how == "r":
            newest = machine.snapshots.first()
            if newest is not None:
                fleet.judge(newest, letters, "3")
        else:
            fleet.report(machine, day, letters, how)
    while tally.settle():
        pass
    for unit in tree.values():
        assert counted(unit) == recounted(unit)
    assert not list(verify.verify())
    for unit in tree.values():
        assert counted(unit) == recounted(unit)


# -- days


@pytest.mark.on_both
def test_a_day_is_kept_as_it_ended_and_a_missed_one_is_worked_out(fleet, tree, admin) -> None:
    one, two = fleet.machine(tree["north"]), fleet.machine(tree["south"])
    fleet.report(one, 0, "FFUP")  # 07:00 here
    fleet.report(one, 1, "FPUP")
    fleet.report(two, 2, "FFFF")
    fleet.report(one, 3, "PPPP")
    days = [date(2026, 11, 1) + timedelta(days=n) for n in range(4)]
    assert rollup.missed(today=date(2026, 11, 5)) == days
    for day in days:
        rollup.roll_up(day)
    seen = queries.trend(admin, tree["root"], until=days[-1], days=30)
    assert [(day.date, day.machines, day.fail, day.unknown, day.passed) for day in seen] == [
        (days[0], 1, 2, 1, 1),
        (days[1], 1, 1, 1, 2),
        (days[2], 2, 5, 1, 2),
        (days[3], 2, 4, 0, 4),
    ]
    assert seen[3].severities == {"critical": 1, "high": 1, "medium": 1, "low": 1}
    north = queries.trend(admin, tree["north"], until=days[-1], rule=fleet.rules[1])
    assert [(day.fail, day.passed) for day in north] == [(1, 0), (0, 1), (0, 1), (0, 1)]
    assert rollup.missed(today=date(2026, 11, 5)) == []


@pytest.mark.on_both
def test_a_day_rolled_up_again_is_the_same_or_knows_more(fleet, tree) -> None:
    machine = fleet.machine(tree["north"])
    fleet.report(machine, 0, "PPPP")
    fleet.report(machine, 5, "FPPP")
    day = date(2026, 11, 3)

    def kept() -> list[tuple[int, int, int, int]]:
        rollup.roll_up(day)
        rows = Daily.objects.filter(date=day, unit=tree["root"])
        return list(rows.values_list("machines", "fail", "unknown", "passed"))

    assert kept() == [(1, 0, 0, 4)] == kept()
    fleet.report(machine, 1, "FFPP")
    assert kept() == [(1, 2, 0, 2)], "a late report told more of that day"


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4), st.text("FUP-", min_size=4, max_size=4)), min_size=1, max_size=10)
)
@pytest.mark.on_both
def test_every_day_is_what_its_newest_reports_said(fleet, tree, reports) -> None:
    unit = Unit.objects.create(name=f"Xã {Unit.objects.count()}", parent=tree["north"])
    machines = [fleet.machine(unit) for _ in range(3)]
    said: dict[int, dict[tuple[float, int], str]] = {n: {} for n in range(3)}
    for order, (number, day, letters) in enumerate(reports):
        at = day + order / 100
        fleet.report(machines[number], at, letters)
        said[number][at, order] = letters
    for day in range(5):
        when = date(2026, 11, 1) + timedelta(days=day)
        rollup.roll_up(when)
        then = [
            max(one.items())[1] for words in said.values() if (one := {at: w for at, w in words.items() if at[0] < day + 0.7})
        ]
        letters = Counter("".join(then))
        rows = Daily.objects.filter(unit=unit, date=when).values_list("machines", "fail", "unknown", "passed")
        numbers = (len(then), letters["F"], letters["U"], letters["P"])
        assert [tuple(row) for row in rows] == ([numbers] if any(numbers[1:]) else [])


# -- questions


@pytest.mark.on_both
def test_nobody_is_told_of_what_is_not_theirs(fleet, tree, person) -> None:
    north, south = fleet.machine(tree["north"], "bắc-1"), fleet.machine(tree["south"], "nam-1")
    for machine in (north, south):
        fleet.report(machine, 0, "FUPP")
        fleet.report(machine, 1, "FFPP")
    rollup.roll_up(date(2026, 11, 2))
    rule, turned = fleet.rules[:2]
    chief, clerk, stranger = person("a", "root"), person("b", "north"), person("c", "south")
    before = timezone.now() - timedelta(days=1)
    for who, unit, names in (
        (chief, "root", {"bắc-1", "nam-1"}),
        (clerk, "root", {"bắc-1"}),
        (clerk, "north", {"bắc-1"}),
        (clerk, "south", set()),
        (stranger, "north", set()),
    ):
        asked = tree[unit]
        assert {one.name for one in queries.failing(who, asked, rule)} == names
        assert {one.name for one in queries.changed_since(who, asked, before)} == names
        worst = queries.worst_rules(who, asked)
        assert {one.rule.pk: one.fail for one in worst.rules} == ({rule: len(names), turned: len(names)} if names else {})
        assert [day.machines for day in queries.trend(who, asked, date(2026, 11, 2), 1)] == ([len(names)] if names else [])
    assert queries.history(stranger, north.pk, rule) == []
    assert [(step.at, step.verdict) for step in queries.history(clerk, north.pk, turned)] == [
        (BEGIN, "unknown"),
        (BEGIN + timedelta(days=1), "fail"),
    ]


@pytest.mark.on_both
def test_the_machines_that_fail_come_longest_first_page_by_page(fleet, tree, admin) -> None:
    made = []
    for day in (3, 1, 2, 1, 5):
        made.append(fleet.machine(tree["north"]))
        fleet.report(made[-1], day, "FPPP")
    fleet.report(fleet.machine(tree["north"]), 0, "UPPP")
    rows, after = [], None
    while page := queries.failing(admin, tree["root"], fleet.rules[0], after=after, limit=2):
        rows += page
        after = (page[-1].since, page[-1].machine)
    assert [row.machine for row in rows] == [made[n].pk for n in (1, 3, 2, 0, 4)]
    assert all(row.failing_since == row.since for row in rows)


@pytest.mark.on_both
def test_what_changed_says_why_and_comes_newest_first(fleet, tree, admin) -> None:
    machine = fleet.machine(tree["north"])
    fleet.report(machine, 0, "PPPP")
    fleet.report(machine, 1, "FPPP")
    begin = timezone.now()
    newest = fleet.report(machine, 2, "FFPP")
    fleet.judge(newest, "FFUP", "2")
    news = queries.changed_since(admin, tree["root"], begin)
    assert [(one.check, one.was, one.now, one.cause) for one in news] == [
        ("c2", "pass", "unknown", "rules"),
        ("c1", "pass", "fail", "machine"),
    ]
    assert [one.check for one in queries.changed_since(admin, tree["root"], begin, cause=MACHINE)] == ["c1"]
    assert [one.check for one in queries.changed_since(admin, tree["root"], begin, cause=RULES)] == ["c2"]
    first, *rest = queries.changed_since(admin, tree["root"], begin - timedelta(days=1))
    assert queries.changed_since(admin, tree["root"], begin - timedelta(days=1), before=(first.known_at, first.id)) == rest


@pytest.mark.on_both
def test_the_gravest_rule_comes_first(fleet, tree, admin) -> None:
    for letters in ("FFFF", "FPFU", "FPPP"):
        fleet.report(fleet.machine(tree["north"]), 0, letters)
    worst = queries.worst_rules(admin, tree["root"]).rules
    assert [(one.rule.severity, one.fail) for one in worst] == [(4, 1), (3, 2), (2, 1), (1, 3)]


# -- several processes


def _reporter(url: str, seed: int) -> None:
    """Reports of the same few machines, and folds, until it is killed."""
    choose = random.Random(seed)
    with using(url):
        fleet = Fleet.of(4)
        machines = list(Machine.objects.order_by("pk"))
        offices = list(Unit.objects.exclude(parent=None))
        while True:
            machine = choose.choice(machines)
            fleet.report(machine, choose.random() * 20, "".join(choose.choices("FUP-", k=4)), choose.choice("12"))
            if choose.random() < 0.3:
                tally.fold(limit=3)
            if choose.random() < 0.1:
                Machine.objects.filter(pk=machine.pk).update(unit=choose.choice(offices))


@pytest.mark.on_postgresql
@pytest.mark.usefixtures("database")
def test_several_processes_killed_at_random_leave_every_count_right(postgres, django_db_blocker) -> None:
    url = postgres.migrated()
    fork = multiprocessing.get_context("fork")
    with django_db_blocker.unblock(), using(url):
        fleet = Fleet.of(4)
        root = Unit.objects.create(name="Sở")
        offices = [Unit.objects.create(name=f"Xã {n}", parent=root) for n in range(2)]
        machines = [fleet.machine(offices[n % 2], kind="server" if n % 3 else "workstation") for n in range(6)]
        for seed in range(5):
            before = Transition.objects.count()
            connections["default"].close()
            running = [fork.Process(target=_reporter, args=(url, seed * 10 + n), daemon=True) for n in range(4)]
            for process in running:
                process.start()
            deadline = time.monotonic() + 60
            while Transition.objects.count() < before + 60:
                assert all(process.is_alive() for process in running)
                assert time.monotonic() < deadline
                time.sleep(0.02)
            for process in running:
                os.kill(process.pid, signal.SIGKILL)
                process.join()
        while tally.settle():
            pass
        for unit in (root, *offices):
            assert counted(unit) == recounted(unit), "with what waits"
        assert not list(verify.verify())
        for machine in machines:
            stored = machine.snapshots.order_by("orders_at")
            for one in stored.select_related("assessment"):
                said = getattr(one, "assessment", None)
                if said is not None:
                    assert state_after(machine, UUID(one.pk), one.orders_at) == fleet.verdicts(said.verdicts)
        connections["default"].close()
