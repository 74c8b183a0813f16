"""Who may do what, from a security descriptor in SDDL: D:(A;OICI;0x1301bf;;;WD). Names never stand in it, only SIDs."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from collectors.errors import Unparsable

_DACL: Final = re.compile(r"D:(?P<flags>[A-Z]*?)(?P<entries>(?:\([^()]*\))*)(?=S:|$)")
_ENTRY: Final = re.compile(r"\(([^()]*)\)")
_NO_ACCESS_CONTROL: Final = "NO_ACCESS_CONTROL"
_HEX: Final = re.compile(r"0x[0-9a-fA-F]{1,8}")
_WORDS: Final = {
    "GA": 0x10000000, "GR": 0x80000000, "GW": 0x40000000, "GX": 0x20000000, "FA": 0x1F01FF, "FR": 0x120089, "FW": 0x120116, "FX": 0x1200A0,
    "RC": 0x20000, "SD": 0x10000, "WD": 0x40000, "WO": 0x80000, "CC": 0x1, "DC": 0x2, "LC": 0x4, "SW": 0x8, "RP": 0x10, "WP": 0x20, "DT": 0x40,
    "LO": 0x80, "CR": 0x100,
}  # fmt: skip
"""Two letters each, one after the other."""
_NAMES: Final = {
    "WD": "S-1-1-0", "AN": "S-1-5-7", "AU": "S-1-5-11", "IU": "S-1-5-4", "NU": "S-1-5-2", "BU": "S-1-5-32-545", "BG": "S-1-5-32-546",
    "BA": "S-1-5-32-544", "SY": "S-1-5-18",
}  # fmt: skip
"""Short names of SIDs that are asked about; others stay as they are."""
_READ, _WRITE = 0x1, 0x2
"""FILE_READ_DATA; FILE_WRITE_DATA, which for a folder is making files in it."""

EVERYONE: Final = "S-1-1-0"
ANONYMOUS: Final = "S-1-5-7"
GUESTS: Final = frozenset({"S-1-5-32-546"})
ALL_ACCOUNTS: Final = frozenset({EVERYONE, "S-1-5-11", "S-1-5-2", "S-1-5-4", "S-1-5-32-545"})
"""Everyone, Authenticated Users, those who come over the network or sit at the machine, Users."""


class Entry(NamedTuple):
    """One line of the list of rights."""

    allows: bool
    sid: str
    read: bool
    write: bool


def rights(sddl: str) -> tuple[Entry, ...] | None:
    """The entries; None: there is no list at all, which lets everybody do everything. Raises Unparsable for what cannot be placed."""
    if _NO_ACCESS_CONTROL in sddl:
        return None
    found = _DACL.search(sddl)
    if found is None:
        raise Unparsable("a security descriptor whose list of rights cannot be placed")
    return tuple(entry for text in _ENTRY.findall(found["entries"]) if (entry := _entry(text)) is not None)


def _entry(text: str) -> Entry | None:
    parts = text.split(";")
    if len(parts) < 6 or parts[0] not in ("A", "D"):
        raise Unparsable(f"an entry of rights of a kind that is not known: {text[:40]!r}")
    if "IO" in re.findall("..", parts[1]):
        return None  # for what is made within, not for this folder
    mask = _mask(parts[2])
    everything = bool(mask & _WORDS["GA"])
    return Entry(
        allows=parts[0] == "A",
        sid=_NAMES.get(parts[5], parts[5]),
        read=everything or bool(mask & (_WORDS["GR"] | _READ)),
        write=everything or bool(mask & (_WORDS["GW"] | _WRITE)),
    )


def _mask(text: str) -> int:
    if _HEX.fullmatch(text):
        return int(text, 16)
    words = re.findall("..", text)
    if "".join(words) != text or any(word not in _WORDS for word in words):
        raise Unparsable(f"rights that cannot be placed: {text[:40]!r}")
    mask = 0
    for word in words:
        mask |= _WORDS[word]
    return mask


def may(entries: tuple[Entry, ...] | None, who: frozenset[str], *, write: bool) -> bool:
    """Some of `who` is allowed to. As Windows does it: one entry after the other, and the first that speaks of somebody decides."""
    if entries is None:
        return True
    denied: set[str] = set()
    for entry in entries:
        if not (entry.write if write else entry.read):
            continue
        if not entry.allows:
            denied.add(entry.sid)
        elif entry.sid in who and entry.sid not in denied and EVERYONE not in denied:
            return True
    return False
