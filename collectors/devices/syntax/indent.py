"""Configurations whose blocks are indented: Cisco IOS, NX-OS, ASA, Arista EOS, Aruba.

    tree = parse(text)
    for line in tree.blocks("line vty "):
        line.value("access-class ")      # what stands behind, of the last such line; None when there is none
        line.flag("login local")         # True, False for its `no` form, None when neither is there

Texts between delimiters (banners) are kept apart: a banner may quote `line vty 0 4` or `no aaa new-model`, and no such line
is ever one of the configuration.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from collectors.errors import Unparsable

Banners = Literal["delimited", "eof", "line"]
"""delimited: `banner login ^C...^C`, any delimiter · eof: the text ends at a line EOF (EOS) · line: one line each (ASA)."""

_DELIMITED = re.compile(
    r"^\s*(?P<what>banner (?:motd|login|exec|incoming|slip-ppp|prompt-timeout|config-save|last-login|shell|legal)"
    r"|aaa authentication (?:banner|fail-message)|(?:vacant|refuse)-message|menu \S+ title)[ \t]+(?P<rest>\S.*)$"
)
_EOF = re.compile(r"^\s*(?P<what>banner (?:motd|login|exec))\s*$")
_CARETS = ("^C", "\x03")


@dataclass(slots=True)
class Node:
    """One line and what is indented below it. `line` is its number in the text, from 1."""

    text: str
    line: int = 0
    children: list[Node] = field(default_factory=list)
    banners: dict[str, str] = field(default_factory=dict)
    """Of the whole text, on its root only: `banner login` -> the words shown."""

    def blocks(self, start: str) -> Iterator[Node]:
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
        """What stands behind `start` on the last such line; None without one, or when a later `no` takes it back."""
        found: str | None = None
        for child in self.children:
            if child.text.startswith(start):
                found = child.text[len(start) :].strip()
            elif child.text.startswith("no ") and _same(child.text[3:], start.strip()):
                found = None
        return found

    def flag(self, text: str) -> bool | None:
        """True: the line (or one that begins with it) stands there; False: its `no` form; the later one of both wins."""
        said: bool | None = None
        for child in self.children:
            if _same(child.text, text):
                said = True
            elif child.text.startswith("no ") and _same(child.text[3:], text):
                said = False
        return said

    def walk(self) -> Iterator[Node]:
        """Every line below, at any depth."""
        todo = list(reversed(self.children))
        while todo:
            node = todo.pop()
            yield node
            todo.extend(reversed(node.children))


def parse(text: str, banners: Banners = "delimited", comment: str = "!") -> Node:
    """The tree of a configuration. Raises Unparsable for a banner that never ends."""
    root = Node("")
    open_blocks: list[tuple[int, Node]] = [(-1, root)]
    rows = enumerate(text.split("\n"), 1)
    for number, raw in rows:
        row = raw.rstrip()
        bare = row.lstrip()
        if not bare or bare.startswith(comment):
            continue
        if banners != "line" and (found := (_DELIMITED if banners == "delimited" else _EOF).match(row)):
            words = _until_delimiter(found["rest"], rows, number) if banners == "delimited" else _until_eof(rows, number)
            root.banners[found["what"]] = words
            row = bare = found["what"]
        elif banners == "line" and (found := re.match(r"^banner (\w+) ?(.*)$", row)):
            what = f"banner {found[1]}"
            root.banners[what] = f"{root.banners[what]}\n{found[2]}" if what in root.banners else found[2]
            row = bare = what
        depth = len(row) - len(bare)
        while open_blocks[-1][0] >= depth:
            open_blocks.pop()
        node = Node(bare, number)
        open_blocks[-1][1].children.append(node)
        open_blocks.append((depth, node))
    return root


def _same(line: str, text: str) -> bool:
    return line == text or line.startswith(f"{text} ")


def _until_delimiter(rest: str, rows: Iterator[tuple[int, str]], began: int) -> str:
    delimiter = next((caret for caret in _CARETS if rest.startswith(caret)), rest[0])
    words, end, _ = rest[len(delimiter) :].partition(delimiter)
    if end:
        return words
    said = [words]
    for _, raw in rows:
        words, end, _ = raw.partition(delimiter)
        said.append(words)
        if end:
            return "\n".join(said).strip("\n")
    raise Unparsable(f"the text between delimiters that begins on line {began} never ends")


def _until_eof(rows: Iterator[tuple[int, str]], began: int) -> str:
    said: list[str] = []
    for _, raw in rows:
        if raw.strip() == "EOF":
            return "\n".join(said)
        said.append(raw)
    raise Unparsable(f"the banner that begins on line {began} has no EOF")
