"""A ZIP from somebody else, read without believing it.

A bundle is a plain ZIP of one spelling: members side by side from the first byte to the directory, names of letters, regular
files, nothing encrypted, no extensions, no comments. Whatever differs from that is named and not read: programs disagree on
what such files hold, and that is how one ZIP shows two people two contents. So it is read here byte by byte; `zipfile` takes
prefixes, gaps, overlaps, duplicates and two opinions on a length for granted.
"""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from baselines.evidence.form import MAX_LINE, NAME

_END = struct.Struct("<4s4H2LH")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
MADE_BY, NEEDED, DATE, ATTRIBUTES = 0x0314, 20, 0x21, 0o100644 << 16
"""As the maker writes them: Unix, version 2.0, the first of January 1980, a regular file."""
STORED, DEFLATED = 0, 8
MOST_MEMBERS = 0xFFFE
"""One more, and its number stands in an extension."""
MAX_DIRECTORY = 32 * 1024 * 1024
MAX_MEMBER = 1024 * 1024 * 1024
MAX_ALL = 8 * 1024 * 1024 * 1024
MOST_RATIO = 1040
"""Deflate packs no tighter: whoever says more lies about a length."""
PART = 1 << 18


class NotABundle(ValueError):
    """Not a ZIP, or none that could be a bundle. The message is a word of words.yaml, as are all reasons here."""


class Damaged(ValueError):
    """A member cannot be read as the archive says it is."""


