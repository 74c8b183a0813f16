"""Where Windows differs from Linux for the agent itself; all else is the same on both.

Windows: written from documentation, it has not run there yet. Who may read the agent's files is decided there by the access lists
that deploy/windows/install-agent.ps1 sets: Python's file modes say nothing about it, so they are not asked.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

TYPE_CHECKING = False  # this is loaded by what must start fast
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import IO

    from collectors.transports.base import Shell

WINDOWS = sys.platform == "win32"
FLAGS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
"""For os.open: not inherited, and no line end turned into two letters."""


def folders(windows: bool = WINDOWS, environment: Mapping[str, str] = os.environ) -> tuple[Path, Path]:
    """(settings file, state folder) of this machine's own agent."""
    if windows:
        base = Path(environment.get("ProgramData") or r"C:\ProgramData") / "rasoat"
        return base / "agent.yaml", base / "state"
    return Path("/etc/rasoat/agent.yaml"), Path("/var/lib/rasoat")


def of_the_machine() -> bool:
    """Whether who runs this speaks for the whole machine."""
    return WINDOWS or os.geteuid() == 0


def open_to_others(mode: int, bits: int = 0o077) -> bool:
    """Whether the mode of a file of ours lets others at it."""
    return not WINDOWS and bool(mode & bits)


def own_shell() -> Shell:
    """How this machine is asked."""
    if WINDOWS:
        from collectors.transports.windows import LocalWindows

        return LocalWindows()
    from collectors.transports.local import LocalShell

    return LocalShell()


def lock(stream: IO[str]) -> None:
    """Wait until nobody else has this file locked; the lock goes with its process, however that ends."""
    if sys.platform == "win32":
        import msvcrt

        while True:
            try:
                msvcrt.locking(stream.fileno(), msvcrt.LK_LOCK, 1)
            except OSError:  # it gives up after ten seconds
                continue
            return
    else:
        import fcntl

        fcntl.flock(stream, fcntl.LOCK_EX)


def alive(pid: int) -> bool:
    """Whether such a process runs. On Windows os.kill would not ask but end it."""
    if WINDOWS:
        import psutil

        return psutil.pid_exists(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def give_way(nice: int) -> None:
    """Behind everybody who works on this machine: its processor, and its disks."""
    from contextlib import suppress

    import psutil

    own = psutil.Process()
    with suppress(OSError, psutil.Error):
        if sys.platform == "win32":
            own.nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
            own.ionice(psutil.IOPRIO_VERYLOW)
        else:
            if own.nice() < nice:
                own.nice(nice)
            own.ionice(psutil.IOPRIO_CLASS_IDLE)


def hold(memory: int, cpu_seconds: int | None) -> None:
    """Have the kernel hold this process and each it starts to that. Only downwards: what an administrator set stays. Not on Windows."""
    if sys.platform != "win32":
        import resource
        from contextlib import suppress

        for which, value in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_DATA, memory), (resource.RLIMIT_CPU, cpu_seconds)):
            soft, hard = resource.getrlimit(which)
            if value is not None and (soft == resource.RLIM_INFINITY or soft > value):
                with suppress(OSError, ValueError):
                    resource.setrlimit(which, (value, hard))


def on_interrupt(handler: Callable[..., None]) -> None:
    """What the main thread runs when another one calls `interrupt`."""
    import signal

    if sys.platform == "win32":
        signal.signal(signal.SIGBREAK, handler)
    else:
        signal.signal(signal.SIGUSR1, handler)


def interrupt() -> None:
    """Break off what the main thread does; on Windows as soon as the call it is in comes back."""
    import signal

    if sys.platform == "win32":
        import _thread

        _thread.interrupt_main(signal.SIGBREAK)
    else:
        import threading

        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
