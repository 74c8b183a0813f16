"""When this agent scans: once in each interval, at a moment of its own.

The moment is drawn from the agent's id, so it stays the same for each agent and is spread evenly over all of them:
ten thousand machines switched on at eight o'clock do not report at eight o'clock for ever.
"""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

DEFAULT_INTERVAL = 6 * 3600
TICK = 900
"""Most seconds between two looks at the clock: it may be set, and the machine may have slept."""
CLOCK_TOLERANCE = 300


def offset(agent: str, interval: int, jitter: int) -> int:
    """Seconds after the start of each interval at which this agent scans."""
    spread = min(interval, jitter)
    return int.from_bytes(hashlib.sha256(agent.encode()).digest()[:8], "big") % spread if spread > 0 else 0


def next_scan(last: float | None, now: float, interval: int, offset: int) -> float:
    """When the next scan is due; `now` or earlier means at once. `last`: when the last one was, None for never.

    A last scan in the future means that the clock was set back: then nothing is known, and it is due.
    """
    if last is None or last > now + CLOCK_TOLERANCE:
        return now
    return float(((last - offset) // interval + 1) * interval + offset)


class Outlook(NamedTuple):
    """What there is to do."""

    due: float
    """Time of the next scan."""
    waiting: int
    """Snapshots in the spool."""


def rest(outlook: Outlook, now: float, failures: int) -> float:
    """Seconds to sleep: until the next scan, or earlier when snapshots wait to be sent; never beyond a tick.

    After each run in vain the pause before the next attempt doubles, from five minutes to an hour, drawn at random.
    """
    until = max(1.0, outlook.due - now)
    if outlook.waiting:
        until = min(until, random.uniform(60, min(3600, 300 * 2 ** min(failures, 4))))  # noqa: S311  (no secret)
    elif until > TICK:
        until = TICK
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
