"""When this agent scans: once in each interval or inside the hours of its unit, at a moment of its own (collectors/timetable.py).

The moment is drawn from the agent's id, so it stays the same for each agent and is spread evenly over all of them:
ten thousand machines switched on at eight o'clock do not report at eight o'clock for ever. Nor do they at eight this once: a
machine that slept through its moment waits a while of its own after it woke.
"""

from __future__ import annotations

import math
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from collectors.timetable import CLOCK_TOLERANCE, Timetable, due, offset

__all__ = [
    "CLOCK_TOLERANCE",
    "DEFAULT_INTERVAL",
    "TICK",
    "Outlook",
    "loop",
    "moment_of",
    "next_scan",
    "offset",
    "rest",
    "timetable",
    "woken",
]

DEFAULT_INTERVAL = 6 * 3600
TICK = 900
"""Most seconds between two looks at the clock: it may be set, and the machine may have slept."""
ASLEEP = 3 * TICK
"""Nobody looked at the clock for so long: the machine was off, or slept."""
SHORT, LONG = 600, 3600
"""Least and most over which machines are spread that come back together."""


def next_scan(last: float | None, now: float, interval: int, offset: int) -> float:
    """When the next scan is due; `now` or earlier means at once. `last`: when the last one was, None for never.

    A last scan in the future means that the clock was set back: then nothing is known, and it is due.
    """
    if last is None or last > now + CLOCK_TOLERANCE:
        return now
    return float(((last - offset) // interval + 1) * interval + offset)


def timetable(policy: dict[str, Any], interval: int | None, jitter: int, part: str = "schedule") -> Timetable:
    """What the collector last asked for; an interval set on this machine counts more. What cannot be read is left out."""
    try:
        told = Timetable.read(policy[part])
    except (KeyError, ValueError):
        told = Timetable(policy.get("interval_seconds") or DEFAULT_INTERVAL, jitter)
    return told._replace(interval=interval) if interval else told


def woken(before: dict[str, Any] | None, now: float) -> dict[str, Any]:
    """{at, woke}: when the clock was looked at, and since when the machine is up as far as we saw; 0: all the time.

    `before`: what this said at the last look. A clock set forward looks like a sleep, and may: it only costs a short wait.
    """
    at, woke = (before or {}).get("at"), (before or {}).get("woke")
    if not isinstance(at, (int, float)) or at > now + CLOCK_TOLERANCE:
        return {"at": now, "woke": 0}
    if now - at > ASLEEP:
        return {"at": now, "woke": now}
    return {"at": now, "woke": woke if isinstance(woke, (int, float)) and woke <= now else 0}


def moment_of(table: Timetable, agent: str, last: object, now: float, woke: float = 0) -> float:
    """When this agent is due; `now` or earlier: at once. `last`: as kept, None for never. `woke`: see `woken`."""
    known = float(last) if isinstance(last, (int, float)) and math.isfinite(last) and last >= 0 else None
    found = due(table, agent, known, now)
    if found.why != "missed":
        return found.at
    # they all woke at eight, and each waits its own while; the next time another one
    own = offset(f"{agent} {int(woke)}", LONG, max(SHORT, min(LONG, table.jitter)))
    return max(found.at, woke + own) if woke else found.at


class Outlook(NamedTuple):
    """What there is to do."""

    due: float
    """Time of the next scan."""
    waiting: int
    """Snapshots in the spool."""
    poll: int = TICK
    """Seconds after which the collector is asked whether somebody wants a scan now."""


def rest(outlook: Outlook, now: float, failures: int) -> float:
    """Seconds to sleep: until the next scan, or earlier when snapshots wait to be sent or it is time to ask; never beyond a tick.

    Asking is a little early each time by chance: machines that were switched on together do not go on asking together. After each run in vain the pause before the next attempt doubles, from five minutes to an hour, drawn at random.
    """
    until = max(1.0, outlook.due - now)
    if outlook.waiting:
        until = min(until, random.uniform(60, min(3600, 300 * 2 ** min(failures, 4))))  # noqa: S311  (no secret)
    elif until > outlook.poll:
        until = min(TICK, outlook.poll) * random.uniform(0.75, 1)  # noqa: S311  (no secret)
    return until


def itself() -> list[str]:
    """How this program is started again: by its interpreter, or as the single file it is.

    -P: the folder it was started in is not searched, or an `agent` folder lying there would run with our rights.
    """
    return [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-P", "-m", "agent"]


def loop(arguments: Sequence[str], outlook: Callable[[], Outlook]) -> int:
    """`rasoat agent run`: start `rasoat agent once --if-due` again and again until told to stop.

    Each run is a process of its own: in between only this loop stays in memory, and a crash ends one run, not the agent.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    failures = 0
    while not stop.is_set():
        child = subprocess.Popen([*itself(), "agent", "once", "--if-due", *arguments], stdin=subprocess.DEVNULL)
        while child.poll() is None and not stop.wait(0.2):
            pass
        if child.poll() is None:
            child.terminate()  # what it collected is in the spool or was not finished; both are safe
        failures = failures + 1 if child.wait() == 4 else 0
        if not stop.is_set():
            stop.wait(rest(outlook(), time.time(), failures))
    return 0
