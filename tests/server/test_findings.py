from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from server.findings import retention, tasks
from server.findings.codes import FAIL, MACHINE, NOT_ASKED, PASS, RULES, UNKNOWN
from server.findings.models import Change, Standing, Transition
from tests.server.findings import BEGIN, Fleet, head, standing, state_after, transitions

pytestmark = pytest.mark.on_both


def day(number: float):
    return BEGIN + timedelta(days=number)


@pytest.fixture
def fleet(db) -> Fleet:
    return Fleet.of(4)


@pytest.fixture
def machine(fleet, tree):
    return fleet.machine(tree["north"])


def test_the_first_contact_writes_a_row_per_rule_and_no_transition(fleet, machine) -> None:
    fleet.report(machine, 0, "FUP-")
    a, b, c, _d = fleet.rules
    assert standing(machine) == {a: (FAIL, day(0), day(0)), b: (UNKNOWN, day(0), None), c: (PASS, day(0), None)}
    assert transitions(machine) == []
    assert head(machine).at == day(0)


def test_a_report_in_which_nothing_turned_writes_no_row(fleet, machine) -> None:
    fleet.report(machine, 0, "FUPP")
    before = standing(machine)
    stored = fleet.snapshot(machine, timedelta(days=1))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        fleet.judge(stored, "FUPP")
    assert standing(machine) == before
    assert not any("standing" in query["sql"] or "transition" in query["sql"] for query in queries)
    assert Change.objects.count() == 1, "the first contact's"
    assert head(machine).at == day(1), "seen again"


def test_what_turned_is_written_and_nothing_else(fleet, machine) -> None:
    fleet.report(machine, 0, "FUPP")
    second = fleet.report(machine, 1, "PUFP")
    a, b, c, _d = fleet.rules
    assert standing(machine)[a] == (PASS, day(1), None)
    assert standing(machine)[b] == (UNKNOWN, day(0), None)
    assert standing(machine)[c] == (FAIL, day(1), day(1))
    assert [(t.rule_id, t.was, t.now, t.at, t.snapshot, t.cause) for t in transitions(machine)] == [
        (a, FAIL, PASS, day(1), UUID(second.pk), MACHINE),
        (c, PASS, FAIL, day(1), UUID(second.pk), MACHINE),
    ]


@pytest.mark.parametrize(
    ("reports", "since", "failing"),
    [
        ("F", 0, 0),
        ("PF", 1, 1),
        ("FUF", 2, 0),
        ("FUU", 1, 0),
        ("UF", 1, 1),
        ("FPF", 2, 2),
        ("FPU", 2, None),
        ("F-F", 2, 2),
        ("FUUPUFU", 6, 5),
    ],
)
def test_failing_since_outlives_not_knowing_and_nothing_else(fleet, machine, reports, since, failing) -> None:
    for number, letter in enumerate(reports):
        fleet.report(machine, number, f"{letter}PPP")
    row = standing(machine)[fleet.rules[0]]
    assert row[1:] == (day(since), None if failing is None else day(failing))


def test_rules_that_are_no_longer_asked_leave_with_a_transition(fleet, machine) -> None:
    fleet.report(machine, 0, "FP--")
    fleet.report(machine, 1, "-PF-", edition="2")
    a, b, c, _d = fleet.rules
    assert set(standing(machine)) == {b, c}
    assert {(t.rule_id, t.was, t.now, t.cause) for t in transitions(machine)} == {
        (a, FAIL, NOT_ASKED, RULES),
        (c, NOT_ASKED, FAIL, RULES),
    }


def test_a_snapshot_judged_again_turns_because_of_the_rules(fleet, machine) -> None:
    fleet.report(machine, 0, "PPPP")
    stored = fleet.report(machine, 1, "FPPP")
    fleet.judge(stored, "PPFP", edition="2")
    a, _b, c, _d = fleet.rules
    assert [(t.rule_id, t.was, t.now, t.cause, t.turn) for t in transitions(machine)] == [
        (a, PASS, FAIL, MACHINE, 0),
        (a, FAIL, PASS, RULES, 1),
        (c, PASS, FAIL, RULES, 1),
    ]
    assert state_after(machine, UUID(stored.pk), day(1), turn=0) == fleet.verdicts("FPPP")
    fleet.report(machine, 2, "PPPP", edition="2")
    assert transitions(machine)[-1].cause == MACHINE


def test_a_late_snapshot_tells_since_when_and_not_what_stands(fleet, machine) -> None:
    fleet.report(machine, 0, "PPPP")
    fleet.report(machine, 5, "FPPP")
    fleet.report(machine, 3, "FFPP")
    a, b, _c, _d = fleet.rules
    assert standing(machine)[a] == (FAIL, day(3), day(3))
    assert standing(machine)[b] == (PASS, day(5), None)
    assert [(t.rule_id, t.was, t.now, t.at) for t in transitions(machine)] == [
        (a, PASS, FAIL, day(3)),
        (b, PASS, FAIL, day(3)),
        (b, FAIL, PASS, day(5)),
    ]
    assert head(machine).at == day(5)


