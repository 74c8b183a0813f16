"""This machine, and a Linux system unpacked or mounted under a directory."""

from __future__ import annotations

import glob
import os
import shutil
import stat as stat_bits
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from collectors.errors import CollectError, Denied, Unparsable, Unreachable, Unsupported
from collectors.transports.base import MAX_BYTES, TIMEOUT, Answer, Stat
from collectors.transports.deb822 import stanzas_of

SEARCH = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")
ENVIRONMENT = {"PATH": ":".join(SEARCH), "LC_ALL": "C"}
"""Nothing else is inherited: LANGUAGE=vi would translate answers even under LC_ALL=C.UTF-8."""


class _Files:
    """The part of Shell that needs files only."""

    def __init__(self, root: str = "/") -> None:
        self._root = root.rstrip("/")

    @property
    def privileged(self) -> bool:
        return os.geteuid() == 0

    def read(self, path: str, *, root: bool = False) -> str | None:
        try:
            with Path(self._inside(path)).open("rb") as stream:
                raw = stream.read(MAX_BYTES + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except IsADirectoryError:
            raise Unparsable(f"{path}: a directory stands where a file was expected") from None
        except OSError as error:
            raise _failed(path, error) from None
        if len(raw) > MAX_BYTES:
            raise Unparsable(f"{path}: larger than {MAX_BYTES >> 20} MiB")
        return raw.decode("utf-8", "replace")

    def read_all(self, *patterns: str, root: bool = False) -> Mapping[str, str]:
        texts = {}
        for pattern in patterns:
            for path in self.names(pattern):
                if not Path(self._inside(path)).is_file():
                    continue
                text = self.read(path)
                if text is not None:
                    texts[path] = text
        return texts

    def names(self, pattern: str, *, root: bool = False) -> tuple[str, ...]:
        found = glob.glob(self._root + pattern)
        if not found:
            self._listable(pattern)
        return tuple(sorted(path[len(self._root) :] for path in found))

    def stat(self, path: str, *, root: bool = False) -> Stat | None:
        try:
            found = os.stat(self._inside(path))  # noqa: PTH116  (Path.stat is this with more steps)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _failed(path, error) from None
        mode = found.st_mode
        return Stat(stat_bits.S_IMODE(mode), found.st_uid, found.st_gid, found.st_size, found.st_mtime, stat_bits.S_ISDIR(mode))

    def link(self, path: str) -> str | None:
        try:
            return os.readlink(self._inside(path, last=False))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            if error.errno == 22:  # EINVAL: not a link
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
            if (parts or last) and Path(self._root + here).is_symlink():
                target = os.readlink(self._root + here)
                parts = [piece for piece in target.split("/") if piece not in ("", ".")] + parts
                if target.startswith("/"):
                    done = ""
                continue
            done = here
        raise Unparsable(f"{path}: symbolic links go round in a circle")

    def _listable(self, pattern: str) -> None:
        """glob answers () for a directory it may not list; we must not."""
        parent = Path(self._inside(pattern.split("*")[0].split("?")[0].split("[")[0].rpartition("/")[0] or "/"))
        try:
            if parent.is_dir():
                with os.scandir(parent):
                    pass
        except OSError as error:
            raise _failed(str(parent)[len(self._root) :], error) from None


class LocalShell(_Files):
    """This machine, asked as the user who runs rasoat. Never asks sudo."""

    def run(self, *argv: str, root: bool = False, timeout: float = TIMEOUT) -> Answer:
        program = shutil.which(argv[0], path=ENVIRONMENT["PATH"])
        if program is None:
            return Answer(argv, 127, "", f"{argv[0]}: not found")
        try:
            done = subprocess.run(
                [program, *argv[1:]], stdin=subprocess.DEVNULL, capture_output=True, env=ENVIRONMENT, timeout=timeout, check=False, cwd="/"
            )
        except subprocess.TimeoutExpired:
            raise Unreachable(f"{argv[0]}: no answer within {timeout:g} s") from None
        except OSError as error:
            raise _failed(program, error) from None
        if len(done.stdout) > MAX_BYTES:
            raise Unparsable(f"{argv[0]}: answered more than {MAX_BYTES >> 20} MiB")
        return Answer(argv, done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))


class RootShell(_Files):
    """A system unpacked or mounted under a directory: its files, and no running thing."""

    def __init__(self, root: str) -> None:
        if not Path(root).is_dir():
            raise Unreachable(f"{root}: no such directory")
        super().__init__(str(Path(root).resolve()))

    def run(self, *argv: str, root: bool = False, timeout: float = TIMEOUT) -> Answer:
        raise Unsupported(f"{argv[0]}: only the files of an unpacked system are seen, nothing runs in it")


def _failed(path: str, error: OSError) -> CollectError:
    if isinstance(error, PermissionError):
        return Denied(f"{path}: permission denied; run as root to see it")
    return Unparsable(f"{path}: {error.strerror}")
