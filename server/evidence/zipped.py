"""A ZIP written a member at a time, as baselines/evidence/archive.py will read it, with the digest of each member."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO

from baselines.evidence import form
from server.evidence.guard import Guard

_TIME = (1980, 1, 1, 0, 0, 0)
"""Of every member: when a bundle was made stands in its manifest, and equal contents give equal bytes."""
LEVEL = 6


class Zipped:
    """An open bundle."""

    def __init__(self, out: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL)
        self._guard = Guard()
        self.members: dict[str, tuple[int, str]] = {}
        """Name -> size and sha256."""

    def add(self, name: str, content: bytes) -> None:
        """A small one. Raises Secret."""
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
        """Raises Secret."""
        if not form.NAME.fullmatch(name) or name in self.members:
            raise ValueError(name)
        info = zipfile.ZipInfo(name, _TIME)
        info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o100644 << 16
        total, size, before = hashlib.sha256(), 0, b""
        with self._zip.open(info, "w") as out:
            for part in parts:
                before = self._guard.look(name, part, before)
                total.update(part)
                size += len(part)
                out.write(part)
        self.members[name] = (size, total.hexdigest())

    def close(self) -> None:
        self._zip.close()


@contextmanager
def zipped(out: IO[bytes]) -> Iterator[Zipped]:
    """Closed at the end, and whole only then."""
    found = Zipped(out)
    try:
        yield found
    finally:
        found.close()
