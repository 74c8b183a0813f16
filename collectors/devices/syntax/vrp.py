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

from collectors.errors import Unparsable

_HEADER = re.compile(
    r"^\s*(?P<what>header (?:login|shell|legal|motd|incoming|exec|tty|vty|lmt))(?: information)?(?P<rest>[ \t].*|)$"
)
_CIPHER_MARKS = ("%^%#", "%@%@", "%$%$", "@%@%", "%+%#")
"""Between two of these lies one encrypted value; old releases break it over two lines in the middle."""
_FROM_FILE = re.compile(r"^\s*header \w+ file \S+\s*$")


@dataclass(slots=True)
class Block:
    """One line and what is indented below it. `line` is its number in the text, from 1."""

    text: str
    line: int = 0
    children: list[Block] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    """Of the whole text, on its root only: `header login` -> the words shown."""

    def blocks(self, start: str) -> Iterator[Block]:
        """The lines directly below that begin so, in order."""
        return (child for child in self.children if child.text.startswith(start))

    def lines(self, start: str) -> list[str]:
        """What stands behind `start` on each line directly below that begins so."""
        return [child.text[len(start) :].strip() for child in self.blocks(start)]

    def matches(self, pattern: str) -> list[re.Match[str]]:
        """The lines directly below that match, from their beginning."""
        compiled = re.compile(pattern)
        return [found for child in self.children if (found := compiled.match(child.text))]

    def has(self, text: str) -> bool:
        """Exactly this line stands directly below."""
        return any(child.text == text for child in self.children)

    def value(self, start: str) -> str | None:
        """What stands behind `start` on the last such line; None without one, or when a later `undo` takes it back."""
        found: str | None = None
        for child in self.children:
            if child.text.startswith(start):
                found = child.text[len(start) :].strip()
            elif child.text.startswith("undo ") and _same(child.text[5:], start.strip()):
                found = None
        return found

    def flag(self, text: str) -> bool | None:
        """True: the line (or one that begins with it) stands there; False: its `undo` form; the later one of both wins."""
        said: bool | None = None
        for child in self.children:
            if _same(child.text, text):
                said = True
            elif child.text.startswith("undo ") and _same(child.text[5:], text):
                said = False
        return said

    def walk(self) -> Iterator[Block]:
        """Every line below, at any depth."""
        todo = list(reversed(self.children))
        while todo:
            block = todo.pop()
            yield block
            todo.extend(reversed(block.children))


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


def _same(line: str, text: str) -> bool:
    return line == text or line.startswith(f"{text} ")


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
