"""Registry values as Windows keeps them. Absent is not off: what an absent value means is said where it is asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from collectors.errors import Unparsable
from collectors.windows.document import Document, Section

CV: Final = r"HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
CONTROL: Final = r"HKLM:\SYSTEM\CurrentControlSet\Control"
SERVICES: Final = r"HKLM:\SYSTEM\CurrentControlSet\Services"
POLICIES: Final = r"HKLM:\SOFTWARE\Policies\Microsoft"
WINDOWS_POLICIES: Final = r"HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Policies"
FOREVER: Final = 0xFFFFFFFF

_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


class Registry:
    """The keys that collect.ps1 read."""

    def __init__(self, document: Document) -> None:
        self._keys = document.section("registry")

    def key(self, path: str) -> Section | None:
        """None: there is no such key. Raises Denied where it may not be read."""
        return self._keys.state(path)

    def exists(self, path: str) -> bool:
        return self.key(path) is not None

    def text(self, path: str, name: str) -> str | None:
        """None: no such key or value."""
        key = self.key(path)
        return None if key is None else key.text(name)

    def dword(self, path: str, name: str) -> int | None:
        """None: no such key or value. PowerShell shows 0xFFFFFFFF as -1; here it is what it was."""
        key = self.key(path)
        return None if key is None else dword(key, name)

    def first(self, name: str, *paths: str) -> int | None:
        """The value of the first key that has it: policies go before what was set by hand."""
        for path in paths:
            found = self.dword(path, name)
            if found is not None:
                return found
        return None

    def under(self, prefix: str) -> tuple[str, ...]:
        """Paths of the keys read below a key."""
        return tuple(sorted(path for path in self._keys.names if path.startswith(prefix + "\\")))


def dword(key: Section, name: str) -> int | None:
    """A DWORD; a policy that was written as REG_SZ counts as its number, as Windows itself takes it."""
    try:
        found = key.number(name)
    except Unparsable:
        word = (key.text(name) or "").strip()
        if not word.isascii() or not word.isdigit():
            raise
        return int(word)
    return None if found is None else found & FOREVER


def filetime(raw: Any) -> datetime | None:
    """From eight little-endian bytes, or from one number: 100 ns since 1601, UTC. None for 0 ("never")."""
    ticks = int.from_bytes(raw, "little") if isinstance(raw, bytes) else int(raw)
    if isinstance(raw, bytes) and len(raw) != 8:
        raise Unparsable("a FILETIME has eight bytes")
    if ticks == 0:
        return None
    try:
        return (_EPOCH + timedelta(microseconds=ticks // 10)).replace(microsecond=0)
    except OverflowError:
        raise Unparsable("a FILETIME beyond all dates") from None


def sid(raw: bytes) -> str:
    """S-1-5-21-...: how Windows writes what it keeps as bytes."""
    if len(raw) < 8 or raw[0] != 1 or len(raw) != 8 + 4 * raw[1]:
        raise Unparsable("bytes that are no SID")
    parts = (int.from_bytes(raw[at : at + 4], "little") for at in range(8, len(raw), 4))
    return "-".join(("S", "1", str(int.from_bytes(raw[2:8], "big")), *map(str, parts)))
