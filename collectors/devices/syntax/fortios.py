"""FortiOS configurations: `config`, `edit`, `set`, `next`, `end`, values in quotes that may go on for many lines.

    tree = parse(text)
    block = tree.child("system global")          # config system global; None when it is not there
    block.word("admintimeout")                   # "10", None when no such line
    tree.child("system admin").entries["admin"]  # edit "admin"

What stands inside a quoted value is never a line of the configuration: a private key, a banner or a replacement page may
hold `set admin-telnet disable` or `end`. A block that comes twice is one block; the later line wins; `unset` leaves an
empty value. A line that is none of the above is kept by its number, and whoever reads that block is told (`checked`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from collectors.errors import Unparsable

_WORD = re.compile(r'[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s"]\S*))', re.S)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.S)
_CLOSING = re.compile(r'(?:[^"\\]|\\.|\\\Z)*"')
_LINE = re.compile(r"(?P<verb>config|edit|set|unset|append|next|end)(?:[ \t]+(?P<rest>\S.*))?\Z", re.S)
_ESCAPED = re.compile(r"\\(.)", re.S)


@dataclass(slots=True)
class Block:
    """What stands between `config` and `end`, or between `edit` and `next`."""

    name: str
    line: int = 0
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)
    children: dict[str, Block] = field(default_factory=dict)
    """`config` blocks by their words."""
    entries: dict[str, Block] = field(default_factory=dict)
    """`edit` entries by their name, in the order of the text."""
    strays: list[int] = field(default_factory=list)
    """Numbers of lines that were not understood."""

    def child(self, name: str) -> Block | None:
        return self.children.get(name)

    def words(self, key: str) -> tuple[str, ...] | None:
        """All words of `set key ...`; () where they are empty, and after `unset`; None without such a line."""
        return self.values.get(key)

    def word(self, key: str) -> str | None:
        """The words in one text; None without such a line."""
        found = self.values.get(key)
        return None if found is None else " ".join(found)

    def walk(self) -> Iterator[Block]:
        """This block and all below."""
        todo = [self]
        while todo:
            block = todo.pop()
            yield block
            todo.extend((*block.children.values(), *block.entries.values()))

    def checked(self) -> Block:
        """Itself. Raises Unparsable when a line in it, or below, was not understood."""
        for block in self.walk():
            if block.strays:
                raise Unparsable(f"line {block.strays[0]} of the configuration, in `{block.name}`, is not understood")
        return self


def parse(text: str) -> Block:
    """The tree of a configuration. Raises Unparsable for a value or a block that never ends."""
    root = Block("")
    open_blocks: list[tuple[bool, Block]] = [(True, root)]  # (is a config block, block)
    rows = enumerate(text.split("\n"), 1)
    for number, raw in rows:
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if '"' in line and _opens(line):
            line = _whole(raw.lstrip(), rows, number)
        found = _LINE.match(line)
        is_config, block = open_blocks[-1]
        words = _words(found["rest"]) if found and found["rest"] else ()
        if found is None or words is None:
            block.strays.append(number)
        elif found["verb"] == "config" and words:
            name = " ".join(words)
            open_blocks.append((True, block.children.setdefault(name, Block(name, number))))
        elif found["verb"] == "edit" and len(words) == 1 and is_config and block is not root:
            open_blocks.append((False, block.entries.setdefault(words[0], Block(words[0], number))))
        elif found["verb"] == "next" and not words and not is_config:
            open_blocks.pop()
        elif found["verb"] == "end" and not words and block is not root:
            if not is_config:
                open_blocks.pop()
            open_blocks.pop()
        elif found["verb"] == "set" and words:
            block.values[words[0]] = words[1:] if any(words[1:]) else ()
        elif found["verb"] == "append" and len(words) > 1:
            block.values[words[0]] = (*block.values.get(words[0], ()), *words[1:])
        elif found["verb"] == "unset" and len(words) == 1:
            block.values[words[0]] = ()
        else:
            block.strays.append(number)
    if len(open_blocks) > 1:
        raise Unparsable(f"the block `{open_blocks[-1][1].name}` that begins on line {open_blocks[-1][1].line} never ends")
    return root


def _opens(line: str) -> bool:
    """A quote in it is not closed on it."""
    return '"' in _QUOTED.sub("", line)


def _whole(line: str, rows: Iterator[tuple[int, str]], began: int) -> str:
    said = [line]
    for _, raw in rows:
        said.append(raw)
        closing = _CLOSING.match(raw)
        if closing and not _opens(raw[closing.end() :]):
            return "\n".join(said).rstrip()
    raise Unparsable(f"the text in quotes that begins on line {began} never ends")


def _words(rest: str) -> tuple[str, ...] | None:
    """The words behind a verb; None when quotes stand where none may."""
    words = []
    place = 0
    rest = rest.rstrip()
    while place < len(rest):
        found = _WORD.match(rest, place)
        if not found or (found.end() < len(rest) and not rest[found.end()].isspace()):
            return None
        quoted = found[1]
        bare = "" if found[2] == "''" else found[2]  # how FortiOS writes an empty value
        words.append(bare if quoted is None else _ESCAPED.sub(r"\1", quoted))
        place = found.end()
    return tuple(words)
