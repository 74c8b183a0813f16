"""A file of a feed, read as a stream, and how a mistake in it is told: by its place."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import re
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, cast

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

DOCUMENT_MAX: Final = 64 * 2**20
"""Bytes of one document inside an archive, unpacked."""
UNPACKED_MAX: Final = 16 * 2**30
CVE: Final = re.compile(r"CVE-\d{4}-\d{4,}", re.ASCII)
_BROKEN: Final = (EOFError, zlib.error, lzma.LZMAError, zstd.ZstdError, zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile)


class Malformed(ValueError):
    """The file is not what its kind says. The message names file, place and reason; nothing of the file is used."""


@dataclass
class Source:
    """One file as published, what was said of it when it was signed, and what was counted while it was read."""

    path: Path
    name: str = ""
    given: dict[str, str] = field(default_factory=dict)
    """`number`, `dated`, `issuer`, `title` of a list or letter; `columns` of a table."""
    records: int = 0
    left_out: int = 0
    data_date: date | None = None
    """As the file itself says it, once it was read so far."""
    raw: IO[bytes] | None = None

    def __post_init__(self) -> None:
        self.name = self.name or self.path.name

    def malformed(self, place: object, why: object) -> Malformed:
        said = " ".join(str(why).split())[:200]
        return Malformed(f"{self.name}: {place}: {said}")

    def read_so_far(self) -> int:
        """Bytes of the file as it lies there."""
        return 0 if self.raw is None or self.raw.closed else self.raw.tell()

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Its bytes, unpacked where the name says that they are packed. Raises Malformed where they cannot be."""
        with self.path.open("rb") as raw:
            self.raw = raw
            try:
                yield cast(BinaryIO, _Bounded(_unpacked(raw, self.name), self))
            except _BROKEN as error:
                raise self.malformed(f"byte {raw.tell()}", f"cut off or damaged ({error})") from None

    @contextmanager
    def text(self) -> Iterator[Iterator[str]]:
        """Its lines, UTF-8 with or without a mark."""
        with self.opened() as stream:
            reader = io.TextIOWrapper(cast(Any, stream), encoding="utf-8-sig", newline="")
            try:
                yield reader
            except UnicodeDecodeError as error:
                raise self.malformed(f"record {self.records + 1}", f"is not UTF-8: {error.reason}") from None
            finally:
                reader.detach()

    def documents(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """(place, document) of each JSON object in it: an archive, one object a line, a list, or a single one."""
        stem = re.sub(r"\.(gz|xz|zst|bz2)$", "", self.name)
        if stem.endswith(".zip"):
            yield from self._zipped()
        elif stem.endswith((".tar", ".tgz")):
            yield from self._tarred()
        elif stem.endswith(".jsonl"):
            with self.opened() as stream:
                for number, line in enumerate(iter(lambda: stream.readline(DOCUMENT_MAX + 1), b""), 1):
                    if line.strip():
                        yield self._document(f"line {number}", line)
        else:
            yield from self._whole()

    def _zipped(self) -> Iterator[tuple[str, dict[str, Any]]]:
        with self.path.open("rb") as raw:
            self.raw = raw
            try:
                with zipfile.ZipFile(raw) as archive:
                    for info in archive.infolist():
                        if info.filename.endswith(".json"):
                            with archive.open(info) as stream:
                                yield self._document(info.filename, stream.read(DOCUMENT_MAX + 1))
            except (*_BROKEN, OSError, NotImplementedError, RuntimeError, UnicodeDecodeError) as error:
                raise self.malformed(f"document {self.records + 1}", f"cut off or damaged ({error})") from None

    def _tarred(self) -> Iterator[tuple[str, dict[str, Any]]]:
        with self.opened() as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                if member.isfile() and member.name.endswith(".json"):
                    inside = archive.extractfile(member)
                    assert inside is not None
                    yield self._document(member.name, inside.read(DOCUMENT_MAX + 1))

    def _whole(self) -> Iterator[tuple[str, dict[str, Any]]]:
        with self.opened() as stream:
            text = stream.read(DOCUMENT_MAX + 1)
        if text.lstrip()[:1] != b"[":
            yield self._document("document 1", text)
            return
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise self.malformed(f"byte {getattr(error, 'pos', 0)}", f"no JSON: {error}") from None
        for number, one in enumerate(found, 1):
            if not isinstance(one, dict):
                raise self.malformed(f"document {number}", "is no object")
            yield f"document {number}", one

    def _document(self, place: str, text: bytes) -> tuple[str, dict[str, Any]]:
        if len(text) > DOCUMENT_MAX:
            raise self.malformed(place, f"more than {DOCUMENT_MAX} bytes")
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise self.malformed(place, f"no JSON: {error}") from None
        if not isinstance(found, dict):
            raise self.malformed(place, "is no object")
        return place, found

    def day(self, place: object, text: object) -> date:
        """A day, also of a moment: 2026-11-29T08:00:00Z."""
        if isinstance(text, date):
            return text
        try:
            return datetime.fromisoformat(str(text).strip()[:10]).date()
        except ValueError:
            raise self.malformed(place, f"no day: {text!r}") from None

    def mapping(self, place: object, found: object) -> dict[str, Any]:
        if not isinstance(found, dict):
            raise self.malformed(place, "an object was expected")
        return found

    def listing(self, place: object, found: object) -> list[Any]:
        """A list; what is not there is empty."""
        if found is None:
            return []
        if not isinstance(found, list):
            raise self.malformed(place, "a list was expected")
        return found

    def word(self, place: object, found: object, what: str) -> str:
        """A text that must be there."""
        if not isinstance(found, str) or not found.strip():
            raise self.malformed(place, f"no {what}")
        return found.strip()


class _Bounded(io.RawIOBase):
    """No more is unpacked than any feed can be: a small file must not become endless."""

    def __init__(self, stream: IO[bytes], source: Source) -> None:
        self._stream, self._source, self._left = stream, source, UNPACKED_MAX

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        return self._counted(self._stream.read(-1 if size is None else size))

    def readline(self, size: int | None = -1) -> bytes:
        return self._counted(self._stream.readline(-1 if size is None else size))

    def readinto(self, buffer: Any) -> int:
        found = self.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def _counted(self, found: bytes) -> bytes:
        self._left -= len(found)
        if self._left < 0:
            raise self._source.malformed(f"byte {self._source.read_so_far()}", f"unpacks to more than {UNPACKED_MAX} bytes")
        return found


def _unpacked(raw: BinaryIO, name: str) -> IO[bytes]:
    if name.endswith((".gz", ".tgz")):
        return cast(IO[bytes], gzip.GzipFile(fileobj=raw))
    if name.endswith(".xz"):
        return lzma.LZMAFile(raw)
    if name.endswith(".zst"):
        return cast(IO[bytes], zstd.ZstdFile(raw))
    return raw
