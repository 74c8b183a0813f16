"""What one run of the agent may take of its machine, and the watch that ends it when it takes more and says why.

A run that looks first puts itself behind everybody who works on the machine. A thread then measures, every second, how long it
has run, and CPU time and resident memory of the agent with all commands it started. Above a limit it keeps the reason, ends the
commands and raises `Stopped` in the main thread; where that does not come back within GRACE seconds, it ends the process. The
kernel holds what is too fast for a thread, or keeps it from running: memory of one process (RLIMIT_DATA) and its CPU time.

Nothing is lost by it: the spool is as it was, and a snapshot is sealed only when every question was put. For REST seconds the
schedule then begins no look, or a machine that is too slow for its limits would be busy with us all day.

stopped.json   {"limit": minutes|cpu|memory|killed, "at", "allowed", "taken", "doing", "asked": [number], "told"}; gone after a whole look
looking.json   {"at", "boot", "times", "asked"}: a look is under way. Found by the next run: it was killed without a word
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from agent import here
from agent.errors import STOPPED, StoppedItself
from agent.language import _, mark
from agent.state import State

if TYPE_CHECKING:
    import psutil

    from agent.config import Config

NICE = 10
REST = 6 * 3600
KILLED = 2
"""One kill is an accident; after so many in a row it rests."""
EVERY, GRACE, ENDING = 1.0, 10.0, 2.0
SLACK = 1.25
"""The kernel's own limits lie so much higher: where it has to act, nobody says why."""
MIB = 1 << 20
FILE, LOOKING = "stopped.json", "looking.json"

REASONS = {
    "minutes": mark("it took longer than limit_minutes allows (%(taken)s of %(allowed)s minutes)"),
    "cpu": mark("it took more CPU time than limit_cpu_seconds allows (%(taken)s of %(allowed)s seconds)"),
    "memory": mark("it took more memory than limit_memory_mb allows (%(taken)s of %(allowed)s MB)"),
    "killed": mark("it was killed from outside, or by the kernel for want of memory or time"),
}


class Limits(NamedTuple):
    """Of one run; None: as much as it takes."""

    minutes: float | None = 15
    cpu_seconds: float | None = 120
    memory_mb: int = 400
    """Resident memory of the agent and the commands it started. On systems of the Red Hat family most of it is dnf's."""

    @classmethod
    def of(cls, config: Config) -> Limits:
        """As set, else the usual ones. A station's run lasts as long as its targets take, and each costs a thread."""
        usual = cls(None, None, 800) if config.station_targets is not None else USUAL
        return cls(
            usual.minutes if config.limit_minutes is None else config.limit_minutes,
            usual.cpu_seconds if config.limit_cpu_seconds is None else config.limit_cpu_seconds,
            usual.memory_mb if config.limit_memory_mb is None else config.limit_memory_mb,
        )


USUAL = Limits()


class Usage(NamedTuple):
    """What a run has taken so far, in the units and the order of its limits."""

    minutes: float
    cpu: float
    memory: float

    def over(self, limits: Limits) -> dict[str, Any] | None:
        """{limit, allowed, taken} of the first that is passed."""
        for name, taken, allowed in zip(self._fields, self, limits, strict=True):
            if allowed is not None and taken > allowed:
                return {"limit": name, "allowed": allowed, "taken": round(taken, 1)}
        return None


class Stopped(BaseException):
    """Raised in the main thread by the watch. No Exception: whoever catches one fact's bug must not go on with the next fact."""


# -- what the last look left behind ----------------------------------------------------------------------------------


def last(state: State) -> dict[str, Any] | None:
    """How the last look was stopped; None when it was not."""
    found = state.read(FILE)
    return found if found and found.get("limit") in REASONS and isinstance(found.get("at"), (int, float)) else None


def resting(state: State, now: float) -> float:
    """Until when the schedule begins no look; 0: it may."""
    found = last(state)
    if found is None or found["at"] > now or (found["limit"] == "killed" and found.get("times", 0) < KILLED):
        return 0
    return float(found["at"]) + REST


def given_up(state: State, now: float) -> tuple[int, ...]:
    """Numbers of the scans people asked for that were stopped, while it rests."""
    asked = (last(state) or {}).get("asked") if resting(state, now) > now else None
    return tuple(number for number in asked if type(number) is int) if isinstance(asked, list) else ()


def in_words(found: dict[str, Any]) -> str:
    """Why it was stopped, and at what."""
    figures = {name: f"{value:g}" if isinstance(value := found.get(name), (int, float)) else "?" for name in ("taken", "allowed")}
    reason = _(REASONS[found["limit"]]) % figures
    doing = found.get("doing")
    return (
        _("%(reason)s; it was at: %(doing)s") % {"reason": reason, "doing": doing} if doing and isinstance(doing, str) else reason
    )


def question(found: dict[str, Any]) -> str:
    """The same for the collector, in the address of the next question: that is signed, and a collector that does not know it passes over it."""
    from urllib.parse import urlencode

    said = {"stopped": found["limit"], "at": int(found["at"])}
    return urlencode(
        said | {name: value for name in ("allowed", "taken", "doing") if (value := found.get(name)) not in (None, "")}
    )


# -- a look ----------------------------------------------------------------------------------------------------------


