"""Delivery: all in order, once there is an answer, whatever happens in between."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from server.assess import judge
from server.journal import models as journal
from server.journal.models import Entry
from server.outlets import deliver, making, sealed, webhook
from server.outlets.models import Outlet
from server.outlets.reach import Failed
from server.outlets.tasks import due
from server.units.models import Unit
from tests.server import outlets_told
from tests.server.findings import Fleet
from tests.server.outlets import KEY, fresh, now, outlet, run, told
from tests.server.outlets_told import alarms

pytestmark = [pytest.mark.on_both, pytest.mark.django_db]
fleet, got = outlets_told.fleet, outlets_told.got


def all_ids(known: Outlet) -> list[str]:
    return [one.id for one in told(known, 10_000)]


def test_everything_is_told_once_and_in_order(tree, fleet: Fleet, got) -> None:
    known = outlet(tree["root"], name="a", tells=("alarms", "verdicts"), severity=1)
    alarms(fleet, tree, 25)
    machine = fleet.machine(tree["north"])
    for day in range(12):
        fleet.report(machine, day, "PF"[day % 2])
    wanted = all_ids(known)
    assert len(wanted) == 25 + 6
    assert run(known, now()) == len(wanted)
    assert got["a"] == wanted
    assert run(known, now()) == 0
    assert (fresh(known).sent, fresh(known).error) == (len(wanted), "")


def test_a_receiver_that_was_away_gets_what_it_missed(tree, fleet: Fleet, got) -> None:
    known, clock = outlet(tree["root"], name="a"), now()
    alarms(fleet, tree, 3)
    run(known, clock)
    got["down"].append("a")
    alarms(fleet, tree, 12, first=3)
    waits = []
    for _again in range(12):
        run(known, clock)
        state = fresh(known)
        assert state.next_at is not None
        waits.append((state.next_at - clock.now).total_seconds())
        clock.now = state.next_at
    assert waits[:4] == [30, 60, 120, 240]
    assert waits[-1] == 4 * 3600, "pauses grow to hours"
    assert Entry.objects.filter(action="outlet.failing").count() == 1, "people are told once"
    got["down"].clear()
    wanted = got["a"] + all_ids(known)
    run(known, clock)
    assert got["a"][: len(wanted)] == wanted, "nothing lost, in order, none twice"
    assert len(set(got["a"])) == len(got["a"])
    state = fresh(known)
    assert (state.failures, state.failing_since, state.alarmed_at, state.error) == (0, None, None, "")
    assert Entry.objects.filter(action="outlet.recovered").count() == 1


def test_it_is_not_tried_before_its_time(tree, fleet: Fleet, got) -> None:
    known, clock = outlet(tree["root"], name="a"), now()
    got["down"].append("a")
    alarms(fleet, tree, 1)
    run(known, clock)
    got["down"].clear()
    clock.on(seconds=29)
    assert not due(fresh(known), clock.now)
    assert run(known, clock) == 0
    clock.on(seconds=1)
    assert due(fresh(known), clock.now)
    assert run(known, clock) == 1


def test_a_dead_one_holds_up_nobody(tree, fleet: Fleet, got) -> None:
    dead, alive, clock = outlet(tree["root"], name="dead"), outlet(tree["root"], name="alive"), now()
    got["down"].append("dead")
    alarms(fleet, tree, 5)
    for _again in range(8):
        run(dead, clock)
        run(alive, clock)
        clock.on(hours=1)
    assert len(got["alive"]) == 6, "five, and that the other one does not get through"
    assert fresh(dead).failures
    assert "dead" not in got


def test_refused_for_good_is_told_at_once(tree, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: Any) -> None:
        raise Failed("HTTP 404", hopeless=True)

    monkeypatch.setattr(webhook, "send", refuse)
    known = outlet(tree["root"], name="a")
    alarms(fleet, tree, 1)
    run(known, now())
    entry = Entry.objects.get(action="outlet.failing")
    assert (entry.unit_path, entry.subject, entry.detail["code"]) == (tree["root"].path, "a", "HTTP 404")
    assert KEY not in str(entry.row())


def test_as_long_as_the_receiver_asks(tree, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    def later(*given: Any) -> None:
        raise Failed("HTTP 429", wait=1234)

    monkeypatch.setattr(webhook, "send", later)
    known, clock = outlet(tree["root"]), now()
    alarms(fleet, tree, 1)
    run(known, clock)
    assert fresh(known).next_at == clock.now + timedelta(seconds=1234)


def test_a_worker_that_dies_after_the_answer_tells_it_again_with_the_same_ids(
    tree, fleet: Fleet, got, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, clock = outlet(tree["root"], name="a"), now()
    alarms(fleet, tree, 15)
    wanted = all_ids(known)

    class Killed(BaseException):
        pass

    def die(*given: Any, **more: Any) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(deliver, "_through", die)
        with pytest.raises(Killed):
            run(known, clock)
    assert got["a"] == wanted[:10]
    run(known, clock)
    assert got["a"] == wanted[:10] + wanted
    assert list(dict.fromkeys(got["a"])) == wanted


def test_two_jobs_of_one_outlet_lose_nothing(tree, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs exclude each other; were one taken for dead that was not, it writes nothing once the other one has."""
    known, clock = outlet(tree["root"], name="a"), now()
    alarms(fleet, tree, 3)
    taken: list[str] = []

    def send(one: Outlet, slice_: list[Any], at: Any) -> None:
        if not taken:
            taken.append("first")
            run(known, clock)  # the other job, meanwhile
        taken.extend(each.id for each in slice_)

    monkeypatch.setattr(webhook, "send", send)
    wanted = all_ids(known)
    run(known, clock)
    assert taken == ["first", *wanted, *wanted]
    assert fresh(known).sent == 3


