"""Junos configurations in braces (`show configuration`), as the paths that `display set` would print.

    tree = parse(text)
    tree.at("system", "services")            # the node, None when it is not there; Denied when it may not be seen
    tree.word("system", "host-name")         # the value behind
    tree.words("system", "ntp", "server")    # all that stands behind: values of a list, names of blocks

Braces are asked for, not set lines: there a text that was cut short shows (a brace stays open), and `/* ACCESS-DENIED */` stands
where something was left out; set lines leave it out without a word. Every statement becomes a path of words, so that
`then accept;`, `then { accept; }` and `from protocol [ tcp udp ];` read alike. `inactive:` statements are dropped with all below.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from collectors.errors import Denied, Unparsable

HIDDEN = "*****"
"""Stands for a secret the device shows to nobody of this account's class."""

_TOKEN = re.compile(
    r"\s*(?:(?P<mark>[{};\[\]])|/\*(?P<note>.*?)\*/|(?P<remark>#[^\n]*)"
    r'|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<word>[^\s{};\[\]"#][^\s{};\]"]*))',
    re.S,
)
_ESCAPED = re.compile(r"\\(.)", re.S)
_PREFIXES = frozenset({"inactive:", "protect:"})


@dataclass(slots=True)
class Node:
    """One word of the configuration and what may follow it, in order."""

    name: str
    nodes: dict[str, Node] = field(default_factory=dict)
    closed: str = ""
    """Why what stands here may be more than what is shown; empty where it is shown whole."""

    def at(self, *path: str) -> Node | None:
        """The node behind these words; None when it is not there. Raises Denied where it may be there unseen."""
        found = self
        for name in path:
            if name not in found.nodes:
                if found.closed:
                    raise Denied(f"{found.closed}: {' '.join(path)}")
                return None
            found = found.nodes[name]
        return found

    def has(self, *path: str) -> bool:
        return self.at(*path) is not None

    def word(self, *path: str) -> str | None:
        """The value behind; empty for a word that stands alone, None when it is not there."""
        found = self.at(*path)
        if found is None:
            return None
        if not found.nodes and found.closed:
            raise Denied(f"{found.closed}: {' '.join(path) or self.name}")
        return next(iter(found.nodes), "")

    def words(self, *path: str) -> tuple[str, ...]:
        """Every word that follows; () when there is none."""
        return tuple(node.name for node in self.below(*path))

    def below(self, *path: str) -> tuple[Node, ...]:
        """What follows, in order; () when there is none."""
        found = self.at(*path)
        if found is None:
            return ()
        if found.closed and HIDDEN not in found.nodes:
            raise Denied(f"{found.closed}: {' '.join(path) or self.name}")
        return tuple(found.nodes.values())

    def option(self, name: str) -> str | None:
        """The value behind this word, wherever it stands below: `server 10.1.1.1 key 1 version 4 prefer`."""
        for node in self.walk():
            if node.closed and HIDDEN not in node.nodes:
                raise Denied(f"{node.closed}: {name}")
            if name in node.nodes:
                return node.word(name)
        return None

    def walk(self) -> Iterator[Node]:
        """This node and every one below."""
        todo = [self]
        while todo:
            node = todo.pop()
            yield node
            todo.extend(reversed(node.nodes.values()))

    def grown(self, *path: str) -> Node:
        """The node behind these words, made where it is not there."""
        node = self
        for name in path:
            node = node.nodes.setdefault(name, Node(name))
        return node


class _Reader:
    """Puts statements into the tree while the text is read."""

    def __init__(self) -> None:
        self.root = Node("")
        self.open = [self.root]
        self.said: list[str] = []
        self.values: list[str] | None = None
        self.listing = False
        self.dropped = False
        self.after_end = False

    def word(self, token: str, quoted: bool) -> None:
        if not quoted and not self.said and token in _PREFIXES:
            self.dropped = self.dropped or token == "inactive:"  # noqa: S105
        elif self.listing and self.values is not None:
            self.values.append(token)
        elif self.values is not None:
            raise Unparsable(f"{' '.join(self.said)[:60]}: something behind a list")
        else:
            self.said.append(token)

    def mark(self, token: str) -> None:
        if token in ("[", "]"):
            if (token == "[") == self.listing or not self.said:  # noqa: S105
                raise Unparsable(f"{token} out of place")
            self.listing = token == "["  # noqa: S105
            if self.listing:
                if self.values is not None:
                    raise Unparsable("a second list in one statement")
                self.values = []
        elif self.listing:
            raise Unparsable("a list that never ends")
        elif token == "}":  # noqa: S105
            if self.said or len(self.open) == 1:
                raise Unparsable("} that closes nothing")
            self.open.pop()
        elif not self.said:
            if token == "{" or not self.after_end:  # noqa: S105
                raise Unparsable(f"{token} without a name")
        else:
            self._statement(token == "{")  # noqa: S105

    def _statement(self, block: bool) -> None:
        # what is inactive grows on a tree of its own, which nobody looks at
        where = Node("") if self.dropped else self.open[-1]
        node = where.grown(*self.said)
        if block:
            if self.values is not None:
                raise Unparsable("{ behind a list")
            self.open.append(node)
        for value in self.values or ():
            node.grown(value)
        self.said, self.values, self.dropped = [], None, False

    def note(self, text: str) -> None:
        """A comment: an annotation, or the device's word for what it does not show."""
        denied, secret = "ACCESS-DENIED" in text, text.strip() == "SECRET-DATA"
        if self.said and (denied or secret) and not self.listing:
            if denied and not self.dropped:
                self.open[-1].grown(*self.said).closed = _CLOSED
            self.said.append(HIDDEN)
        elif denied:
            named = re.match(r"#*\s*'([^']+)'", text)
            (self.open[-1].grown(named[1]) if named else self.open[-1]).closed = _CLOSED
            self.after_end = True


_CLOSED = "the device shows this account no more here (ACCESS-DENIED)"


def parse(text: str) -> Node:
    """The tree. Raises Unparsable for braces that do not match, and for what stands where nothing may."""
    reader = _Reader()
    place, end = 0, len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        if not found:
            raise Unparsable(f"line {_line(text, place)} of the configuration: a quote or comment that never ends")
        kind = str(found.lastgroup)
        token = found[kind]
        try:
            if kind == "mark":
                reader.mark(token)
            elif kind in ("note", "remark"):
                if kind == "note" or "ACCESS-DENIED" in token:
                    reader.note(token)
                    place = found.end()
                    continue
            else:
                reader.word(_ESCAPED.sub(_plain, token) if kind == "quoted" else token, kind == "quoted")
        except Unparsable as error:
            raise Unparsable(f"line {_line(text, found.end())} of the configuration: {error}") from None
        reader.after_end = kind == "mark" and token == "}"  # noqa: S105
        place = found.end()
    if reader.said or len(reader.open) > 1:
        raise Unparsable(f"{reader.open[-1].name or reader.said[0]}: a block or statement that never ends")
    return reader.root


def _plain(found: re.Match[str]) -> str:
    return "\n" if found[1] == "n" else found[1]


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1
