"""Between two scans: does a person at the collector want one now?

A look costs one signed request, and no more than its head when nothing is new (304). What comes is a number for this machine itself,
or a number and the name of a target of the station's own file; each is done once.

asked.json     {"tag": of the last answer, "at": time, "own": [number], "targets": [[number, name]], "done": [number]}
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from agent import limits, schedule
from agent.state import State

if TYPE_CHECKING:
    from agent.run import Run

FILE = "asked.json"
KEPT = 500


class Jobs(NamedTuple):
    """What is asked for and was not done yet."""

    own: tuple[int, ...] = ()
    targets: tuple[tuple[int, str], ...] = ()


def ask(run: Run, busy: bool = False) -> Jobs:
    """Ask, unless the collector wants to be asked less often than the clock is looked at, or it can wait; then, and offline, what is known."""
    kept = run.state.read(FILE) or {}
    stopped = limits.last(run.state)
    untold = stopped is not None and not stopped.get("told")
    left_out = limits.given_up(run.state, time.time())
    if not untold and (busy or not _wanted(run.state, kept.get("at"), time.time())):
        return _left(kept, left_out)
    news = limits.question(stopped) if untold and stopped else ""
    from agent.policy import PolicyError, poll  # only now: most wakes need no network
    from agent.upload import Offline

    try:
        tag = kept.get("tag")
        found = poll(
            run.connect(), run.identity["agent_id"], run.state.key(), run.state, tag if isinstance(tag, str) else "", news
        )
    except (Offline, PolicyError) as error:
        run.failed(str(error))
        return _left(kept, left_out)
    run.heard()
    if untold and stopped:
        run.state.try_keep(limits.FILE, stopped | {"told": True})
    if found is not None:
        kept |= {"own": found.own, "targets": [[number, name] for number, name in found.targets], "tag": found.tag}
    run.state.try_keep(FILE, kept | {"at": time.time()})
    return _left(kept, left_out)


def interval(state: State) -> int:
    """Seconds between two looks, as far as a loop that stays in memory decides it."""
    told = (state.read("policy.json") or {}).get("poll_seconds")
    return min(schedule.TICK, max(60, told)) if isinstance(told, int) else schedule.TICK


def done(state: State, numbers: tuple[int, ...]) -> None:
    """These were done: not again, also when the collector has not heard of it yet."""
    if numbers:
        kept = state.read(FILE) or {}
        before = kept.get("done")
        state.try_keep(FILE, kept | {"done": [*(before if isinstance(before, list) else ()), *numbers][-KEPT:]})


def _wanted(state: State, at: object, now: float) -> bool:
    told = (state.read("policy.json") or {}).get("poll_seconds")
    if not isinstance(told, int) or told <= schedule.TICK or not isinstance(at, (int, float)):
        return True
    return not 0 <= now - at < told - schedule.TICK / 2


def _left(kept: dict[str, Any], left_out: tuple[int, ...]) -> Jobs:
    finished = kept.get("done")
    finished = [*finished, *left_out] if isinstance(finished, list) else left_out
    own, targets = kept.get("own"), kept.get("targets")
    return Jobs(
        tuple(number for number in own if type(number) is int and number not in finished) if isinstance(own, list) else (),
        tuple((pair[0], pair[1]) for pair in targets if isinstance(pair, list) and len(pair) == 2 and pair[0] not in left_out)
        if isinstance(targets, list)
        else (),
    )