def test_a_late_snapshot_from_before_the_first_contact_becomes_the_first(fleet, machine) -> None:
    fleet.report(machine, 5, "FPP-")
    fleet.report(machine, 1, "FFPP")
    a, b, c, d = fleet.rules
    assert standing(machine) == {a: (FAIL, day(1), day(1)), b: (PASS, day(5), None), c: (PASS, day(1), None)}
    assert {(t.rule_id, t.was, t.now, t.at) for t in transitions(machine)} == {
        (b, FAIL, PASS, day(5)),
        (d, PASS, NOT_ASKED, day(5)),
    }


def test_a_late_snapshot_between_a_report_and_its_second_judging(fleet, machine) -> None:
    fleet.report(machine, 0, "PPPP")
    newest = fleet.report(machine, 5, "PPPP")
    fleet.judge(newest, "FPPP", edition="2")
    fleet.report(machine, 3, "UPPP", edition="2")
    a = fleet.rules[0]
    assert [(t.was, t.now, t.at, t.turn) for t in transitions(machine) if t.rule_id == a] == [
        (PASS, UNKNOWN, day(3), 0),
        (UNKNOWN, PASS, day(5), 0),
        (PASS, FAIL, day(5), 1),
    ]
    assert standing(machine)[a] == (FAIL, day(5), day(5))


def test_turns_are_kept_as_long_as_their_snapshots(fleet, machine, settings) -> None:
    fleet.report(machine, 0, "PPPP")
    fleet.report(machine, 1, "FFPP")
    fleet.report(machine, 2, "UFPP")
    old, new = Transition.objects.order_by("-at", "pk").last(), Transition.objects.order_by("at", "pk").last()
    Transition.objects.filter(pk=old.pk).update(written_at=timezone.now() - timedelta(days=401))
    for days, kept in ((0, 3), (400, 2)):
        settings.CONFIG = settings.CONFIG.model_copy(update={"keep_snapshot_days": days})
        assert tasks.prune.function(Told()) == {"removed": 3 - kept}
        assert Transition.objects.count() == kept
    assert Transition.objects.filter(pk=new.pk).exists()
    assert standing(machine)


class Told:
    """A job's work, as far as a task asks of it."""

    def __init__(self) -> None:
        self.kept: dict[str, int] = {}

    def advance(self, done: int = 1, **kept: int) -> None:
        self.kept |= kept


def test_a_late_snapshot_after_transitions_were_removed_keeps_what_the_rows_remember(fleet, machine) -> None:
    fleet.report(machine, 0, "PPPP")
    fleet.report(machine, 1, "FFPP")
    fleet.report(machine, 2, "UFPP")
    fleet.report(machine, 9, "UFPP")
    Transition.objects.update(written_at=day(2))
    assert retention.forget(day(3), limit=2) == 2
    assert retention.forget(day(3), limit=2) == 1
    assert retention.forget(day(3)) == 0
    fleet.report(machine, 5, "FPPP")
    a, b, *_rest = fleet.rules
    assert standing(machine)[a] == (UNKNOWN, day(9), day(1))
    assert standing(machine)[b] == (FAIL, day(9), day(9))


_snapshots = st.lists(
    st.tuples(st.integers(0, 5), st.text("FUP-", min_size=4, max_size=4), st.sampled_from("112")), min_size=2, max_size=6
)


@examples(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_in_whatever_order_snapshots_come_the_same_stands_and_the_same_turned(fleet, tree, data) -> None:
    """Some at the same time as well; some judged by other rules."""
    wanted = data.draw(_snapshots)
    orders = data.draw(st.permutations(range(len(wanted))))
    told = []
    ids: list[str] = []
    for order in (None, orders):
        machine = fleet.machine(tree["north"])
        made = [fleet.snapshot(machine, timedelta(days=at)) for at, *_rest in wanted]
        if order is None:
            ids = sorted(range(len(made)), key=lambda n: (made[n].orders_at, made[n].pk))
            ranks = {n: ids.index(n) for n in range(len(made))}
        else:
            # ids decide between equal times: the same way round for both machines
            by_rank = sorted((stored for stored in made), key=lambda stored: (stored.orders_at, stored.pk))
            made = [by_rank[ranks[n]] for n in range(len(made))]
        for n in ids if order is None else order:
            fleet.judge(made[n], wanted[n][1], wanted[n][2])
        rank = {UUID(made[n].pk): ranks[n] for n in range(len(made))}
        told.append(
            (
                standing(machine),
                {(t.rule_id, t.was, t.now, t.cause, t.turn, t.at, rank[t.snapshot]) for t in transitions(machine)},
            )
        )
        for n, stored in enumerate(made):
            assert state_after(machine, UUID(stored.pk), stored.orders_at) == fleet.verdicts(wanted[n][1])
        newest = max(made, key=lambda stored: (stored.orders_at, stored.pk))
        assert head(machine).snapshot == UUID(newest.pk)
    assert told[0] == told[1]


def test_a_deleted_machine_leaves_no_rows_standing(fleet, machine) -> None:
    fleet.report(machine, 0, "FUPP")
    number = machine.pk
    machine.snapshots.all().delete()
    machine.delete()
    assert not Standing.objects.filter(machine_id=number).exists()