def test_what_waits_too_long_is_left_out_and_said(tree, fleet: Fleet, got, settings) -> None:
    known, clock = outlet(tree["root"], name="a", tells=("alarms", "verdicts"), severity=1), now()
    got["down"].append("a")
    alarms(fleet, tree, 13)
    machine = fleet.machine(tree["north"])
    for day in range(6):
        fleet.report(machine, day, "PF"[day % 2])
    run(known, clock)
    clock.on(days=settings.CONFIG.keep_outlet_days, seconds=61)
    got["down"].clear()
    run(known, clock)
    assert got["a"][0].startswith(f"skipped-{known.pk}-")
    assert got["a"][0].endswith("-16")
    assert Entry.objects.get(action="outlet.skipped").detail == {"kind": "webhook", "rows": 16}
    assert "skipped" not in fresh(known).kept
    assert not [one for one in got["a"][1:] if one.startswith("verdict")]
    assert run(known, clock) == 0


def test_the_count_of_what_was_left_out_waits_for_the_receiver_too(tree, fleet: Fleet, got, settings) -> None:
    known, clock = outlet(tree["root"], name="a"), now()
    got["down"].append("a")
    alarms(fleet, tree, 2)
    run(known, clock)
    clock.on(days=settings.CONFIG.keep_outlet_days + 1)
    run(known, clock)
    assert fresh(known).kept["skipped"]["count"] == 2
    Outlet.objects.update(next_at=None)
    got["down"].clear()
    run(known, now())
    assert got["a"][0].endswith("-2")
    assert "skipped" not in fresh(known).kept


def skipped_rows() -> list[int]:
    return [row.detail["rows"] for row in Entry.objects.filter(action="outlet.skipped").order_by("pk")]


def test_the_journal_hears_of_what_was_left_out_once_a_day(tree, fleet: Fleet, got, settings) -> None:
    known, clock = outlet(tree["root"], name="a"), now()
    got["down"].append("a")
    clock.on(days=settings.CONFIG.keep_outlet_days, seconds=61)
    for first in range(0, 6, 2):
        alarms(fleet, tree, 2, first)
        run(known, clock)
        clock.on(minutes=1)
    assert len(skipped_rows()) == 1
    assert fresh(known).kept["skipped"]["count"] >= 6
    assert set(deliver._skipped(fresh(known))[0].detail) == {"count", "since", "before"}
    making.pause(known, "ai")
    clock.on(days=1)
    run(known, clock)
    count = fresh(known).kept["skipped"]["count"]
    assert skipped_rows() == [2, count], "the rest of it, a day later"
    making.resume(known, "ai")
    got["down"].clear()
    run(known, clock)
    assert got["a"][0].startswith("skipped-")
    got["down"].append("a")
    alarms(fleet, tree, 2, 100)
    run(known, clock)
    assert len(skipped_rows()) == 2, "also where the receiver was back for a moment"


