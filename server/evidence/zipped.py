"""A ZIP written a member at a time, as baselines/evidence/archive.py will read it, with the digest of each member."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO

from baselines.evidence import archive, form
from server.evidence.guard import Guard

_TIME = (1980, 1, 1, 0, 0, 0)
"""Of every member: when a bundle was made stands in its manifest, and equal contents give equal bytes."""
LEVEL = 6


class Full(ValueError):
    """More than whoever checks a bundle would read. The message is the member at which it became too much."""


class Zipped:
    """An open bundle."""

    def __init__(self, out: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, allowZip64=False, compresslevel=LEVEL)
        self._guard = Guard()
        self.members: dict[str, tuple[int, str]] = {}
        """Name -> size and sha256."""
        self._size = 0

    def add(self, name: str, content: bytes) -> None:
        """A small one. Raises Secret, Full."""
        self.stream(name, (content,))

    def lines(self, name: str, documents: Iterable[object]) -> int:
        """JSON, one document a line; how many."""
        count = 0

        def each() -> Iterator[bytes]:
            nonlocal count
            for document in documents:
                count += 1
                yield form.dumps(document)

        self.stream(name, each())
        return count

    def stream(self, name: str, parts: Iterable[bytes]) -> None:
        """Raises Secret, Full."""
        if not form.NAME.fullmatch(name) or name in self.members:
            raise ValueError(name)
        info = zipfile.ZipInfo(name, _TIME)
        info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o100644 << 16
        if len(self.members) >= archive.MOST_MEMBERS:
            raise Full(name)
        total, size, before = hashlib.sha256(), 0, b""
        with _small(name), self._zip.open(info, "w") as out:
            for part in parts:
                before = self._guard.look(name, part, before)
                total.update(part)
                size += len(part)
                if size > archive.MAX_MEMBER or self._size + size > archive.MAX_ALL:
                    raise Full(name)
                out.write(part)
        self._size += size
        self.members[name] = (size, total.hexdigest())

    def close(self) -> None:
        """Raises Full."""
        with _small("directory"):
            self._zip.close()


@contextmanager
def _small(member: str) -> Iterator[None]:
    """Within it, whatever needs 64-bit extensions is refused."""
    try:
        yield
    except zipfile.LargeZipFile:
        raise Full(member) from None


@contextmanager
def zipped(out: IO[bytes]) -> Iterator[Zipped]:
    """Closed at the end, and whole only then."""
    found = Zipped(out)
    try:
        yield found
    finally:
        found.close()
