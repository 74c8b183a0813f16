"""Configurations in blocks parted by `#`: Huawei VRP, HPE Comware, H3C.

    tree = parse(text)
    for line in tree.blocks("user-interface vty "):
        line.value("idle-timeout ")          # what stands behind, of the last such line; None when there is none
        line.flag("shutdown")                # True, False for its `undo` form, None when neither is there

A `#` in the first column ends every block. Old releases indent the lines of the system view by one blank, without a block
above them: behind a `#` they are lines of the system view all the same. Texts of `header` run over lines and may quote
anything, `#` and `undo stelnet server enable` too; no such line is ever one of the configuration.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from collectors.devices.syntax.tree import Line
from collectors.errors import Unparsable

_HEADER = re.compile(
    r"^\s*(?P<what>header (?:login|shell|legal|motd|incoming|exec|tty|vty|lmt))(?: information)?(?P<rest>[ \t].*|)$"
)
_CIPHER_MARKS = ("%^%#", "%@%@", "%$%$", "@%@%", "%+%#")
"""Between two of these lies one encrypted value; old releases break it over two lines in the middle."""
_FROM_FILE = re.compile(r"^\s*header \w+ file \S+\s*$")


@dataclass(slots=True)
class Block(Line):
    """One line and what is indented below it."""

    NEGATION: ClassVar[str] = "undo"

    headers: dict[str, str] = field(default_factory=dict)
    """Of the whole text, on its root only: `header login` -> the words shown."""


def parse(text: str) -> Block:
    """The tree of a configuration. Raises Unparsable for a header that never ends."""
    root = Block("")
    above: list[tuple[int, Block]] = [(-1, root)]
    rows = enumerate(text.split("\n"), 1)
    for number, raw in rows:
        row = raw.rstrip()
        if mark := next((mark for mark in _CIPHER_MARKS if row.count(mark) == 1), None):
            row = _joined(row, mark, rows)
        bare = row.lstrip()
        if row.startswith("#"):
            above = [(-1, root)]
            continue
        if not bare or bare[0] in "#!":
            continue
        if (found := _HEADER.match(row)) and not _FROM_FILE.match(row):
            root.headers[found["what"]] = _until_delimiter(found["rest"].strip(), rows, number)
            bare = found["what"]
        depth = len(row) - len(row.lstrip())
        while above[-1][0] >= depth:
            above.pop()
        block = Block(bare, number)
        above[-1][1].children.append(block)
        above.append((depth, block))
    return root


def _joined(row: str, mark: str, rows: Iterator[tuple[int, str]]) -> str:
    """The line with the rest of its encrypted value. What begins one and never ends it is cut text."""
    for _, raw in rows:
        if raw.count(mark) != 1:
            break
        return row + raw.rstrip()
    raise Unparsable(f"an encrypted value that begins with {mark} never ends")


def _until_delimiter(rest: str, rows: Iterator[tuple[int, str]], began: int) -> str:
    """The words between two equal signs. Letters open no text that could be told from what follows it."""
    if not rest or (rest[0].isalnum() and not (len(rest) > 1 and rest[-1] == rest[0])):
        raise Unparsable(f"the header on line {began} begins with no sign that could end it")
    words, end, _ = rest[1:].partition(rest[0])
    if end:
        return words
    said = [words]
    for _, raw in rows:
        words, end, _ = raw.partition(rest[0])
        said.append(words)
        if end:
            return "\n".join(said).strip("\n")
    raise Unparsable(f"the header that begins on line {began} never ends")
