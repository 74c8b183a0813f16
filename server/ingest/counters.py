"""What the gate counted (admission.py), of all processes of this machine together, for /metrics.

Each process has one small file in the data directory, mapped into memory, so that counting costs no lock and no write to the
database. What a process that ended had counted is added to the file `past`: a counter never goes back.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import NamedTuple

_FORM = struct.Struct("<qqdq")
_lock = Lock()


class Counts(NamedTuple):
    """Since the collector was set up, but for `inside`, which is now."""

    taken: int = 0
    away: int = 0
    seconds: float = 0.0
    inside: int = 0

    def plus(self, other: Counts) -> Counts:
        return Counts(*(a + b for a, b in zip(self, other, strict=True)))  # type: ignore[arg-type]


class _Own:
    """The file of this process; made again after a fork."""

    pid = 0
    map: mmap.mmap | None = None
    counts = Counts()


def note_taken(seconds: float) -> None:
    _note(lambda c: c._replace(taken=c.taken + 1, seconds=c.seconds + seconds))


def note_away() -> None:
    _note(lambda c: c._replace(away=c.away + 1))


def note_inside(count: int) -> None:
    _note(lambda c: c._replace(inside=count))


def total(folder: Path | None = None) -> Counts:
    """Of all processes, living and past."""
    found = Counts()
    for path in _files(folder or _folder()):
        counts = _read(path)
        found = found.plus(counts if path.name == "past" or _alive(path) else counts._replace(inside=0))
    return found


def _note(change: Callable[[Counts], Counts]) -> None:
    with _lock:
        if _Own.pid != os.getpid():
            _begin()
        _Own.counts = change(_Own.counts)
        if _Own.map is not None:
            _Own.map[: _FORM.size] = _FORM.pack(*_Own.counts)


def _begin() -> None:
    """Nothing here may stop an upload: without its file a process counts for itself."""
    _Own.pid, _Own.map, _Own.counts = os.getpid(), None, Counts()
    with suppress(OSError):
        folder = _folder()
        if not (folder.parent / "secret.key").is_file():  # no collector was set up here
            return
        folder.mkdir(mode=0o700, exist_ok=True)
        with _alone(folder):
            _gather(folder)
        handle = os.open(folder / str(os.getpid()), os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            # its place on the disk is taken now: a page of a hole in a full disk would end the process when it is counted on
            os.posix_fallocate(handle, 0, _FORM.size)
            _Own.map = mmap.mmap(handle, _FORM.size)
        finally:
            os.close(handle)


def _gather(folder: Path) -> None:
    """Add what dead processes counted to `past`."""
    past, gone = _read(folder / "past"), []
    for path in _files(folder):
        if path.name != "past" and (not _alive(path) or path.name == str(os.getpid())):
            past = past.plus(_read(path)._replace(inside=0))
            gone.append(path)
    if gone:
        beside = folder / ".past"
        beside.write_bytes(_FORM.pack(*past))
        beside.replace(folder / "past")
        for path in gone:
            path.unlink(missing_ok=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _files(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.name == "past" or path.name.isdecimal()]
    except OSError:
        return []


def _read(path: Path) -> Counts:
    try:
        return Counts(*_FORM.unpack(path.read_bytes()))
    except (OSError, struct.error):
        return Counts()


def _alive(path: Path) -> bool:
    try:
        os.kill(int(path.name), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _folder() -> Path:
    from django.conf import settings

    root: Path = settings.DATA.root
    return root / "counters"
