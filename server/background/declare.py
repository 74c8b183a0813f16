"""How a room declares background work: a function under `@task(...)` in its tasks.py. No room knows the queue beneath.

    @task("assess.rejudge", _("Judge stored facts again"), lock="assess.rejudge")
    def rejudge(work: Work, everything: bool = False) -> dict[str, int]:
        for part in parts_after(work.kept.get("after", 0)):
            ...                                   # its own short transactions; doing it twice must do no harm
            work.advance(len(part), after=part[-1].pk)

    rejudge.enqueue(by="console", unit=unit, key=f"assess.rejudge/{unit.pk}")

A worker may be killed at any line. What was not followed by `advance` is then done again, by this worker or by another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from django.db import transaction
from django.db.models.functions import Now

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    from server.background.models import Job
    from server.units.models import Unit

Outcome = dict[str, Any] | None


class LaidDown(BaseException):
    """The work ends here, before its end. Not an Exception: an `except Exception` around one item must not swallow it."""


class Cancelled(LaidDown):
    """A person does not want it any more."""


class Stopped(LaidDown):
    """The worker is told to end. The job goes back and continues where it stands."""


class GaveWay(LaidDown):
    """Others have waited long enough. The job goes back behind them and continues where it stands."""


class Lost(LaidDown):
    """Another worker has the job: this one was silent for so long that it was taken for dead. Nothing more may be written."""


class Call(Protocol):
    """What may end a job before its end."""

    def stopping(self) -> bool: ...
    def cancelled(self) -> bool: ...
    def lost(self) -> bool: ...
    def others_wait(self) -> bool: ...


class Work:
    """What a task is given: how far the job is, what it kept, and whether to go on."""

    def __init__(self, job: Job, call: Call) -> None:
        self.job, self._call = job, call
        self.kept: dict[str, Any] = dict(job.kept)
        self.done, self.of = job.done, job.of

    def expect(self, of: int) -> None:
        """So many in all, as far as one can tell; people see it as progress."""
        self.of = of

    def check(self) -> None:
        """Raises LaidDown when the work is to end here. Call it between two items."""
        if self._call.lost():
            raise Lost
        if self._call.cancelled():
            raise Cancelled
        if self._call.stopping():
            raise Stopped

    def advance(self, count: int = 1, **kept: Any) -> None:
        """A slice is done: so many more, and what to know when the job is taken up again here. Raises LaidDown."""
        self._note(count, kept)
        self.check()
        if self.job.name in TASKS and TASKS[self.job.name].gives_way and self._call.others_wait():
            raise GaveWay

    @contextmanager
    def slice(self, count: int = 1, **kept: Any) -> Iterator[None]:
        """A slice and the note that it is done, in one transaction: what is written inside is written once, whatever dies."""
        self.check()
        with transaction.atomic():
            yield
            self._note(count, kept)

    def _note(self, count: int, kept: dict[str, Any]) -> None:
        self.kept |= kept
        self.done += count
        mine = type(self.job).objects.filter(pk=self.job.pk, delivery=self.job.delivery, state=self.job.RUNNING)
        # attempts begin anew: a long job may be interrupted often, as long as it gets ahead in between
        if not mine.update(done=self.done, of=self.of, kept=self.kept, heartbeat_at=Now(), attempts=1):
            raise Lost
        if mine.filter(cancel_asked=True).exists():
            raise Cancelled


@dataclass(frozen=True)
class Task:
    """A declared task."""

    name: str
    title: str | _StrPromise
    function: Callable[..., Outcome]
    retries: int
    wait: timedelta
    lock: str
    journal: str
    gives_way: bool

    def enqueue(
        self, *, by: str, unit: Unit | None = None, subject: str = "", key: str = "", after: timedelta = timedelta(),
        priority: int = 0, lock: str = "", **arguments: Any,
    ) -> Job:  # fmt: skip
        """The job, which others see once the transaction around is committed.

        `key`: while a job of that key waits, it is the one. One that runs already may have passed what changed, so a further
        one waits behind it. `lock`: in place of the task's own, where only jobs of one thing exclude each other.
        """
        return _beneath[0](self, by, unit, subject, key, after, priority, lock or self.lock, arguments)


TASKS: dict[str, Task] = {}
_beneath: list[Callable[..., Job]] = []


def goes_into(enqueue: Callable[..., Job]) -> None:
    """The queue says what takes in jobs, when it is read (queue.py; at the latest when Django is set up)."""
    _beneath[:] = [enqueue]


def task(
    name: str, title: str | _StrPromise, *, retries: int = 5, wait: timedelta = timedelta(seconds=2), lock: str = "", journal: str = "",
    gives_way: bool = False,
) -> Callable[[Callable[..., Outcome]], Task]:  # fmt: skip
    """Declare a task. `retries`: how often in a row without getting ahead; `wait` before the first, doubled each time.
    `lock`: never two with that word at once. `journal`: the action under which an outcome that is not nothing is written there.
    `gives_way`: it walks over every machine and goes on where `advance` says, so it may be laid down for others that wait.
    """

    def declared(function: Callable[..., Outcome]) -> Task:
        if name in TASKS:
            raise ValueError(f"{name} is declared twice")
        TASKS[name] = Task(name, title, function, retries, wait, lock, journal, gives_way)
        return TASKS[name]

    return declared
