"""What is done to parts: a small disk that is filled, another time of day, bytes of a file that turn."""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
from contextlib import suppress
from pathlib import Path

MIB = 1 << 20


class Disk:
    """A file system of its own, so large. Needs root."""

    def __init__(self, folder: Path, mib: float) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={int(mib * 1024)}k,mode=755", "tmpfs", folder], check=True)
        self._filling = folder / ".filling"

    def fill(self, leave: int = 0) -> None:
        """Until not a byte is left, or so many."""
        with self._filling.open("ab", buffering=0) as out:
            for size in (MIB, 4096):
                with suppress(OSError):
                    while shutil.disk_usage(self.folder).free >= size + leave:
                        if out.write(bytes(size)) != size:
                            break

    def free(self) -> None:
        self._filling.unlink(missing_ok=True)

    def remove(self) -> None:
        subprocess.run(["umount", "-l", self.folder], check=False)


class Clock:
    """The time of day of programs: clock.c, compiled here, stands before the C library's. The monotonic clock goes on."""

    def __init__(self, folder: Path) -> None:
        self.file, self.days = folder / "jumped", 0.0
        self.library = folder / "clock.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", self.library, Path(__file__).with_name("clock.c")], check=True)
        self.file.write_bytes(bytes(8))
        for path in (self.file, self.library):
            path.chmod(0o755)

    def set(self, days: float) -> None:
        """At once, in every program that goes by it."""
        self.days = days
        with self.file.open("r+b") as out:
            out.write(struct.pack("=q", round(days * 86400 * 1e9)))

    @property
    def environment(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self.library), "JUMPED": str(self.file)}


def flip(path: Path, chance: random.Random, within: slice = slice(None)) -> None:
    """One bit of one byte."""
    body = bytearray(path.read_bytes())
    place = chance.choice(range(len(body))[within])
    body[place] ^= 1 << chance.randrange(8)
    overwrite(path, bytes(body))


def truncate(path: Path, chance: random.Random) -> None:
    """Its end is missing."""
    overwrite(path, path.read_bytes()[: chance.randrange(1, max(2, path.stat().st_size - 1))])


def zero(path: Path, _chance: random.Random) -> None:
    """As long as it was, and nothing in it: what some file systems leave after a power cut."""
    overwrite(path, bytes(path.stat().st_size))


def overwrite(path: Path, body: bytes) -> None:
    """In place, as a disk does it: same file, owner and mode."""
    with path.open("r+b") as out:
        out.write(body)
        out.truncate(len(body))
        os.fsync(out.fileno())


HARMS = (flip, truncate, zero)
