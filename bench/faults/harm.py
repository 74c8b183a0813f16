"""What is done to parts: a small disk that is filled, another time of day, bytes of a file that turn."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
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
    """The time of day of a program, by libfaketime; the monotonic clock goes on, as it does when somebody sets a clock."""

    def __init__(self, folder: Path) -> None:
        self.file, self.days = folder / "offset", 0.0
        self.set(0)

    def set(self, days: float) -> None:
        self.days = days
        beside = self.file.with_suffix(".new")
        beside.write_text(f"{days:+g}d\n")
        beside.chmod(0o644)
        beside.replace(self.file)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1",
        }  # fmt: skip


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
