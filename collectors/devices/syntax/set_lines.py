"""Configurations of one `set` or `add` a line: Check Point Gaia (`show configuration`).

    lines = parse(text)
    lines.after("set", "password-controls", "complexity")   # words behind, of the last such line; None without one
    lines.each("add", "syslog", "log-remote-address")       # words behind, of every such line

A line that is neither is kept by its number; `checked` tells whoever needs to know.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from collectors.errors import Unparsable

_WORD = re.compile(r'[ \t]*(?:"((?:[^"\\]|\\.)*)"|(\S+))')
_VERBS = frozenset({"set", "add", "delete"})


class Lines:
    """The lines in their order, cut into words."""

    def __init__(self, rows: list[tuple[str, ...]], strays: list[int]) -> None:
        self._rows = rows
        self.strays = strays

    def each(self, *start: str) -> Iterator[tuple[str, ...]]:
        """The words behind `start`, of every line that begins so."""
        return (row[len(start) :] for row in self._rows if row[: len(start)] == start)

    def after(self, *start: str) -> tuple[str, ...] | None:
        """The words behind `start`, of the last line that begins so; None without one."""
        found = list(self.each(*start))
        return found[-1] if found else None

    def word(self, *start: str) -> str | None:
        """The first word behind, of the last such line."""
        found = self.after(*start)
        return found[0] if found else None

    def checked(self) -> Lines:
        """Itself. Raises Unparsable when some line was not understood."""
        if self.strays:
            raise Unparsable(f"line {self.strays[0]} of the configuration is not understood")
        return self


def parse(text: str) -> Lines:
    """The lines; comments and empty ones aside."""
    rows, strays = [], []
    for number, line in enumerate(text.split("\n"), 1):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        words = _words(bare)
        if words is None or words[0] not in _VERBS:
            strays.append(number)
        else:
            rows.append(words)
    return Lines(rows, strays)


def _words(line: str) -> tuple[str, ...] | None:
    """None when a quote is not closed."""
    words = []
    place = 0
    while place < len(line):
        found = _WORD.match(line, place)
        if found is None or (found[2] is not None and found[2].startswith('"')):
            return None
        words.append(found[2] if found[1] is None else re.sub(r"\\(.)", r"\1", found[1]))
        place = found.end()
    return tuple(words)
