"""A worker is killed (kill -9) at every step there is: before each of its statements and each of its commits, one after another."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from server.background import delivery, keeper
from server.background.declare import TASKS, Outcome, Task, Work, task
from server.background.models import Job
from server.ingest.models import Refusal
from server.journal.models import Entry
from tests.server.test_background_processes import empty_sqlite, site

__all__ = ["empty_sqlite", "site"]
pytestmark = pytest.mark.system
ROWS = 3
ENOUGH = 200
"""No job of three slices has so many steps."""


@pytest.fixture
def slices() -> Iterator[Task]:
    """One row for each slice; how many there were goes into the journal."""

    @task("test.slices", "a row each", journal="assess.rejudged")
    def declared(work: Work) -> Outcome:
        for number in range(work.kept.get("next", 0), ROWS):
            with work.slice(next=number + 1):
                Refusal.objects.create(address=str(number), code="counted")
        return {"judged": ROWS}

    yield declared
    del TASKS["test.slices"]


def take() -> None:
    delivery.take("tests", 0.05, until_empty=True, signals=False)


def killed_at(step: int) -> bool:
    """Work in a process of its own that does not live to do that step. False when there is no such step any more."""
    connections.close_all()
    pid = os.fork()
    if pid:
        status = os.waitpid(pid, 0)[1]
        assert os.WIFSIGNALED(status) or os.waitstatus_to_exitcode(status) == 0
        return os.WIFSIGNALED(status)
    left = count(step, -1)

    def live(do: Callable[..., Any], *given: Any) -> Any:
        if next(left) == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return do(*given)

    try:
        own = connections["default"]
        commit = own._commit
        own._commit = lambda: live(commit)
        with own.execute_wrapper(live):
            take()
        os._exit(0)
    except BaseException:
        os._exit(3)


def test_the_job_is_done_once_all_the_same(site, slices: Task) -> None:
    for step in range(1, ENOUGH):
        Refusal.objects.all().delete()
        entries = Entry.objects.count()
        job = slices.enqueue(by="test")
        killed = killed_at(step)
        for _again in range(3):
            keeper.look(alone=True)
            delivery.DBTaskResult.objects.filter(status="READY").update(run_after=timezone.now() - timedelta(seconds=1))
            take()
        found = Job.objects.get(pk=job.pk)
        assert (found.state, found.done, found.outcome) == (Job.DONE, ROWS, {"judged": ROWS}), f"step {step}: {found.error}"
        assert sorted(Refusal.objects.values_list("address", flat=True)) == ["0", "1", "2"], f"step {step}"
        assert Entry.objects.count() == entries + 1, f"step {step}"
        if not killed:
            assert step > 4 * ROWS, "each slice begins, writes, notes and commits"
            return
    raise AssertionError("it never came to an end")
