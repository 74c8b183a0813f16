"""What the indented families have in common once their text is a tree of lines; each names the word that takes a line back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Self


@dataclass(slots=True)
class Line:
    """One line and what is indented below it. `line` is its number in the text, from 1."""

    NEGATION: ClassVar[str] = ""
    """The word that takes a line back, such as `no` or `undo`."""

    text: str
    line: int = 0
    children: list[Self] = field(default_factory=list)

    def blocks(self, start: str) -> Iterator[Self]:
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
        """What stands behind `start` on the last such line; None without one, or when a later line takes it back."""
        found: str | None = None
        for child in self.children:
            if child.text.startswith(start):
                found = child.text[len(start) :].strip()
            elif (taken := child.taken_back) is not None and _same(taken, start.strip()):
                found = None
        return found

    def flag(self, text: str) -> bool | None:
        """True: the line (or one that begins with it) stands there; False: this very line is taken back; the later one of both wins.

        A longer line that is taken back is another one: `no switchport port-security` takes no `switchport` back.
        """
        said: bool | None = None
        for child in self.children:
            if _same(child.text, text):
                said = True
            elif child.taken_back == text:
                said = False
        return said

    def stands(self, text: str) -> bool | None:
        """As `flag`, for a line that says something else once more words follow it."""
        said: bool | None = None
        for child in self.children:
            if child.text == text:
                said = True
            elif child.taken_back == text:
                said = False
        return said

    def walk(self) -> Iterator[Self]:
        """Every line below, at any depth."""
        todo = list(reversed(self.children))
        while todo:
            node = todo.pop()
            yield node
            todo.extend(reversed(node.children))

    @property
    def taken_back(self) -> str | None:
        """The line that this one takes back; None for a line that takes nothing back."""
        word = f"{self.NEGATION} "
        return self.text[len(word) :] if self.text.startswith(word) else None


def _same(line: str, text: str) -> bool:
    return line == text or line.startswith(f"{text} ")
