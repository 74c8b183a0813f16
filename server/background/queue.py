"""Put jobs in, take them back, end them. Each change of a job's state is one conditional update: the faster one wins."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from server.background import delivery
from server.background.declare import TASKS, Task, goes_into
from server.background.models import ERROR_MAX, Job
from server.journal import models as journal

if TYPE_CHECKING:
    from server.units.models import Unit


def enqueue(
    task: Task, by: str, unit: Unit | None, subject: str, key: str, after: timedelta, priority: int, lock: str,
    arguments: dict[str, Any],
) -> Job:  # fmt: skip
    """See Task.enqueue."""
    job = Job(
        name=task.name, subject=(subject or (unit.name if unit else ""))[:300], unit=unit, asked_by=by[:200], arguments=arguments,
        key=key, lock=lock, priority=priority, due_at=timezone.now() + after if after else None,
    )  # fmt: skip
    while True:
        with transaction.atomic():
            # locked until we commit: it must not begin before what we changed can be seen
            waiting = Job.objects.select_for_update().filter(key=key, state=Job.WAITING).first() if key else None
            if waiting is not None:
                return waiting
            try:
                with transaction.atomic():
                    job.save(force_insert=True)
            except IntegrityError:  # somebody else asked for the same in this moment
                continue
            job.delivery = delivery.post(job, after)
            job.save(update_fields=["delivery"])
            return job


goes_into(enqueue)


def put_back(job: Job, after: timedelta = timedelta(), **changes: Any) -> bool:
    """Let it wait for a new message; `job` is as it was read. False when it was no longer in that state."""
    as_read = Job.objects.filter(pk=job.pk, state=job.state, delivery=job.delivery)
    due = timezone.now() + after if after else None
    try:
        with transaction.atomic():
            if not as_read.update(
                state=Job.WAITING, delivery=None, due_at=due, worker="", heartbeat_at=None, finished_at=None, **changes
            ):
                return False
            delivery.withdraw(job.delivery)
            Job.objects.filter(pk=job.pk).update(delivery=delivery.post(job, after))
    except IntegrityError:  # one of its key waits already, and will do what this one has left undone
        return end(job, Job.CANCELLED, error="a later job of the same kind waits and does this work too")
    return True


def end(job: Job, state: str, outcome: dict[str, Any] | None = None, error: str = "") -> bool:
    """Close it, with its line in the journal. False when it was no longer in the state it was read in."""
    with transaction.atomic():
        ended = Job.objects.filter(pk=job.pk, state=job.state, delivery=job.delivery).update(
            state=state, outcome=outcome or {}, error=error[:ERROR_MAX], finished_at=Now(), delivery=None
        )
        action = TASKS[job.name].journal if job.name in TASKS else ""
        if ended and action and any((outcome or {}).values()):
            path = job.unit.path if job.unit else ""
            journal.write(action, job.asked_by, unit_path=path, subject=job.subject, **(outcome or {}))
    return bool(ended)


def cancel(job: Job) -> bool:
    """At once while it waits; at the next border between two slices while it runs. False when it has ended."""
    waits = Job.objects.filter(pk=job.pk, state=Job.WAITING)
    with transaction.atomic():
        if waits.update(state=Job.CANCELLED, finished_at=Now(), delivery=None, cancel_asked=True):
            delivery.withdraw(job.delivery)
            return True
    return bool(Job.objects.filter(pk=job.pk, state=Job.RUNNING).update(cancel_asked=True))


def again(job: Job) -> bool:
    """A failed or cancelled job once more, from where it stood. False when it is neither."""
    if job.state not in (Job.FAILED, Job.CANCELLED):
        return False
    return put_back(job, attempts=0, cancel_asked=False, error="")


def unfinished(job: Job, worker_died: bool = False) -> bool:
    """What becomes of a job that ended before its end: cancelled if that was asked, else it waits for the next worker."""
    if job.cancel_asked:
        return end(job, Job.CANCELLED)
    task = TASKS.get(job.name)
    if worker_died and task is not None and job.attempts > task.retries:
        return end(job, Job.FAILED, error=f"its worker ended {job.attempts} times in a row without getting ahead")
    return put_back(job) if worker_died else put_back(job, attempts=F("attempts") - 1)


def read(pk: int, delivery_id: UUID) -> Job | None:
    """The job, if that message is the one that counts."""
    return Job.objects.select_related("unit").filter(pk=pk, delivery=delivery_id).first()
