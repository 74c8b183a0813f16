"""Volumes of a Windows machine, how full they are, and whether BitLocker keeps them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps, once
from collectors.facts.storage import FileSystem, Storage, Swap
from collectors.transports.base import Shell
from collectors.windows.document import Document, Section, document

_FIXED = 3
"""DriveType of Win32_Volume; 2 removable, 4 network, 5 CD."""
_LOCKED = 2
"""GetProtectionStatus; 0 off, 1 on."""


def storage(shell: Shell) -> Storage:
    answers = document(shell)
    gaps = Gaps()
    protected = once(lambda: _protected(answers))
    return Storage(
        filesystems=gaps.attempt("filesystems", lambda: _filesystems(answers, protected, gaps)),
        # there is no fstab, and of the folders the rules for Linux speak of there is none
        places=(),
        planned=(),
        swaps=gaps.attempt("swaps", lambda: _swaps(answers, protected, gaps)),
        unseen=gaps.unseen,
    )


def _protected(answers: Document) -> Mapping[str, bool | None]:
    """Drive letter -> all of it is encrypted and protection is on; None: locked. Empty: BitLocker is not installed, so keeps none."""
    section = answers.found("bitlocker")
    if section is None:
        return {}
    found: dict[str, bool | None] = {}
    for row in section.rows():
        drive, protection, conversion = row.text("drive"), row.number("protection"), row.number("conversion")
        if protection is None or conversion is None:
            raise Unparsable("BitLocker does not tell whether a volume is protected")
        if drive is not None:
            found[drive.upper()] = None if protection == _LOCKED else protection == 1 and conversion == 1
    return found


def _encrypted(answers: Document, protected: Callable[[], Mapping[str, bool | None]], drive: str | None) -> bool:
    known = protected()
    if drive is not None and drive.upper() in known:
        told = known[drive.upper()]
        if told is None:
            raise Unsupported("a locked volume does not tell whether all of it is encrypted")
        return told
    if answers.found("bitlocker") is None:
        return False
    raise Unsupported("BitLocker does not list a volume")


def _filesystems(answers: Document, protected: Callable[[], Mapping[str, bool | None]], gaps: Gaps) -> tuple[FileSystem, ...]:
    """Fixed volumes that have a place: a letter or a folder. Start and recovery partitions have none and must stay readable."""
    gaps.note("filesystems[].read_only", "unsupported", "whether a volume is read-only is not asked of Windows")
    rows = [row for row in answers.section("volumes").rows() if row.number("DriveType") == _FIXED]
    placed = [row for row in rows if not (row.text("Name") or r"\\?\ ").startswith("\\\\?\\")]
    if not placed:
        raise Unparsable("volumes: no fixed volume has a letter, and Windows started from one that has")
    found = [_filesystem(row, answers, protected, gaps) for row in placed]
    if any(row.used_percent is None for row in found):
        gaps.note("filesystems[].used_percent", "unsupported", "a locked or unformatted volume tells no size")
    return tuple(sorted(found, key=lambda row: row.path))


def _filesystem(row: Section, answers: Document, protected: Callable[[], Mapping[str, bool | None]], gaps: Gaps) -> FileSystem:
    size, free, drive = row.number("Capacity"), row.number("FreeSpace"), row.text("DriveLetter")
    return FileSystem(
        path=(row.text("Name") or "").rstrip("\\"),
        type=row.text("FileSystem") or "",
        device=row.text("DeviceID") or "",
        medium="disk",
        encrypted=gaps.attempt("filesystems[].encrypted", lambda: _encrypted(answers, protected, drive)),
        read_only=None,
        used_percent=None if not size or free is None or not 0 <= free <= size else -(-(size - free) * 20 // size) * 5,
    )


def _swaps(answers: Document, protected: Callable[[], Mapping[str, bool | None]], gaps: Gaps) -> tuple[Swap, ...]:
    """Page files. One is as safe as the volume it lies on; that Windows may encrypt it by itself (fsutil) is not asked."""
    rows = []
    for row in answers.section("pagefiles").rows():
        name = row.text("Name")
        if name is None:
            raise Unparsable("pagefiles: one has no name")
        encrypted = gaps.attempt("swaps[].encrypted", lambda name=name: _encrypted(answers, protected, name[:2]))  # type: ignore[misc]
        rows.append(Swap(device=name, medium="disk", encrypted=encrypted))
    return tuple(sorted(rows, key=lambda row: row.device))
