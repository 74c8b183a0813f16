"""The one file that knows the queue library, django-tasks-db: its rows say which job may be begun, its worker takes them.

It posts inside the transaction of whoever asks, takes with SKIP LOCKED (on SQLite in a transaction of its own) and ends
gracefully. What it leaves to its users is in run.py and keeper.py: heartbeats, killed workers, retries, progress.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from types import FrameType
from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connections
from django.db.models import Q, QuerySet
from django.utils import timezone
from django_tasks import TaskContext, TaskResultStatus
from django_tasks import task as library_task
from django_tasks_db.management.commands.db_worker import Worker
from django_tasks_db.models import DBTaskResult

from server.background.models import Job

log = logging.getLogger(__name__)

QUEUE = BACKEND = "default"
AGAIN_SECONDS = 2.0
stopping = threading.Event()
"""This process is told to end."""
_performer: list[Callable[[UUID, int], None]] = []


def performed_by(perform: Callable[[UUID, int], None]) -> None:
    """What does a job is said when it is read (run.py; at the latest when Django is set up)."""
    _performer[:] = [perform]


@library_task(takes_context=True)
def deliver(context: TaskContext, job: int) -> None:
    """A message has come: begin the job, if the message still counts."""
    _performer[0](UUID(str(context.task_result.id)), job)


def post(job: Job, after: timedelta = timedelta()) -> UUID:
    """Put a message into the queue, to be taken no earlier than `after`. Its id."""
    due = timezone.now() + after if after else None
    return UUID(str(deliver.using(priority=job.priority, run_after=due).enqueue(job=job.pk).id))


def withdraw(delivery: UUID | None) -> None:
    """A message that no longer counts. Whoever has taken it already finds that out at the job's row, and closes it."""
    if delivery is not None:
        DBTaskResult.objects.filter(pk=delivery, status=TaskResultStatus.READY).delete()


def undelivered(silence: timedelta) -> QuerySet[Job]:
    """Waiting jobs whose message was taken and came to nothing: the worker died, or lost its database, before it began."""
    alive = Q(status=TaskResultStatus.READY) | Q(status=TaskResultStatus.RUNNING, started_at__gt=timezone.now() - silence)
    return Job.objects.filter(state=Job.WAITING).exclude(delivery__in=DBTaskResult.objects.filter(alive).values("pk"))


def forget_delivered(age: timedelta) -> int:
    """Messages that were delivered say nothing that the job's row does not say better; nor do those of the dead."""
    old = timezone.now() - age
    orphans = DBTaskResult.objects.running().filter(started_at__lt=old)
    orphans = orphans.exclude(pk__in=Job.objects.exclude(delivery=None).values("delivery"))
    return DBTaskResult.objects.finished().filter(finished_at__lt=old).delete()[0] + orphans.delete()[0]


class Hands(Worker):
    """The library's worker; what it is told by a signal, the job it is at hears too."""

    def shutdown(self, signum: int, frame: FrameType | None) -> None:
        stopping.set()
        super().shutdown(signum, frame)


def take(name: str, interval: float = 1.0, *, until_empty: bool = False, signals: bool = True) -> None:
    """Take messages and do the jobs, one at a time, until SIGTERM; through times without a database."""
    given: dict[str, Any] = {"queue_names": [QUEUE], "excluded_queue_names": [], "backend_name": BACKEND, "max_tasks": None}
    hands = Hands(**given, interval=interval, batch=until_empty, startup_delay=False, worker_id=name[:64])
    if signals:
        hands.configure_signals()
    while hands.running:
        try:
            hands.run()
        except (DatabaseError, InterfaceError) as error:
            log.warning("the database does not take it, trying again: %s", error)
            connections.close_all()
            time.sleep(AGAIN_SECONDS)
        else:
            return
