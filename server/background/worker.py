"""The processes that do the jobs: `rasoat server worker`, and the one that `rasoat server run` keeps beside it."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, connections

from server.assess import watch
from server.background import delivery, keeper, run

log = logging.getLogger(__name__)

ENDING_SECONDS = 15.0
BREATH_SECONDS = 2.0
NICER = 5
"""People and agents wait for an answer; nobody waits for a job."""


def lock_file() -> Path:
    return Path(settings.DATA.root) / "worker.lock"


def lock() -> int | None:
    """The right to be the only worker on this data directory, as an open file that a child may inherit; None: another has it."""
    handle = os.open(lock_file(), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def work() -> None:
    """Do jobs until SIGTERM. On SQLite the lock says that nobody else does, so a job that is running has lost its worker."""
    alone = connection.vendor == "sqlite"
    with contextlib.suppress(OSError):
        os.nice(NICER)
    while alone:
        try:
            keeper.look(alone=True)
            break
        except (DatabaseError, InterfaceError) as error:
            log.warning("the database does not take it, trying again: %s", error)
            connections.close_all()
            time.sleep(BREATH_SECONDS)
    following, watching = watch.Watch(), keeper.Keeper(alone)
    following.start()
    watching.start()
    try:
        delivery.take(run.worker_name())
    finally:
        watching.end()
        following.end()
        connections.close_all()


def follow_parent() -> None:
    """End when whoever started this process ends, however it ends: its end of our standard input closes then."""

    def watch() -> None:
        sys.stdin.buffer.read()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()


class Child:
    """A worker in a process of its own, started again when it dies."""

    def __init__(self, lock_handle: int | None = None) -> None:
        self._lock = lock_handle
        self._process: subprocess.Popen[bytes] | None = None
        self._not_before = 0.0

    def ensure(self) -> None:
        """It runs. One that ended is started anew, but not without a breath."""
        if self._process is not None and self._process.poll() is None:
            return
        if self._process is not None:
            log.warning("a worker ended with %s", self._process.returncode)
            self._close()
            self._not_before = time.monotonic() + BREATH_SECONDS
        if time.monotonic() >= self._not_before:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "server.cli", "worker", "--child"],
                stdin=subprocess.PIPE,
                pass_fds=[] if self._lock is None else [self._lock],
                env={**os.environ, "RASOAT_DATA": str(settings.DATA.root)},
            )

    def ask_to_end(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()

    def end(self) -> None:
        """Let it come to the end of its slice; not for ever, as it continues there anyway."""
        if self._process is None:
            return
        self.ask_to_end()
        try:
            self._process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._close()

    def _close(self) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process = None


def several(count: int) -> None:
    """So many workers, until SIGTERM."""
    over = threading.Event()

    def stop(signum: int, frame: FrameType | None) -> None:
        over.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    children = [Child() for _ in range(count)]
    while not over.is_set():
        for child in children:
            child.ensure()
        over.wait(0.5)
    for child in children:
        child.ask_to_end()
    for child in children:
        child.end()


class Guardian(threading.Thread):
    """In each web process: whoever gets the lock keeps the one worker of this data directory alive."""

    def __init__(self) -> None:
        super().__init__(name="guardian", daemon=True)
        self._over = threading.Event()
        self._child: Child | None = None

    def run(self) -> None:
        handle = None
        while handle is None and not self._over.is_set():
            handle = lock()
            if handle is None:
                self._over.wait(BREATH_SECONDS)
        if handle is None:
            return
        child = Child(handle)
        while not self._over.is_set():
            child.ensure()
            self._over.wait(0.5)
        child.end()
        os.close(handle)

    def end(self) -> None:
        self._over.set()
        self.join(ENDING_SECONDS + 5)


def in_server() -> bool:
    """Whether `server run` does the jobs too: on SQLite, where nobody else can; on PostgreSQL only if settings.toml says so."""
    wish = settings.CONFIG.background_work
    return wish == "on" or (wish == "auto" and connection.vendor == "sqlite")
