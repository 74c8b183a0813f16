"""This machine, and a Linux system unpacked or mounted under a directory."""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import os
import re
import selectors
import shutil
import signal
import stat as stat_bits
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from collectors.errors import CollectError, Denied, Unparsable, Unreachable, Unsupported
from collectors.transports.base import MAX_BYTES, TIMEOUT, Answer, Stat, System
from collectors.transports.deb822 import stanzas_of

SEARCH = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")
ENVIRONMENT = {"PATH": ":".join(SEARCH), "LC_ALL": "C"}
"""Nothing else is inherited: LANGUAGE=vi would translate answers even under LC_ALL=C.UTF-8."""

# ESRCH: a process that ended between the listing of /proc and the reading of its file
_ABSENT = (FileNotFoundError, NotADirectoryError, ProcessLookupError)
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)
_MAGIC = re.compile(r"[*?\[]")


class _Files:
    """The part of Shell that needs files only."""

    def __init__(self, root: str = "/") -> None:
        self._root = root.rstrip("/")

    @property
    def privileged(self) -> bool:
        return os.geteuid() == 0

    @property
    def system(self) -> System:
        return "posix"

    def run_script(self, name: str, *, timeout: float) -> str:
        raise Unsupported(f"{name}: there is no PowerShell to ask on this system")

    def read(self, path: str, *, root: bool = False) -> str | None:
        try:
            # O_NONBLOCK: opening a named pipe would wait for a writer for ever
            descriptor = os.open(self._inside(path), os.O_RDONLY | os.O_CLOEXEC | _NONBLOCK)
            try:
                found = os.fstat(descriptor)
                if not stat_bits.S_ISREG(found.st_mode):
                    return _special(path, found)
                with os.fdopen(descriptor, "rb", closefd=False) as stream:
                    raw = b"".join(_pieces(stream, MAX_BYTES + 1))
            finally:
                os.close(descriptor)
        except _ABSENT:
            return None
        except OSError as error:
            raise _failed(path, error) from None
        if len(raw) > MAX_BYTES:
            raise Unparsable(f"{path}: larger than {MAX_BYTES >> 20} MiB")
        return raw.decode("utf-8", "replace")

    def read_all(self, *patterns: str, root: bool = False) -> Mapping[str, str]:
        texts = {}
        for pattern in patterns:
            for path in self.names(pattern):
                if not self._regular(path):
                    continue
                text = self.read(path)
                if text is not None:
                    texts[path] = text
        return texts

    def names(self, pattern: str, *, root: bool = False) -> tuple[str, ...]:
        return tuple(sorted(self._matching("", [part for part in pattern.split("/") if part])))

    def stat(self, path: str, *, root: bool = False) -> Stat | None:
        try:
            found = os.stat(self._inside(path))  # noqa: PTH116  (Path.stat is this with more steps)
        except _ABSENT:
            return None
        except OSError as error:
            raise _failed(path, error) from None
        mode = found.st_mode
        # whole seconds: every stat(1) can tell them, so every transport gives the same fact
        mtime = float(int(found.st_mtime))
        return Stat(stat_bits.S_IMODE(mode), found.st_uid, found.st_gid, found.st_size, mtime, stat_bits.S_ISDIR(mode))

    def link(self, path: str) -> str | None:
        try:
            return os.readlink(self._inside(path, last=False))  # noqa: PTH115  (Path would tidy the text)
        except _ABSENT:
            return None
        except OSError as error:
            if error.errno == errno.EINVAL:  # not a link
                return None
            raise _failed(path, error) from None

    def stanzas(self, pattern: str, wanted: frozenset[str], fields: tuple[str, ...]) -> Iterator[tuple[str, Mapping[str, str]]]:
        for path in self.names(pattern):
            yield from stanzas_of(Path(self._inside(path)), path, wanted, fields)

    def _inside(self, path: str, last: bool = True) -> str:
        """The real path. Links of an unpacked root are followed within it, never out into this machine."""
        if not self._root:
            return path
        done = ""
        parts = [part for part in path.split("/") if part not in ("", ".")]
        for _ in range(200):
            if not parts:
                return self._root + (done or "/")
            part = parts.pop(0)
            if part == "..":
                done = done.rpartition("/")[0]
                continue
            here = f"{done}/{part}"
            target = _target(self._root + here) if parts or last else None
            if target is not None:
                parts = [piece for piece in target.split("/") if piece not in ("", ".")] + parts
                if target.startswith("/"):
                    done = ""
                continue
            done = here
        raise Unparsable(f"{path}: symbolic links go round in a circle")

    def _matching(self, done: str, parts: list[str]) -> Iterator[str]:
        """The paths under `done` that match. Python's glob would pass over what may not be listed; we must not."""
        if not parts:
            yield done or "/"
            return
        if not _MAGIC.search(parts[0]):
            plain = next((at for at, part in enumerate(parts) if _MAGIC.search(part)), len(parts))
            here = f"{done}/{'/'.join(parts[:plain])}"
            if plain < len(parts):
                yield from self._matching(here, parts[plain:])
            elif self._exists(here):
                yield here
            return
        fits = re.compile(fnmatch.translate(parts[0])).match
        try:
            with os.scandir(self._inside(done or "/")) as listing:
                # sorted: of two places that may not be seen, every transport names the same one
                found = sorted((entry.name for entry in listing), key=os.fsencode)
        except _ABSENT:
            return
        except OSError as error:
            raise _failed(done or "/", error) from None
        for name in found:
            if fits(name) and (parts[0].startswith(".") or not name.startswith(".")):
                yield from self._matching(f"{done}/{name}", parts[1:])

    def _exists(self, path: str) -> bool:
        try:
            os.lstat(self._inside(path, last=False))
        except _ABSENT:
            return False
        except OSError as error:
            raise _failed(path, error) from None
        return True

    def _regular(self, path: str) -> bool:
        try:
            return stat_bits.S_ISREG(os.stat(self._inside(path)).st_mode)  # noqa: PTH116
        except _ABSENT:
            return False
        except OSError as error:
            raise _failed(path, error) from None


