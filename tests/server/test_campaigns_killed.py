"""A worker that dies on its way, and two that are at the same campaign: the account comes out as if nothing had happened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from server.background import keeper
from server.background.models import Job
from server.background.run import perform
from server.campaigns import freezing, leading, sealing, tasks
from server.campaigns.models import Campaign, Part, Row
from server.ingest.models import Machine
from server.journal.models import Entry
from tests.server.campaigns import DAY, GOOD, Land, closed, letter, look, work

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.on_both]
POINTS = 6
"""Of the statements that write, it dies before so many, spread over all of them."""


class Killed(BaseException):
    """As kill -9: nothing after it is done, and an open transaction is undone."""


@contextmanager
def dying(at: int, tables: tuple[str, ...] = ("campaigns_", "journal_")) -> Iterator[list[int]]:
    """Counts statements that write rows of these tables; dies before that one."""
    done = [0]

    def counted(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(("INSERT", "UPDATE", "DELETE")) and any(table in sql for table in tables):
            if done[0] == at:
                raise Killed
            done[0] += 1
        return execute(sql, params, many, context)

    with connection.execute_wrapper(counted):
        yield done


def told(campaign: Campaign) -> tuple[list[Any], list[Any], list[Any]]:
    """The account, less what differs between two campaigns of the same letter."""
    rows = Row.objects.filter(campaign=campaign).order_by("name")
    parts = Part.objects.filter(campaign=campaign).order_by("path")
    entries = Entry.objects.filter(subject__startswith=f"{campaign.number} ").order_by("pk")
    return (
        list(
            rows.values_list(
                "name", "place", "before", "before_checks", "before_snapshot", "state", "why", "checks", "part__code"
            )
        ),
        list(parts.values_list("code", "checks")),
        list(entries.values_list("action", flat=True)),
    )


def begun(land: Land, number: str) -> tuple[Campaign, Job]:
    made = leading.make(land.root, "patches", letter(number=number), "người lập")
    leading.start(made, "người lập")
    Campaign.objects.filter(pk=made.pk).update(started_at=timezone.now() - DAY / 24)
    return Campaign.objects.get(pk=made.pk), Job.objects.get(key=f"campaigns.freeze/{made.pk}")


def closing(campaign: Campaign) -> Job:
    """As if nothing had been looked at since the start: the last look has everything to write."""
    Row.objects.filter(campaign=campaign).update(state="never", why="", checks={})
    Part.objects.filter(campaign=campaign).update(checks={})
    leading.close(campaign, "người lập")
    return Job.objects.get(key=f"campaigns.seal/{campaign.pk}")


def killed(job: Job, at: int) -> int:
    """Statements done until then."""
    assert job.delivery is not None
    with dying(at) as done:
        try:
            perform(job.delivery, job.pk)
        except Killed:
            assert keeper.look(alone=True) == 1, "the job is given to the living"
    return done[0]


@pytest.fixture
def land(client: Client, tree, monkeypatch) -> Land:
    monkeypatch.setattr(freezing, "SLICE", 2)
    return Land(client, tree["root"])


def test_killed_between_slices_the_account_is_as_if_nothing_had_happened(land: Land) -> None:
    for name in ("a-1", "b-1"):
        land.report(name, **GOOD)
    whole, job = begun(land, "0/X")
    steps = killed(job, 10**6)
    last_steps = killed(closing(whole), 10**6)
    expected = told(whole)
    assert len(expected[0]) == 8
    assert min(steps, last_steps) > POINTS, "there are several slices to die between"
    for number in range(1, POINTS + 1):
        made, job = begun(land, f"{number}/X")
        assert killed(job, number * steps // (POINTS + 1)) < steps
        made.refresh_from_db()
        assert made.state == Campaign.STARTING, "no account is told complete before it is"
        work()
        made.refresh_from_db()
        assert made.state == Campaign.RUNNING
        job = closing(made)
        assert killed(job, number * last_steps // (POINTS + 1)) < last_steps
        made.refresh_from_db()
        assert made.state == Campaign.CLOSING
        work()
        made.refresh_from_db()
        assert made.state == Campaign.CLOSED
        assert told(made) == expected
        assert made.result["states"] == Campaign.objects.get(pk=whole.pk).result["states"]


def test_a_slow_look_writes_nothing_over_the_last_one(land: Land, monkeypatch) -> None:
    """A look began, read, and stood still; meanwhile the machine reported anew and the campaign was closed."""
    held = land.started()
    land.report("a-1", **GOOD)
    honest = freezing.proof.Look.at

    def slow(self: Any, rows: Any) -> Any:
        found = honest(self, rows)
        monkeypatch.setattr(freezing.proof.Look, "at", honest)
        land.report("a-1")  # root may log on again
        land.hosts["b-9"] = land.host("b-9")
        closed(held)
        return found

    monkeypatch.setattr(freezing.proof.Look, "at", slow)
    earlier = timezone.now()
    assert not freezing.look(held, earlier)
    kept = told(held)
    assert ("a-1", "not-done", "fails") in Row.objects.values_list("name", "state", "why")
    assert not freezing.look(held, timezone.now())
    assert told(held) == kept
    Machine.objects.filter(name="a-2").update(kind="workstation")
    land.host("b-8")
    freezing.look(held, timezone.now())
    assert told(held) == kept, "nobody comes later into what is closed"


def test_a_look_that_began_earlier_is_not_written_over_a_later_one(land: Land) -> None:
    held = land.started()
    land.report("a-1", **GOOD)
    earlier = timezone.now()
    assert look(held)["a-1"] == ("done", "")
    assert not freezing.look(held, earlier)
    assert freezing.look(held, timezone.now())


def test_who_freezes_or_seals_second_writes_nothing_into_the_journal(land: Land) -> None:
    held = land.started()
    sealing.begun(held)
    assert Entry.objects.filter(action="campaign.frozen").count() == 1
    closed(held)
    assert sealing.seal(held) is None
    assert Entry.objects.filter(action="campaign.closed").count() == 1


def test_one_campaign_that_cannot_be_looked_at_stops_no_other(land: Land, monkeypatch) -> None:
    first, second = land.started(number="1/X"), land.started(number="2/X")
    honest, before = freezing.look, Campaign.objects.get(pk=second.pk).looked_at

    def broken(campaign: Campaign, *args: Any, **more: Any) -> bool:
        if campaign.pk == first.pk:
            raise RuntimeError("a row that nobody understands")
        return honest(campaign, *args, **more)

    monkeypatch.setattr(freezing, "look", broken)
    job = tasks.look.enqueue(by="collector")
    assert job.delivery is not None
    perform(job.delivery, job.pk)
    assert Campaign.objects.get(pk=second.pk).looked_at > before
    job.refresh_from_db()
    assert "RuntimeError" in job.error, "and it is not passed over in silence"
