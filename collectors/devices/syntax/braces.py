"""Configurations in braces with quoted texts: Palo Alto PAN-OS (`show config running`).

    tree = parse(text)
    tree.at("mgt-config", "users")        # the block, None when it is not there
    block.word("phash")                   # one value
    block.words("permitted-ip")           # all of them: `member [ a b ];`, or the names of the blocks below

A quoted text may go on for many lines and hold braces and semicolons; nothing in it is configuration.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from collectors.errors import Unparsable

_TOKEN = re.compile(r'\s*(?:(?P<mark>[{};\[\]])|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<word>[^\s{};\[\]"][^\s{};\]]*))', re.S)
_ESCAPED = re.compile(r"\\(.)", re.S)


@dataclass(slots=True)
class Block:
    """What stands between braces, or one value."""

    name: str
    line: int = 0
    values: tuple[str, ...] = ()
    children: dict[str, Block] = field(default_factory=dict)

    def at(self, *path: str) -> Block | None:
        """The block below by its names; None when one of them is not there."""
        found: Block | None = self
        for name in path:
            found = found.children.get(name) if found else None
        return found

    def word(self, *path: str) -> str | None:
        """The one value there; None when it is not there."""
        found = self.at(*path)
        return None if found is None else " ".join(found.values)

    def words(self, *path: str) -> tuple[str, ...] | None:
        """The values there, or the names of the blocks; None when it is not there."""
        found = self.at(*path)
        if found is None:
            return None
        return found.at("member").values if found.at("member") else (found.values or tuple(found.children))  # type: ignore[union-attr]

    def below(self, *path: str) -> Iterator[Block]:
        """The blocks there, in order."""
        found = self.at(*path)
        yield from found.children.values() if found else ()

    def walk(self) -> Iterator[Block]:
        todo = [self]
        while todo:
            block = todo.pop()
            yield block
            todo.extend(block.children.values())


def parse(text: str) -> Block:
    """The tree. Raises Unparsable for braces that do not match, and for what stands where nothing may."""
    root = Block("")
    open_blocks = [root]
    said: list[str] = []
    listing = False
    for kind, token, place in _tokens(text):
        if kind != "mark":
            said.append(token)
        elif token == "{":  # noqa: S105
            if not said or listing:
                raise _wrong(text, place, "{ without a name")
            name = said[-1] if len(said) == 1 else " ".join(said)
            open_blocks.append(_child(open_blocks[-1], name, text, place))
            said = []
        elif token == ";":  # noqa: S105
            if not said or listing:
                raise _wrong(text, place, "; without a value")
            _child(open_blocks[-1], said[0], text, place).values = tuple(said[1:])
            said = []
        elif token == "}":  # noqa: S105
            if said or listing or len(open_blocks) == 1:
                raise _wrong(text, place, "} that closes nothing")
            open_blocks.pop()
        else:
            if (token == "[") == listing:  # noqa: S105
                raise _wrong(text, place, f"{token} out of place")
            listing = token == "["  # noqa: S105
    if said or listing or len(open_blocks) > 1:
        raise Unparsable(f"the block {open_blocks[-1].name or said[0]} that begins on line {open_blocks[-1].line} never ends")
    return root


def _child(block: Block, name: str, text: str, place: int) -> Block:
    if name not in block.children:
        block.children[name] = Block(name, text.count("\n", 0, place) + 1 if len(block.children) < 1 else 0)
    return block.children[name]


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    place, end = 0, len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        if not found:
            raise _wrong(text, place, "a quote that never ends")
        kind = str(found.lastgroup)
        yield kind, _ESCAPED.sub(r"\1", found[kind]) if kind == "quoted" else found[kind], found.end()
        place = found.end()


def _wrong(text: str, place: int, what: str) -> Unparsable:
    return Unparsable(f"line {text.count(chr(10), 0, place) + 1} of the configuration: {what}")
