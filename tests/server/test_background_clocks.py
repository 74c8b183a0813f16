"""Clocks that ran ahead and were put right: what they put off by days is done now, and nobody waits for a dead worker for so long."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from django.utils import timezone

from server.background import delivery, keeper, periodic, queue, run
from server.background.declare import TASKS, task
from server.background.models import Job, Routine
from server.background.periodic import Entry

pytestmark = [pytest.mark.on_both, pytest.mark.django_db(transaction=True)]
AHEAD = timedelta(days=5)


@pytest.fixture
def once(db):
    """A task that is forgotten again."""
    yield task("test.once", "a task of the tests")(lambda work: None)
    del TASKS["test.once"]


@pytest.mark.parametrize("entry", [Entry("test.once", every=timedelta(hours=1)), Entry("test.once", at=time(1, 30))])
def test_periodic_work_put_off_by_a_clock_that_ran_ahead_is_done_when_it_is_right(once, entry):
    now = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    Routine.objects.create(name="test.once", due_at=now)
    assert periodic.ask(now + AHEAD, table=(entry,)) == ["test.once"]
    assert Routine.objects.get().due_at > now + AHEAD, "by the clock of that worker"
    Job.objects.update(state=Job.DONE)
    assert periodic.ask(now, table=(entry,)) == ["test.once"], "not in five days"
    assert periodic.ask(now + timedelta(minutes=1), table=(entry,)) == [], "and not again and again"
    assert Routine.objects.get().due_at == entry.after(now)


def test_a_job_put_off_by_days_is_due_now(once):
    soon = once.enqueue(by="test", key="soon", after=timedelta(minutes=5))
    far = once.enqueue(by="test", key="far", after=AHEAD)
    assert keeper.look() == 1
    delivery.take("tests", 0.05, until_empty=True, signals=False)
    assert Job.objects.get(pk=far.pk).state == Job.DONE
    assert Job.objects.get(pk=soon.pk).state == Job.WAITING, "what waits for its minutes goes on waiting"


def test_a_dead_worker_s_heartbeat_from_the_future_is_no_heartbeat(once):
    job = once.enqueue(by="test")
    Job.objects.filter(pk=job.pk).update(
        state=Job.RUNNING, attempts=1, worker="elsewhere:1", heartbeat_at=timezone.now() + run.silence() / 2
    )
    assert keeper.look() == 0, "so much clocks may differ"
    Job.objects.filter(pk=job.pk).update(heartbeat_at=timezone.now() + AHEAD)
    assert keeper.look() == 1
    assert Job.objects.get(pk=job.pk).state == Job.WAITING
    assert not queue.end(job, Job.DONE), "whoever lived on after all writes no more"