class LocalShell(_Files):
    """This machine, asked as the user who runs rasoat. Never asks sudo."""

    def run(self, *argv: str, root: bool = False, timeout: float = TIMEOUT) -> Answer:
        program = shutil.which(argv[0], path=ENVIRONMENT["PATH"])
        if program is None:
            if any(self._regular(f"{folder}/{argv[0]}") for folder in SEARCH):
                raise Denied(f"{argv[0]}: permission denied; run as root to see it")
            return Answer(argv, 127, "", f"{argv[0]}: not found")
        try:
            status, out, err = _spoken(program, argv, timeout)
        except subprocess.TimeoutExpired:
            raise Unreachable(f"{argv[0]}: no answer within {timeout:g} s") from None
        except OSError as error:
            raise _failed(program, error) from None
        if len(out) + len(err) > MAX_BYTES:
            raise Unparsable(f"{argv[0]}: answered more than {MAX_BYTES >> 20} MiB")
        return Answer(argv, status, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))


def _spoken(program: str, argv: tuple[str, ...], timeout: float) -> tuple[int, bytes, bytes]:
    """(status, out, err), reading no more than a little over MAX_BYTES: a program that never stops must not fill memory.

    Raises TimeoutExpired. The program's whole process group is ended with it.
    """
    until = time.monotonic() + timeout
    with (
        subprocess.Popen(
            argv,
            executable=program,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        ) as process,
        selectors.DefaultSelector() as selector,
    ):
        assert process.stdout is not None
        assert process.stderr is not None
        parts: dict[int, list[bytes]] = {}
        for stream in (process.stdout, process.stderr):
            selector.register(stream, selectors.EVENT_READ)
            parts[stream.fileno()] = []
        out, err = parts.values()
        held = 0
        try:
            while selector.get_map() and held <= MAX_BYTES:
                for key, _ in selector.select(max(0.0, until - time.monotonic())):
                    piece = os.read(key.fd, 1 << 16)
                    held += len(piece)
                    parts[key.fd].append(piece)
                    if not piece:
                        selector.unregister(key.fileobj)
                if time.monotonic() >= until:
                    raise subprocess.TimeoutExpired(argv, timeout)
            if held > MAX_BYTES:
                return _ended(process), b"".join(out), b"".join(err)
            return process.wait(max(0.0, until - time.monotonic())), b"".join(out), b"".join(err)
        except subprocess.TimeoutExpired:
            _ended(process)
            raise


def _ended(process: subprocess.Popen[bytes]) -> int:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


class RootShell(_Files):
    """A system unpacked or mounted under a directory: its files, and no running thing."""

    def __init__(self, root: str) -> None:
        try:
            found = os.stat(root)  # noqa: PTH116
        except OSError as error:
            # also one that may not be seen: it is not one that is not there
            why = "no such directory" if isinstance(error, _ABSENT) else error.strerror
            raise Unreachable(f"{root}: {why}") from None
        if not stat_bits.S_ISDIR(found.st_mode):
            raise Unreachable(f"{root}: no such directory")
        super().__init__(str(Path(root).resolve()))

    def run(self, *argv: str, root: bool = False, timeout: float = TIMEOUT) -> Answer:
        raise Unsupported(f"{argv[0]}: only the files of an unpacked system are seen, nothing runs in it")


def _target(path: str) -> str | None:
    """Where the link points; None: no link, or nothing there.

    Raises PermissionError where that may not be seen. Path.is_symlink, is_file and is_dir say no there from Python 3.14 on.
    """
    try:
        return os.readlink(path)  # noqa: PTH115  (Path would tidy the text)
    except _ABSENT:
        return None
    except OSError as error:
        if error.errno == errno.EINVAL:
            return None
        raise


def _pieces(stream: IO[bytes], most: int) -> Iterator[bytes]:
    # files under /proc/sys refuse a read of several MiB with ENOMEM: the kernel sets up a buffer as large as was asked for
    while most > 0 and (piece := stream.read(min(1 << 20, most))):
        yield piece
        most -= len(piece)


def _special(path: str, found: os.stat_result) -> str:
    if stat_bits.S_ISDIR(found.st_mode):
        raise Unparsable(f"{path}: a directory stands where a file was expected")
    if stat_bits.S_ISCHR(found.st_mode) and found.st_rdev == os.makedev(1, 3):
        return ""  # /dev/null: how a unit or a setting is masked
    raise Unparsable(f"{path}: neither a file nor a directory")


def _failed(path: str, error: OSError) -> CollectError:
    if isinstance(error, PermissionError):
        return Denied(f"{path}: permission denied; run as root to see it")
    return Unparsable(f"{path}: {error.strerror}")
