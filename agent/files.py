"""Writing a file so that a crash or a full disk leaves either the old one or the new one, never a half."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from pathlib import Path

from agent import here
from agent.language import _

_TEMPORARY = re.compile(r"^\.(?P<pid>\d+)~.+$")
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the operating system says when there is no more room: disk, quota, file-size limit."""


def write(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write beside, fsync, rename, fsync the directory. Raises OSError; then nothing of the attempt is left."""
    beside = path.with_name(f".{os.getpid()}~{path.name}")
    handle = -1
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | here.FLAGS, mode)
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        os.fsync(handle)
        os.close(handle)
        handle = -1
        beside.replace(path)
    except BaseException:
        if handle >= 0:
            with contextlib.suppress(OSError):
                os.close(handle)
        beside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def append(path: Path, line: bytes) -> None:
    """Add one whole line to a journal, on disk before this returns."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | here.FLAGS, 0o600)
    try:
        size = os.fstat(handle).st_size
        if os.write(handle, line) != len(line):
            os.ftruncate(handle, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """A rename is safe from a power cut only once its directory is on disk. Windows opens no directory, and keeps a journal of renames."""
    if here.WINDOWS:
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def private_folder(path: Path) -> Path:
    """The folder, made 0700 if it was not there. Raises PermissionError when others may write in it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.stat()
    if not here.WINDOWS and (found.st_uid not in (os.geteuid(), 0) or found.st_mode & 0o022):
        raise PermissionError(errno.EACCES, _("others may write in it"), str(path))
    return path


def sweep(folder: Path) -> None:
    """Remove what writers that died (kill -9, power cut) left beside their files."""
    for entry in folder.iterdir() if folder.is_dir() else ():
        found = _TEMPORARY.match(entry.name)
        if found and not here.alive(int(found["pid"])):
            entry.unlink(missing_ok=True)
