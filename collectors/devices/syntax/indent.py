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
from typing import ClassVar, Literal

from collectors.devices.syntax.tree import Line
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
class Node(Line):
    """One line and what is indented below it."""

    NEGATION: ClassVar[str] = "no"

    banners: dict[str, str] = field(default_factory=dict)
    """Of the whole text, on its root only: `banner login` -> the words shown."""


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