class Entry(NamedTuple):
    """A member, as the directory has it."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    start: int
    """Of its bytes."""


class Archive:
    """An open bundle. `problems`: (member or empty, what is wrong with it); a member with a problem is not in `entries`."""

    def __init__(self, path: Path) -> None:
        self.problems: list[tuple[str, str]] = []
        self.entries: dict[str, Entry] = {}
        self._file = path.open("rb")
        try:
            self._read_directory()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._file.close()

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    # the directory -------------------------------------------------------------------------------------------------

    def _read_directory(self) -> None:
        size = self._file.seek(0, os.SEEK_END)
        if self._at(0, 4) != b"PK\x03\x04":
            raise NotABundle("no-zip")
        if size < _END.size or self._at(size - _END.size, 4) != b"PK\x05\x06":
            raise NotABundle("no-end")
        _sig, disk, first, here, every, length, offset, comment = _END.unpack(self._at(size - _END.size, _END.size))
        if disk or first or here != every or comment or every > MOST_MEMBERS or 0xFFFFFFFF in (length, offset):
            raise NotABundle("odd-end")
        if offset + length + _END.size != size:
            raise NotABundle("odd-end")
        if length > MAX_DIRECTORY:
            raise NotABundle("large")
        self._read_entries(self._at(offset, length), every, offset)

    def _read_entries(self, raw: bytes, count: int, end: int) -> None:
        place, expected, total, names = 0, 0, 0, _Names()
        for _number in range(count):
            if len(raw) - place < _CENTRAL.size or raw[place : place + 4] != b"PK\x01\x02":
                self.problems.append(("", "directory-cut"))
                return
            fields = _CENTRAL.unpack_from(raw, place)
            name_length, extra, comment, offset = fields[10], fields[11], fields[12], fields[16]
            name_raw = raw[place + _CENTRAL.size : place + _CENTRAL.size + name_length]
            place += _CENTRAL.size + name_length + extra + comment
            entry = Entry(_name(name_raw), fields[4], fields[7], fields[8], fields[9], offset, offset + _LOCAL.size + name_length)
            total += entry.size
            wrong = (
                self._wrong(entry, fields, name_raw, total)
                or names.add(entry.name)
                or self._local(entry, fields, name_raw, expected)
            )
            expected = entry.start + entry.packed
            if wrong:
                self.problems.append((entry.name, wrong))
            else:
                self.entries[entry.name] = entry
        if place != len(raw):
            self.problems.append(("", "directory-rest"))
        if expected != end:
            self.problems.append(("", "hole"))

    def _wrong(self, entry: Entry, fields: tuple[int, ...], name: bytes, total: int) -> str:
        """What is wrong with a line of the directory; empty: nothing."""
        made_by, needed, flags, _method, time, date = fields[1:7]
        extra, comment, disk, internal, attributes = fields[11:16]
        if not NAME.fullmatch(name.decode("ascii", "replace")):
            return "name"
        if attributes >> 16 & 0o170000 == 0o120000:
            return "link"
        if flags & 1:
            return "encrypted"
        if extra or comment or disk or 0xFFFFFFFF in (entry.packed, entry.size, entry.offset):
            return "extensions"
        if (made_by, needed, flags, time, date, internal, attributes) != (MADE_BY, NEEDED, 0, 0, DATE, 0, ATTRIBUTES):
            return "written"
        if entry.method not in (STORED, DEFLATED) or (entry.method == STORED and entry.packed != entry.size):
            return "packing"
        if entry.size > MAX_MEMBER or total > MAX_ALL:
            return "large"
        if entry.size > MOST_RATIO * entry.packed + 64:
            return "ratio"
        return ""

    def _local(self, entry: Entry, fields: tuple[int, ...], name: bytes, expected: int) -> str:
        """Whether the member itself says what the directory says, and lies right behind the one before."""
        if entry.offset != expected:
            return "gap"
        raw = self._at(entry.offset, _LOCAL.size + len(name))
        said = _LOCAL.pack(
            b"PK\x03\x04", NEEDED, 0, entry.method, 0, DATE, entry.crc, entry.packed, entry.size, len(name), 0
        ) + name  # fmt: skip
        return "" if raw == said else "local"

    def _at(self, offset: int, length: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(length)

    # members -------------------------------------------------------------------------------------------------------

    def chunks(self, name: str) -> Iterator[bytes]:
        """Its bytes, a part at a time; never more than it says. Raises Damaged, KeyError."""
        entry = self.entries[name]
        left, size, crc, place = entry.packed, 0, 0, entry.start
        unpack = zlib.decompressobj(-15) if entry.method == DEFLATED else None
        while left:
            raw = self._at(place, min(PART, left))
            if not raw:
                raise Damaged("cut")
            place, left = place + len(raw), left - len(raw)
            if unpack is not None and unpack.eof:  # at once: zlib keeps whatever follows, and copies it each time more comes
                raise Damaged("end")
            for part in _inflated(unpack, raw, entry.size - size) if unpack else (raw,):
                size, crc = size + len(part), zlib.crc32(part, crc)
                if size > entry.size:
                    raise Damaged("longer")
                yield part
        if unpack is not None and (not unpack.eof or unpack.unused_data):
            raise Damaged("end")
        if size != entry.size:
            raise Damaged("shorter")
        if crc != entry.crc:
            raise Damaged("crc")

    def read(self, name: str, most: int) -> bytes:
        """All of it. Raises Damaged, KeyError."""
        if self.entries[name].size > most:
            raise Damaged("large")
        return b"".join(self.chunks(name))

    def lines(self, name: str) -> Iterator[bytes]:
        """Line by line, without the newline. Raises Damaged, KeyError."""
        rest = b""
        for part in self.chunks(name):
            *whole, rest = (rest + part).split(b"\n")
            yield from whole
            if len(rest) > MAX_LINE:
                raise Damaged("large")
        if rest:
            raise Damaged("cut")

    def sha256(self, name: str) -> str:
        """Raises Damaged, KeyError."""
        found = hashlib.sha256()
        for part in self.chunks(name):
            found.update(part)
        return found.hexdigest()


def _name(raw: bytes) -> str:
    """For people too: signs that steer a terminal do not come through."""
    return raw.decode("ascii", "backslashreplace")


class _Names:
    """Names met so far, as a file system that knows no case of letters would have them."""

    def __init__(self) -> None:
        self._files: dict[str, str] = {}
        self._folders: set[str] = set()

    def add(self, name: str) -> str:
        """Why there cannot be a member of that name as well; empty: there can."""
        lower = name.lower()
        if lower in self._files:
            return "twice" if self._files[lower] == name else "case"
        parts = lower.split("/")
        above = {"/".join(parts[:depth]) for depth in range(1, len(parts))}
        if lower in self._folders or not above.isdisjoint(self._files):
            return "file-and-folder"
        self._files[lower] = name
        self._folders |= above
        return ""


def _inflated(unpack: Any, raw: bytes, room: int) -> Iterator[bytes]:
    """At most one byte more than there is room for: enough to see that it is too much."""
    while room >= 0:
        most = min(PART, room + 1)
        try:
            part = unpack.decompress(raw, most)
        except zlib.error:
            raise Damaged("unpack") from None
        room -= len(part)
        if part:
            yield part
        raw = unpack.unconsumed_tail
        if unpack.eof or (len(part) < most and not raw):
            return
