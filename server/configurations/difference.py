"""The difference between two configurations, for reading: changed lines with a few around them, and the block they stand in."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import NamedTuple

AROUND = 3
MOST = 20_000
"""Lines, between the first and the last that differ, beyond which comparing takes longer than a page may."""


class Line(NamedTuple):
    """One line of the comparison."""

    kind: str
    """same, out (only in the older), in (only in the newer)."""
    old: int | None
    new: int | None
    """Line numbers."""
    text: str


class Hunk(NamedTuple):
    """Changed lines that stand together."""

    block: tuple[str, ...]
    """The lines above it that it belongs to by its indentation, such as `interface Vlan10`."""
    lines: list[Line]


class TooLong(Exception):
    """The two differ over too many lines to be compared here."""


def hunks(old: str, new: str) -> list[Hunk]:
    """What changed from `old` to `new`; empty when nothing did. Raises TooLong."""
    before, after = old.splitlines(), new.splitlines()
    head = 0
    while head < min(len(before), len(after)) and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < min(len(before), len(after)) - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    # what surrounds the change is looked at too: a block's lines read better in their place
    start, rest = max(0, head - AROUND), max(0, tail - AROUND)
    a, b = before[start : len(before) - rest], after[start : len(after) - rest]
    if len(a) + len(b) > MOST:
        raise TooLong
    if a == b:
        return []
    # lines that stand everywhere (`!`, `exit`) do not lead the comparison: with them it takes quadratic time
    matcher = difflib.SequenceMatcher(None, a, b)
    return [
        Hunk(_block(after, group[0][3] + start), list(_lines(group, a, b, start)))
        for group in matcher.get_grouped_opcodes(AROUND)
    ]


def counts(found: list[Hunk]) -> tuple[int, int]:
    """(lines added, lines removed)"""
    kinds = [line.kind for hunk in found for line in hunk.lines]
    return kinds.count("in"), kinds.count("out")


def _lines(group: list[tuple[str, int, int, int, int]], a: list[str], b: list[str], start: int) -> Iterator[Line]:
    for word, a1, a2, b1, b2 in group:
        if word == "equal":
            for shift in range(a2 - a1):
                yield Line("same", start + a1 + shift + 1, start + b1 + shift + 1, a[a1 + shift])
            continue
        for place in range(a1, a2):
            yield Line("out", start + place + 1, None, a[place])
        for place in range(b1, b2):
            yield Line("in", None, start + place + 1, b[place])


def _block(lines: list[str], place: int) -> tuple[str, ...]:
    """The less indented lines above, outermost first: what a change inside a block is a change of."""
    if not 0 <= place < len(lines):
        return ()
    found: list[str] = []
    depth = _depth(lines[place])
    for line in reversed(lines[max(0, place - 5000) : place]):
        if depth == 0:
            break
        if line.strip() and _depth(line) < depth:
            depth = _depth(line)
            found.insert(0, line.strip())
    return tuple(found)


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())