def guarded(limits: Limits, state: State, doing: Callable[[], str], asked: tuple[int, ...], look: Callable[[], int]) -> int:
    """What `look` answers. Raises StoppedItself when it took too much. `doing` says what it is at; `asked`: see `given_up`."""
    _gated()
    here.give_way(NICE)
    cpu = None if limits.cpu_seconds is None else int(limits.cpu_seconds * SLACK + GRACE)
    here.hold(int(limits.memory_mb * SLACK * MIB), cpu)
    _begin(state, asked)

    def note(found: dict[str, Any]) -> str:
        state.forget(LOOKING)  # it was not killed without a word
        return _note(state, found | {"at": time.time(), "doing": doing(), "asked": list(asked)})

    watch, whole = Watch(limits, note), True
    try:
        try:
            return look()
        finally:
            watch.armed = False
    except (Stopped, MemoryError):
        whole = False
        raise StoppedItself(watch.said or note({"limit": "memory", "allowed": limits.memory_mb})) from None
    finally:
        watch.end()
        if not whole:
            _end_commands()  # one may have begun as the look was broken off, and nobody waits for it any more
        state.forget(LOOKING)
        if whole:
            state.forget(FILE)
        _broken_off.clear()


def _begin(state: State, asked: tuple[int, ...]) -> None:
    """Leave the mark; that of a run before which was killed is told of here, because nobody else can."""
    boot = ""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    before = state.read(LOOKING) or {}
    times = before.get("times")
    times = times + 1 if isinstance(times, int) else 1
    if boot and before.get("boot") == boot:  # of another boot: the machine was switched off
        _note(state, {"limit": "killed", "at": before.get("at"), "times": times, "asked": before.get("asked")})
    else:
        times = 0
    state.try_keep(LOOKING, {"at": time.time(), "boot": boot, "times": times, "asked": list(asked)})

    def terminated(*_signal: object) -> None:
        """By whoever stops the service: that is no accident."""
        _broken_off.set()
        state.forget(LOOKING)
        _end_commands()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGTERM, terminated)


def _note(state: State, found: dict[str, Any]) -> str:
    state.try_keep(FILE, found | {"told": False})
    return _("this run was stopped: %s. Nothing is lost, and nothing half-looked was sent.") % in_words(found)


class Watch:
    """Measures until `end`, or until it has stopped the run."""

    def __init__(self, limits: Limits, note: Callable[[dict[str, Any]], str], every: float = EVERY, grace: float = GRACE) -> None:
        self._thread = threading.Thread(target=self._measure, name="limits", daemon=True)
        self._limits, self._note, self._every, self._grace = limits, note, every, grace
        self._began, self._over = time.monotonic(), threading.Event()
        self.armed = True
        """The main thread is in what may be stopped."""
        self.said = ""
        """Why it was stopped, in words."""
        here.on_interrupt(self._raise)
        self._thread.start()

    def _raise(self, *_signal: object) -> None:
        if self.armed:
            self.armed = False  # what cleans up is not broken off too
            raise Stopped

    def _measure(self) -> None:
        import psutil

        own = psutil.Process()
        while not self._over.wait(self._every):
            try:
                found = self.usage(own).over(self._limits)
            except MemoryError:  # the kernel was quicker
                found = {"limit": "memory", "allowed": self._limits.memory_mb}
            if found:
                self._stop(found)
                return

    def end(self) -> None:
        self._over.set()
        self._thread.join()

    def usage(self, own: psutil.Process) -> Usage:
        """So far, with the commands that run now and those that ended."""
        import psutil

        spent = os.times()
        cpu = spent.user + spent.system + spent.children_user + spent.children_system
        held = own.memory_info()
        memory = held.rss
        for child in _commands(own):
            with suppress(psutil.Error), child.oneshot():
                cpu += sum(child.cpu_times()[:4])
                taken = child.memory_info()
                # one of the same size is this process itself, about to become a command
                memory += taken.rss if taken.vms != held.vms else 0
        return Usage((time.monotonic() - self._began) / 60, cpu, memory / MIB)

    def _stop(self, found: dict[str, Any]) -> None:
        self.said = self._note(found)
        _broken_off.set()
        here.interrupt()
        until = time.monotonic() + self._grace
        while not self._over.is_set() and time.monotonic() < until:
            _end_commands()  # whoever waits for a command must not wait for ever
            self._over.wait(0.1)
        if not self._over.is_set():
            from agent.terminal import complain

            _end_commands()
            complain(self.said)
            os._exit(STOPPED)


def _commands(own: psutil.Process) -> list[psutil.Process]:
    import psutil

    try:
        return own.children(recursive=True)
    except (psutil.Error, OSError):
        return []


def _end_commands() -> None:
    """Those of this process, until two looks in a row find none: a process that is just beginning may stand on no list yet."""
    import psutil

    own, until, none = psutil.Process(), time.monotonic() + ENDING, 0
    while none < 2 and time.monotonic() < until:
        none += 1
        for child in _commands(own):
            with suppress(psutil.Error):
                if child.status() != psutil.STATUS_ZOMBIE:  # that one is gone, and whoever began it has not asked for it yet
                    child.kill()
                    none = 0
        time.sleep(0.01)


_broken_off = threading.Event()
"""A look is being ended: no further command begins, whichever thread would begin it, and whoever swallowed the first word."""


def _gate(event: str, _arguments: tuple[object, ...]) -> None:
    if event == "subprocess.Popen" and _broken_off.is_set():
        raise Stopped


@cache
def _gated() -> None:
    """Once in a process: what listens to the interpreter cannot be taken away again."""
    sys.addaudithook(_gate)
