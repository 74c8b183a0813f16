"""Do one job: begin it, show that it is alive, and write down how it ended."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, IntegrityError, InterfaceError, connections, transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now

from server.background import queue
from server.background.declare import TASKS, Cancelled, LaidDown, Lost, Task, Work
from server.background.delivery import performed_by, stopping
from server.background.models import Job

log = logging.getLogger(__name__)

LOCK_WAIT = timedelta(seconds=5)
WAIT_MAX = timedelta(minutes=10)
PATIENCE_SECONDS = 60.0
TURN = timedelta(minutes=1)
"""So long a job that walks over every machine has its worker for itself; then those that wait have theirs."""
T = TypeVar("T")


def silence() -> timedelta:
    """A worker that was not heard of for so long is dead."""
    return timedelta(seconds=settings.CONFIG.worker_silence_seconds)


def worker_name() -> str:
    return f"{socket.gethostname()[:60]}:{os.getpid()}"


def perform(delivery: UUID, pk: int) -> None:
    """What the message `delivery` asks for; nothing, if it no longer counts."""
    job = _begin(delivery, pk)
    if job is None:
        return
    task = TASKS.get(job.name)
    if task is None:
        queue.end(job, Job.FAILED, error=f"this version knows no task {job.name}")
        return
    pulse = Pulse(job)
    pulse.start()
    try:
        work = Work(job, pulse)
        work.check()
        outcome = task.function(work, **job.arguments)
    except Lost:
        log.warning("job %s: another worker has it", job)
    except Cancelled:
        _patiently(lambda: queue.end(job, Job.CANCELLED))
    except (LaidDown, SystemExit, KeyboardInterrupt) as error:
        _patiently(lambda: queue.unfinished(job))
        if not isinstance(error, LaidDown):
            raise
    except Exception as error:  # whatever a room's task raises ends that job, not the worker
        log.exception("job %s", job)
        _failed(job, task, _in_one_line(error))
    else:
        _patiently(lambda: queue.end(job, Job.DONE, outcome))
    finally:
        pulse.end()


performed_by(perform)


def _begin(delivery: UUID, pk: int) -> Job | None:
    """Now running, and ours; None when the message does not count, or another job holds the lock."""
    try:
        with transaction.atomic():
            begun = Job.objects.filter(pk=pk, delivery=delivery, state=Job.WAITING).update(
                state=Job.RUNNING, worker=worker_name(), started_at=Coalesce(F("started_at"), Now()), heartbeat_at=Now(),
                attempts=F("attempts") + 1,
            )  # fmt: skip
    except IntegrityError:
        waiting = queue.read(pk, delivery)
        if waiting is not None:
            queue.put_back(waiting, LOCK_WAIT)
        return None
    return queue.read(pk, delivery) if begun else None


def _failed(job: Job, task: Task, error: str) -> None:
    """Try again after a while that doubles, or give up."""

    def write() -> None:
        now = queue.read(job.pk, job.delivery) if job.delivery else None
        if now is None:
            return
        if now.cancel_asked:
            queue.end(now, Job.CANCELLED, error=error)
        elif now.attempts > task.retries:
            queue.end(now, Job.FAILED, error=error)
        else:
            queue.put_back(now, min(task.wait * 2 ** (now.attempts - 1), WAIT_MAX), error=error)

    _patiently(write)


def _patiently(write: Callable[[], T]) -> T | None:
    """A database that is away for a moment must not cost what was done. Later than that, the keeper finds the job silent."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return write()
        except (DatabaseError, InterfaceError) as error:
            if time.monotonic() > until or stopping.is_set():
                raise
            log.warning("the database does not take it, trying again: %s", error)
            connections["default"].close()
            stopping.wait(1)


def _in_one_line(error: Exception) -> str:
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def others_wait(job: Job) -> bool:
    """Whether some job is due that could begin, but for a free worker."""
    running = Job.objects.filter(state=Job.RUNNING).exclude(lock="").values("lock")
    due = Job.objects.filter(Q(due_at=None) | Q(due_at__lte=Now()), state=Job.WAITING, asked_at__lte=Now())
    return due.exclude(lock=job.lock, lock__gt="").exclude(lock__in=running).exists()


class Pulse(threading.Thread):
    """Notes at intervals that the job is alive, from a thread of its own: a long slice is no death."""

    def __init__(self, job: Job) -> None:
        super().__init__(name=f"pulse of {job.pk}", daemon=True)
        self._job = Job.objects.filter(pk=job.pk, delivery=job.delivery, state=Job.RUNNING)
        self._over, self._lost, self._cancelled = threading.Event(), threading.Event(), threading.Event()
        self._held, self._began, self._others = job, time.monotonic(), threading.Event()
        if job.cancel_asked:
            self._cancelled.set()

    def run(self) -> None:
        every = silence().total_seconds() / 6
        try:
            while not self._over.wait(every):
                try:
                    self._beat()
                except (DatabaseError, InterfaceError) as error:
                    log.warning("no heartbeat of job %s: %s", self.name, error)
                    connections.close_all()
        finally:
            connections.close_all()

    def _beat(self) -> None:
        if not self._job.update(heartbeat_at=Now()):
            self._lost.set()
        elif self._job.filter(cancel_asked=True).exists():
            self._cancelled.set()
        elif time.monotonic() - self._began > TURN.total_seconds() and others_wait(self._held):
            self._others.set()

    def end(self) -> None:
        self._over.set()

    def stopping(self) -> bool:
        return stopping.is_set()

    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def lost(self) -> bool:
        return self._lost.is_set()

    def others_wait(self) -> bool:
        return self._others.is_set()
