"""What a report changes in the tallies, as bytes: four per verdict that turned."""

from __future__ import annotations

import sys
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from server.findings.codes import FAIL, NOT_ASKED

Packed: TypeAlias = "bytes | memoryview[int]"
Sums = dict[int, list[int]]
"""Rule -> machines more (or fewer) that fail, are unknown, pass."""


def pack(turned: Iterable[tuple[int, int, int]]) -> bytes:
    """(rule, was, now) of each."""
    return _ordered(array("I", [rule << 8 | was << 4 | now for rule, was, now in turned])).tobytes()


def unpack(packed: Packed) -> list[tuple[int, int, int]]:
    """What `pack` has put together, in its order."""
    return [_parted(code) for code in _ordered(array("I", bytes(packed)))]


def come(verdicts: Mapping[int, int]) -> bytes:
    """A machine that was not counted before."""
    return pack((rule, NOT_ASKED, verdict) for rule, verdict in verdicts.items())


def gone(verdicts: Mapping[int, int]) -> bytes:
    """A machine that is counted no longer."""
    return pack((rule, verdict, NOT_ASKED) for rule, verdict in verdicts.items())


def sums(packed: Iterable[Packed]) -> Sums:
    """All of them together."""
    counts: Counter[int] = Counter()
    for part in packed:
        counts.update(_ordered(array("I", bytes(part))))
    found: Sums = {}
    for code, count in counts.items():
        rule, was, now = _parted(code)
        row = found.setdefault(rule, [0, 0, 0])
        if was != NOT_ASKED:
            row[was - FAIL] -= count
        if now != NOT_ASKED:
            row[now - FAIL] += count
    return found


def _parted(code: int) -> tuple[int, int, int]:
    return code >> 8, code >> 4 & 15, code & 15


def _ordered(numbers: array[int]) -> array[int]:
    """Little-endian wherever it runs: a database may be moved."""
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
