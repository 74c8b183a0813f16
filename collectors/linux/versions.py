"""Which of two package versions is newer? Debian's and RPM's own rules, as keys that sort.

Comparing as text is the classic mistake: 9.10 is newer than 9.9, 1.0~rc1 is older than 1.0, and 1.0^git1 (RPM only) newer.
Both functions were compared with `dpkg --compare-versions` and librpm; the tests do so again.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_DEBIAN_PIECE = re.compile(r"([^0-9]*)([0-9]*)")
_RPM_PIECE = re.compile(r"[0-9]+|[a-zA-Z]+|~|\^", re.ASCII)

Key = tuple[object, ...]


class DebianKey(NamedTuple):
    """Sorts as dpkg does: epoch, upstream version, revision."""

    epoch: int
    upstream: Key
    revision: Key


class RpmKey(NamedTuple):
    """Sorts as rpm does: epoch, version, release."""

    epoch: int
    version: Key
    release: Key


@lru_cache(maxsize=16384)
def debian(version: str) -> DebianKey:
    """[epoch:]upstream[-revision] as a key: `debian(a) < debian(b)` exactly when dpkg says a lt b.

    The last hyphen splits; an absent revision equals "0".
    """
    head, colon, rest = version.partition(":")
    if not colon:
        head, rest = "0", version
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return DebianKey(int(head) if head.isdecimal() else 0, _debian_part(upstream), _debian_part(revision))


def _debian_part(text: str) -> Key:
    # text and numbers alternate, an absent number is 0; the closing weight makes "1.0~x" sort before "1.0", which ends there
    pieces: list[object] = []
    for letters, digits in _DEBIAN_PIECE.findall(text):
        if pieces and not letters and not digits:
            break
        pieces += [_weights(letters), int(digits or 0)]
    return (*pieces, (0,))


def _weights(letters: str) -> tuple[int, ...]:
    return (*(-1 if c == "~" else ord(c) if c.isascii() and c.isalpha() else ord(c) + 256 for c in letters), 0)


@lru_cache(maxsize=16384)
def rpm(version: str, release: str = "", epoch: str = "0") -> RpmKey:
    """Epoch, version and release as a key. `(none)`, which rpm prints for an absent epoch, is 0."""
    return RpmKey(int(epoch) if epoch.isdecimal() else 0, _rpm_part(version), _rpm_part(release))


# rank of what stands next in a version: ~ before its end, its end before ^, ^ before letters, letters before numbers
_TILDE, _END, _CARET, _LETTERS, _NUMBER = range(5)


def _rpm_part(text: str) -> Key:
    return (*(_rpm_piece(piece) for piece in _RPM_PIECE.findall(text)), (_END,))


def _rpm_piece(piece: str) -> Key:
    if piece == "~":
        return (_TILDE,)
    if piece == "^":
        return (_CARET,)
    return (_NUMBER, int(piece)) if piece[0].isdecimal() else (_LETTERS, piece)
