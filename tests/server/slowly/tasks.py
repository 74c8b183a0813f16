"""Tasks that leave a trace, and a judge that can be held in mid-slice."""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path

from server.assess import judge
from server.assess import tasks as assess
from server.background.declare import Outcome, Work, task
from server.ingest.models import Refusal

_judging = itertools.count(1)
_judge = judge.judge


def hold(word: str) -> None:
    """Stop here, if the test holds this word, until it lets go."""
    folder = Path(os.environ["RASOAT_TEST_HOLDS"])
    while (folder / word).exists():
        (folder / f"{word}.reached").touch()
        time.sleep(0.02)


def _held(*given, **named):
    hold(f"judge-{next(_judging)}")
    return _judge(*given, **named)


if "RASOAT_TEST_HOLDS" in os.environ:  # a worker of the tests, not the tests themselves
    judge.judge = _held
    assess.SLICE = 4


@task("slowly.count", "count, one row each")
def count(work: Work, to: int) -> Outcome:
    work.expect(to)
    for number in range(work.kept.get("next", 0), to):
        with work.slice(next=number + 1):
            Refusal.objects.create(address=str(number), code="counted")
            hold(f"slice-{number}")
    return {"judged": to}


@task("slowly.once", "leave one row")
def once(work: Work, number: int) -> Outcome:
    Refusal.objects.create(address=str(number), code="once")
    return None
