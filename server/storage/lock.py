"""One collector for one SQLite file. PostgreSQL serves several, on several machines, and needs no lock."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.utils.translation import gettext as _

from server.config import Config, ConfigError, Data


@contextmanager
def alone(data: Data, config: Config) -> Iterator[None]:
    """As long as it lasts no other process of this machine comes this far. Raises ConfigError, which names who is there.

    The lock is the process's own: it ends with it, however that ends, and children do not keep it.
    """
    if config.database:
        yield
        return
    handle = os.open(data.root / "run.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = os.read(handle, 20).decode("ascii", "replace").strip() or "?"
            message = _("%(file)s is in use by another collector (process %(pid)s); SQLite serves one, PostgreSQL several")
            raise ConfigError(message % {"file": data.database, "pid": other}) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        os.register_at_fork(after_in_child=lambda: _let_go(handle))
        yield
    finally:
        _let_go(handle)  # a fork that ends comes by here too, and has closed it long ago


def _let_go(handle: int) -> None:
    """A fork shares the lock: a worker that outlives its killed master would keep it."""
    with suppress(OSError):
        if Path(f"/proc/self/fd/{handle}").readlink().name == "run.lock":
            os.close(handle)
