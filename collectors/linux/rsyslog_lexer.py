"""Words of an rsyslog configuration: a scanner that both of its dialects share."""

from __future__ import annotations

import re
from collections.abc import Mapping

from collectors.errors import Unparsable

_OBJECT = re.compile(
    r"(action|include|global|module|input|template|ruleset|lookup_table|parser|timezone|main_queue|dyn_stats|percentile_stats|ratelimit|"
    r"mmnormalize|dynstats)\s*\(",
    re.I,
)
_PARAM = re.compile(r'([A-Za-z_][\w.]*)\s*=\s*("(?:[^"\\]|\\.)*"|\[[^\]]*\]|[^\s)]+)', re.S)
_SELECTOR = re.compile(
    r"([A-Za-z0-9*][A-Za-z0-9*,]*\.[!=]*[A-Za-z0-9*]+(?:;[A-Za-z0-9*][A-Za-z0-9*,]*\.[!=]*[A-Za-z0-9*]+)*)[ \t]+"
)
_PROPERTY = re.compile(r':\s*[!$\w.-]+\s*,\s*!?\w+\s*(?:,\s*"(?:[^"\\]|\\.)*")?[ \t]*')


class Scanner:
    """A position in a text. Each method either takes what it is named after, or leaves the position alone."""

    def __init__(self, text: str, path: str) -> None:
        self._text, self._path, self._at = text, path, 0

    @property
    def place(self) -> str:
        return f"{self._path} line {self._text.count(chr(10), 0, self._at) + 1}"

    @property
    def done(self) -> bool:
        self._skip()
        return self._at >= len(self._text)

    def peek(self, text: str) -> bool:
        self._skip()
        return self._text.startswith(text, self._at)

    def take(self, text: str) -> bool:
        found = self.peek(text)
        if found:
            self._at += len(text)
        return found

    def keyword(self, word: str) -> bool:
        """The word, and not the beginning of a longer one or of a selector."""
        self._skip()
        found = re.compile(rf"{word}(?![\w.,*])", re.I).match(self._text, self._at)
        if found:
            self._at = found.end()
        return found is not None

    def line(self) -> str:
        """What is left of the line."""
        self._skip()
        end = self._text.find("\n", self._at)
        end = len(self._text) if end < 0 else end
        taken, self._at = self._text[self._at : end].strip(), end
        return taken

    def selector(self) -> str:
        found = self._match(_SELECTOR)
        return found[1] if found else ""

    def property_filter(self) -> str:
        found = self._match(_PROPERTY)
        if found is None:
            raise Unparsable(f"{self.place}: property filter not understood")
        return found[0]

    def object(self) -> tuple[str, Mapping[str, str]] | None:
        """`name(key="value" ...)`: the name and its parameters, keys in lower case."""
        place = self.place
        found = self._match(_OBJECT)
        if found is None:
            return None
        inside = self._closing("(", ")", place)
        params = {key.lower(): value[1:-1] if value.startswith('"') else value for key, value in _PARAM.findall(inside)}
        return found[1].lower(), params

    def block(self) -> None:
        """Skips `{ ... }`."""
        place = self.place
        if self.take("{"):
            self._closing("{", "}", place)

    def until_word(self, word: str) -> str:
        """The expression in front of the word, which is skipped too."""
        for found in re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|\w+').finditer(self._text, self._at):
            if found[0].lower() == word:
                before, self._at = self._text[self._at : found.start()], found.end()
                return before
        raise Unparsable(f"{self.place}: no `{word}` follows")

    def until(self, text: str) -> None:
        for found in re.compile(rf'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|{re.escape(text)}').finditer(self._text, self._at):
            if found[0] == text:
                self._at = found.end()
                return
        raise Unparsable(f"{self.place}: no `{text}` follows")

    def rest_of_call(self) -> None:
        """The ruleset named by `call`."""
        if self._match(re.compile(r"[^\s{};]+;?")) is None:
            raise Unparsable(f"{self.place}: call names no ruleset")

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        self._skip()
        found = pattern.match(self._text, self._at)
        if found:
            self._at = found.end()
        return found

    def _closing(self, opening: str, closing: str, place: str) -> str:
        depth, start = 1, self._at
        tokens = re.compile(rf'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|{re.escape(opening)}|{re.escape(closing)}', re.S)
        for found in tokens.finditer(self._text, start):
            depth += (found[0] == opening) - (found[0] == closing)
            if depth == 0:
                self._at = found.end()
                return self._text[start : found.start()]
        raise Unparsable(f"{place}: `{opening}` is not closed")

    def _skip(self) -> None:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1


_COMMENT = re.compile(r'"(?:[^"\\\n]|\\.)*"|/\*.*?\*/|(?:(?<=\s)|^)#[^\n]*', re.S | re.M)


def without_comments(text: str) -> str:
    """The text without comments and with continued lines joined; line numbers stay."""
    plain = _COMMENT.sub(lambda found: found[0] if found[0].startswith('"') else "\n" * found[0].count("\n"), text)
    return re.sub(r"\\\n", " ", plain)
