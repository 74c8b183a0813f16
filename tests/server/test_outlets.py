"""What outlets are told: everything of their part of the tree, and the list they read it from."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.utils import timezone

from server.assess import judge
from server.findings.codes import RULES
from server.findings.models import Transition
from server.journal import models as journal
from server.journal.models import Entry
from server.outlets import cef, news, syslog
from server.outlets.models import Order, Outlet, Turned
from server.outlets.tasks import due, look
from server.units.models import Unit
from tests.server import outlets_told
from tests.server.findings import Fleet
from tests.server.outlets import fresh, now, outlet, run, told
from tests.server.outlets_told import alarms

pytestmark = [pytest.mark.on_both, pytest.mark.django_db]
fleet, got = outlets_told.fleet, outlets_told.got


def test_a_verdict_that_got_worse_is_told_in_words(tree, fleet: Fleet) -> None:
    known = outlet(tree["root"], tells=("verdicts",), severity=1)
    machine = fleet.machine(tree["north"], "máy-01")
    fleet.report(machine, 0, "PPPP")
    fleet.report(machine, 1, "FPUP")
    found = told(known)
    assert [(one.action, one.machine, one.unit, one.detail["check"], one.severity, one.better) for one in found] == [
        ("verdict.fail", "máy-01", "Phòng Bắc", "c0", "low", False),
        ("verdict.unknown", "máy-01", "Phòng Bắc", "c2", "high", False),
    ]
    assert found[0].text == "máy-01: c0: Đạt → Không đạt"
    assert [one.id for one in told(known)] == [one.id for one in found], "the same whenever it is asked"


@pytest.mark.parametrize(
    ("turned", "worse", "better"),
    [
        ("PF", True, False), ("PU", True, False), ("UF", True, False), ("-F", True, False), ("-U", True, False),
        ("FP", False, True), ("UP", False, True), ("FU", False, False), ("F-", False, False), ("U-", False, False),
        ("P-", False, False), ("-P", False, False),
    ],
)  # fmt: skip
def test_what_is_no_longer_known_or_asked_did_not_get_better(tree, fleet: Fleet, turned: str, worse: bool, better: bool) -> None:
    everything, only_worse = (
        outlet(tree["root"], name=direction, tells=("verdicts",), severity=1, rule_changes=True, direction=direction)
        for direction in ("both", "worse")
    )
    machine = fleet.machine(tree["north"])
    fleet.report(machine, 0, f"{turned[0]}P")
    news.sort()
    Outlet.objects.update(number=news.last())
    fleet.report(machine, 1, f"{turned[1]}P", edition="2" if "-" in turned else "1")
    (found,) = told(everything)
    assert (found.worse, found.better) == (worse, better)
    document = found.document()
    assert (document["worse"], document["better"]) == (worse, better)
    assert syslog.level(found) == (5 if better or worse else 6), "the rule is of low severity"
    assert f"|{3 if worse else 1}|rt=" in cef.text(found)
    assert len(told(only_worse)) == worse


def test_only_what_was_asked_for(tree, fleet: Fleet) -> None:
    grave, all_, silent = (
        outlet(tree["root"], name="grave", tells=("verdicts",), severity=3), outlet(tree["root"], name="all", tells=("verdicts",), severity=1, direction="both"),
        outlet(tree["root"], name="silent", tells=("alarms",)),
    )  # fmt: skip
    machine = fleet.machine(tree["north"])
    for day, letters in enumerate(("PPPP", "FFFF", "PPPP")):
        fleet.report(machine, day, letters)
    assert [one.detail["check"] for one in told(grave)] == ["c2", "c3"]
    assert len(told(all_)) == 8
    assert told(silent) == []


def test_what_other_rules_turned_is_told_to_those_who_want_it(tree, fleet: Fleet) -> None:
    machine_only, everything = (
        outlet(tree["root"], tells=("verdicts",), severity=1),
        outlet(tree["root"], name="b", tells=("verdicts",), severity=1, rule_changes=True),
    )
    machine = fleet.machine(tree["north"])
    fleet.report(machine, 0, "PP--")
    fleet.report(machine, 1, "FP--", edition="2")
    assert Transition.objects.get().cause == RULES
    assert told(machine_only) == []
    assert [one.detail["cause"] for one in told(everything)] == ["rules"]


def test_what_a_late_snapshot_shows_is_told_too(tree, fleet: Fleet) -> None:
    known = outlet(tree["root"], tells=("verdicts",), severity=1, direction="both")
    machine = fleet.machine(tree["north"])
    fleet.report(machine, 0, "P")
    fleet.report(machine, 2, "P")
    fleet.report(machine, 1, "F")
    assert [(one.action, one.detail["was"]) for one in told(known)] == [("verdict.fail", "pass"), ("verdict.pass", "fail")]


def test_alarms_and_the_journal(tree, fleet: Fleet) -> None:
    alarms, all_ = outlet(tree["root"], tells=("alarms",)), outlet(tree["root"], name="b", tells=("alarms", "journal"))
    machine = fleet.machine(tree["north"], "máy-01")
    judge.raise_alarm(machine, "forged", target="x")
    judge.raise_alarm(machine, "forged", target="x")
    journal.write("unit.changed", "ai đó", unit_path=tree["north"].path, subject="Phòng Bắc")
    assert [(one.kind, one.action, one.machine, one.severity) for one in told(alarms)] == [
        ("alarm", "alarm.raised", "máy-01", "high")
    ]
    assert [one.kind for one in told(all_) if one.action != "outlet.new"] == ["alarm", "journal"]


def test_each_sees_its_own_part_and_no_other(tree, fleet: Fleet) -> None:
    root, north, south = (
        outlet(tree[name], name=name, tells=("alarms", "verdicts", "journal"), severity=1) for name in ("root", "north", "south")
    )
    for name in ("north", "south"):
        machine = fleet.machine(tree[name], f"máy-{name}")
        fleet.report(machine, 0, "P")
        fleet.report(machine, 1, "F")
        judge.raise_alarm(machine, "forged")
        journal.write("unit.changed", f"ai-{name}", unit_path=tree[name].path, subject=name)
    journal.write("server.backup", "chung")
    for known, mine, other in ((north, "north", "south"), (south, "south", "north")):
        found = told(known)
        assert {one.kind for one in found} == {"alarm", "verdict", "journal"}
        assert mine in str(found)
        assert f"máy-{other}" not in str(found)
        assert f"ai-{other}" not in str(found)
        assert "chung" not in str(found)
    assert {"máy-north", "máy-south"} <= {one.machine for one in told(root)}
    assert "chung" in str(told(root)), "what concerns no unit is the root's"


def test_a_unit_that_was_moved_is_told_of_what_was_written_before(tree, fleet: Fleet) -> None:
    from server.units import operations

    known = outlet(tree["south"], tells=("journal",))
    journal.write("unit.changed", "ai", unit_path=tree["south"].path, subject="trước")
    operations.move(
        Unit.objects.get(pk=tree["south"].pk),
        Unit.objects.get(pk=tree["north"].pk),
        operations.By("console"),
        timezone.localdate(),
    )
    assert "trước" in str(told(known))


def test_nothing_of_what_was_before_it_was_made(tree, fleet: Fleet) -> None:
    machine = fleet.machine(tree["north"])
    fleet.report(machine, 0, "P")
    fleet.report(machine, 1, "F")
    judge.raise_alarm(machine, "forged")
    news.sort()
    known = outlet(tree["root"], tells=("alarms", "verdicts"), severity=1)
    assert told(known) == []
    fleet.report(machine, 2, "P")
    fleet.report(machine, 3, "F")
    assert len(told(known)) == 1


# -- the list of what turned ---------------------------------------------------------------------------------------


def test_the_list_is_forgotten_once_all_have_it(tree, fleet: Fleet, got) -> None:
    first, second, clock = (outlet(tree["root"], name="a", tells=("verdicts",), severity=1), outlet(tree["root"], name="b", tells=("verdicts",), severity=1), now())  # fmt: skip
    machine = fleet.machine(tree["north"])
    for day in range(5):
        fleet.report(machine, day, "PF"[day % 2])
    run(first, clock)
    assert news.forget() == 0, "the other one has not had it"
    run(second, clock)
    assert news.forget() == 4
    assert Order.objects.get().last == 4
    fleet.report(machine, 9, "F")
    fleet.report(machine, 10, "P")
    fleet.report(machine, 11, "F")
    run(first, clock)
    assert len(got["a"]) == 4, "numbers go on, whatever was removed"


def test_without_outlets_the_list_stays_short(tree, fleet: Fleet) -> None:
    machine = fleet.machine(tree["north"])
    for day in range(5):
        fleet.report(machine, day, "PF"[day % 2])
    assert Turned.objects.count() == 4
    while news.sort():
        pass
    assert news.forget() == 4
    assert not Turned.objects.exists()


def test_what_is_rolled_back_is_not_told(tree, fleet: Fleet) -> None:
    known = outlet(tree["root"], tells=("verdicts",), severity=1)
    machine = fleet.machine(tree["north"])
    fleet.report(machine, 0, "P")
    with transaction.atomic():
        fleet.report(machine, 1, "F")
        transaction.set_rollback(True)
    assert told(known) == []


def test_what_concerns_others_is_passed_by(tree, fleet: Fleet) -> None:
    known = outlet(tree["south"], tells=("alarms", "verdicts"))
    alarms(fleet, tree, 3)
    assert not due(fresh(known), timezone.now())
    assert fresh(known).entry == Entry.objects.order_by("-pk").values_list("pk", flat=True)[0]


@pytest.mark.django_db(transaction=True)
def test_the_look_asks_for_one_job_for_each_that_has_something(tree, fleet: Fleet, got) -> None:
    from server.background import delivery
    from server.background.models import Job

    outlet(tree["root"], name="a")
    outlet(tree["south"], name="b")
    alarms(fleet, tree, 2)
    for _again in range(2):
        look.function(_Work())
    job = Job.objects.get(name="outlets.tell")
    assert (job.subject, job.lock, job.unit) == ("a", job.key, tree["root"])
    delivery.take("tests", 0.05, until_empty=True, signals=False)
    assert len(got["a"]) == 2
    assert "b" not in got


class _Work:
    def check(self) -> None:
        pass
