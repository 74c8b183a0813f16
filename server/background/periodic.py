"""The table of what is done again and again. An entry names a task of some room's tasks.py."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.db import transaction
from django.utils import timezone

from server.background.declare import TASKS
from server.background.models import Routine

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
COLLECTOR = "collector"
AHEAD = timedelta(minutes=10)
"""So much two workers' clocks may differ."""


@dataclass(frozen=True)
class Entry:
    """A task and when: every so often, or each day at that time of day here. `at_start`: also whenever a worker starts."""

    task: str
    every: timedelta = DAY
    at: time | None = None
    at_start: bool = False

    def after(self, now: datetime) -> datetime:
        """When it is due after now."""
        if self.at is None:
            return now + self.every
        here = timezone.localtime(now)
        today = here.replace(hour=self.at.hour, minute=self.at.minute, second=0, microsecond=0)
        return today if today > here else today + DAY


TABLE = (
    Entry("background.prune", at=time(1, 5)),
    Entry("sessions.clear", at=time(1, 10)),
    Entry("ingest.forget-refusals", every=HOUR),
    Entry("assess.rejudge", at=time(1, 30), at_start=True),
    Entry("assess.age", every=HOUR, at_start=True),
    Entry("assess.forget-facts", at=time(2, 20)),
    Entry("findings.count", every=timedelta(minutes=5)),
    Entry("findings.roll-up", at=time(0, 15), at_start=True),
    Entry("differences.add-up", every=timedelta(minutes=15), at_start=True),
    Entry("configurations.prune", at=time(2, 0)),
    Entry("storage.prune", at=time(2, 30)),
    Entry("findings.prune", at=time(2, 45)),
    Entry("matching.match", every=timedelta(minutes=10), at_start=True),
    Entry("sweeps.look", every=timedelta(minutes=10), at_start=True),
    Entry("sweeps.weigh", every=timedelta(minutes=10), at_start=True),
    Entry("schedules.check", every=timedelta(minutes=15)),
    Entry("feeds.sweep", at=time(3, 15)),
    Entry("outlets.look", every=timedelta(minutes=1)),
    Entry("signon.recheck", every=timedelta(minutes=5)),
    Entry("approvals.expire", every=HOUR),
    Entry("evidence.prune", at=time(3, 0)),
    Entry("waivers.check", every=HOUR),
    Entry("campaigns.look", every=timedelta(minutes=5)),
    Entry("assignments.look", every=timedelta(minutes=5)),
    Entry("assignments.remind", every=HOUR),
    Entry("calendar.remind", every=HOUR),
    Entry("calendar.certificates", at=time(3, 30), at_start=True),
    Entry("documents.prepare", every=HOUR, at_start=True),
    Entry("search.catch-up", every=timedelta(minutes=10), at_start=True),
    Entry("registers.read", every=timedelta(minutes=10), at_start=True),
)


def ask(now: datetime | None = None, starting: bool = False, table: tuple[Entry, ...] = TABLE) -> list[str]:
    """Ask for what is due. What was missed while no worker ran is done once. Returns the names."""
    now = now or timezone.now()
    known = dict(Routine.objects.values_list("name", "due_at"))
    asked = []
    for entry in table:
        due = known.get(entry.task)
        if due is None:
            first = now if entry.at is None else entry.after(now)
            due = Routine.objects.get_or_create(name=entry.task, defaults={"due_at": first})[0].due_at
        # further away than it can be: it was put off by a clock that ran ahead, and would not be done for as long as that was wrong
        if due <= now or due > entry.after(now) + AHEAD:
            with transaction.atomic():
                if Routine.taken(entry.task, due, entry.after(now)):
                    TASKS[entry.task].enqueue(by=COLLECTOR, key=entry.task)
                    asked.append(entry.task)
        elif starting and entry.at_start:
            TASKS[entry.task].enqueue(by=COLLECTOR, key=entry.task)
            asked.append(entry.task)
    return asked
