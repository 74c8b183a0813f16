"""What each worker does beside its jobs: find those whose worker died, ask for periodic work, sweep up."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

from django.db import DatabaseError, InterfaceError, connections
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from server.background import delivery, periodic, queue, run
from server.background.models import Job

log = logging.getLogger(__name__)

EVERY_SECONDS = 5.0
DELIVERED = timedelta(minutes=10)
LATE = timedelta(minutes=2)
FAR = timedelta(hours=1)
"""Nothing is put off for so long: what is due later was put off by a clock that ran ahead, and is due now."""


def look(alone: bool = False) -> int:
    """Give every job whose worker is dead to the living; how many. `alone`: there is no other worker, so each of them is."""
    silence = timedelta() if alone else run.silence()
    # a heartbeat from the future is of a time when the database's clock ran ahead: nobody living has left it at that
    silent = Q(heartbeat_at__lt=Now() - silence) | Q(heartbeat_at__gt=Now() + silence)
    dead = Q(state=Job.RUNNING) if alone else Q(silent, state=Job.RUNNING)
    found = 0
    for job in Job.objects.filter(dead).select_related("unit"):
        found += queue.unfinished(job, worker_died=True)
        log.warning("job %s: its worker %s died", job, job.worker)
    for job in delivery.undelivered(silence):
        found += queue.put_back(job)
    for job in Job.objects.filter(state=Job.WAITING, due_at__gt=Now() + FAR):
        found += queue.put_back(job)
    return found


def unattended() -> bool:
    """Jobs wait for longer than any worker would let them, and none is being done: no worker runs."""
    since = timezone.now() - max(LATE, 2 * run.silence())
    due = Q(due_at=None, asked_at__lt=since) | Q(due_at__lt=since)
    busy = Job.objects.filter(state=Job.RUNNING, heartbeat_at__gt=since)
    return Job.objects.filter(due, state=Job.WAITING).exists() and not busy.exists()


class Keeper(threading.Thread):
    """Several at once, on several machines, do no harm: each step is a conditional update."""

    def __init__(self, alone: bool = False) -> None:
        super().__init__(name="keeper", daemon=True)
        self._alone, self._over = alone, threading.Event()

    def run(self) -> None:
        first = True
        while not self._over.is_set():
            try:
                if not (first and self._alone):  # those were looked for before the first job was taken
                    look()
                periodic.ask(starting=first)
                delivery.forget_delivered(DELIVERED)
                first = False
            except (DatabaseError, InterfaceError) as error:
                log.warning("the database does not take it, trying again: %s", error)
                connections.close_all()
            except Exception:  # a keeper that ended would be missed by nobody until jobs pile up
                log.exception("the keeper of background work")
            self._over.wait(EVERY_SECONDS)
        connections.close_all()

    def end(self) -> None:
        self._over.set()