def test_full_slices_that_were_left_out_are_said(tree, fleet: Fleet, got, settings) -> None:
    known, clock = outlet(tree["root"], name="a"), now()
    got["down"].append("a")
    alarms(fleet, tree, 2 * deliver.BATCH)
    journal.write("unit.changed", "ai", unit_path=tree["north"].path, subject="không phải cảnh báo")
    clock.on(days=settings.CONFIG.keep_outlet_days, seconds=61)
    run(known, clock)
    assert skipped_rows() == [20]


def test_a_worker_that_dies_before_it_says_what_was_left_out_says_it_later(
    tree, fleet: Fleet, got, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, clock = outlet(tree["root"], name="a"), now()
    making.pause(known, "ai")
    alarms(fleet, tree, 3)
    clock.on(days=settings.CONFIG.keep_outlet_days, seconds=61)

    class Killed(BaseException):
        pass

    def die(*given: Any, **more: Any) -> None:
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(deliver, "_say", die)
        with pytest.raises(Killed):
            run(known, clock)
    assert due(fresh(known), clock.now)
    run(known, clock)
    assert skipped_rows() == [3]
    assert fresh(known).kept["skipped"]["said"] == 3


def test_a_paused_one_waits_and_goes_on_where_it_was(tree, fleet: Fleet, got) -> None:
    known, clock = outlet(tree["root"], name="a"), now()
    making.pause(known, "ai")
    alarms(fleet, tree, 2)
    assert not due(fresh(known), clock.now)
    assert run(known, clock) == 0
    making.resume(known, "người khác")
    assert run(known, clock) == 2
    assert fresh(known).made_by == "người khác"


def test_the_outlet_of_a_unit_that_went_over_into_another_stops_and_says_so(tree, fleet: Fleet, got) -> None:
    known, clock = outlet(tree["south"], name="a"), now()
    Unit.objects.filter(pk=tree["south"].pk).update(valid_until=timezone.localdate())
    judge.raise_alarm(fleet.machine(tree["south"]), "forged")
    for _again in range(3):
        assert run(known, clock) == 0
    assert "a" not in got
    assert Entry.objects.filter(action="outlet.failing", subject="a").count() == 1
    assert not due(fresh(known), clock.now)


def test_also_one_that_did_not_get_through_before_says_that_its_unit_ended(tree, fleet: Fleet, got) -> None:
    known, clock = outlet(tree["south"], name="a"), now()
    got["down"].append("a")
    judge.raise_alarm(fleet.machine(tree["south"]), "forged")
    for _again in range(2):
        run(known, clock)
        clock.on(minutes=16)
    assert (fresh(known).alarmed_at, Entry.objects.filter(action="outlet.failing").count()) != (None, 0)
    run(known, clock)
    Unit.objects.filter(pk=tree["south"].pk).update(valid_until=timezone.localdate())
    assert due(fresh(known), clock.now)
    for _again in range(2):
        assert run(known, clock) == 0
    assert [row.detail["code"] for row in Entry.objects.filter(action="outlet.failing").order_by("pk")] == [
        "no answer in time",
        deliver.ENDED,
    ]
    assert not due(fresh(known), clock.now)
    assert fresh(known).error == deliver.ENDED


def test_a_secret_that_cannot_be_opened_is_an_alarm(tree, fleet: Fleet, settings) -> None:
    known = outlet(tree["root"], name="a")
    assert fresh(known).secret == KEY
    assert KEY.encode() not in bytes(fresh(known).sealed or b"")
    settings.SECRET_KEY = "another one"
    with pytest.raises(sealed.Lost):
        _ = fresh(known).secret
    settings.CONFIG = settings.CONFIG.model_copy(update={"outlets_may_reach": ()})
    alarms(fleet, tree, 1)
    run(known, now())
    assert Entry.objects.get(action="outlet.failing").detail["code"].startswith("its secret cannot be opened")


def test_a_sealed_secret_opens_in_its_own_row_alone(tree) -> None:
    one, two = outlet(tree["root"]), outlet(tree["root"], name="b")
    Outlet.objects.filter(pk=two.pk).update(sealed=one.sealed)
    with pytest.raises(sealed.Lost):
        _ = fresh(two).secret
