"""What a terminal does to text: width, wrapping, colour, progress, and keeping foreign control characters out.

len() is wrong for Vietnamese typed as base letter + combining mark and for East Asian wide letters, so columns are
counted by Unicode width.
"""

from __future__ import annotations

import os
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from typing import TextIO

PLAIN_COLUMNS = 100
"""Width when the output is a file or a pipe."""

_COLOURS = {"red": "31", "green": "32", "yellow": "33", "blue": "36", "bold": "1", "dim": "2"}
_BIDI = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def columns(stream: TextIO) -> int:
    """Columns to fill: the terminal's, between 40 and 120; a fixed width where there is no terminal."""
    if not stream.isatty():
        return PLAIN_COLUMNS
    return max(40, min(120, shutil.get_terminal_size((PLAIN_COLUMNS, 24)).columns))


def width(text: str) -> int:
    """Columns that `text` takes: combining marks take none, East Asian wide letters two."""
    if text.isascii() and text.isprintable():
        return len(text)
    return sum(_columns_of(letter) for letter in unicodedata.normalize("NFC", text))


@cache
def _columns_of(letter: str) -> int:
    if unicodedata.combining(letter) or unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def clean(text: str) -> str:
    """`text` on one line, in NFC, with control characters made visible.

    What a host answered may hold escape sequences or right-to-left overrides that rewrite the reader's screen.
    """
    text = unicodedata.normalize("NFC", text)
    if text.isprintable() and not _BIDI.intersection(text):
        return text
    return "".join(_visible(letter) for letter in text)


def _visible(letter: str) -> str:
    if letter in "\n\t\r":
        return " "
    if unicodedata.category(letter) in ("Cc", "Cs", "Co", "Cn") or letter in _BIDI:
        return f"\\x{ord(letter):02x}" if ord(letter) < 256 else f"\\u{ord(letter):04x}"
    return letter


def pad(text: str, size: int) -> str:
    """`text` followed by spaces up to `size` columns."""
    return text + " " * max(0, size - width(text))


def wrap(text: str, size: int, first: str = "", later: str | None = None) -> Iterator[str]:
    """Lines of at most `size` columns, the first led by `first`, the others by `later` (as wide as `first` by default).

    A word longer than a line is broken rather than lost. Line ends in `text` are kept.
    """
    later = " " * width(first) if later is None else later
    lead = first
    for paragraph in unicodedata.normalize("NFC", text).split("\n"):
        line, used = lead, width(lead)
        empty = True
        for word in paragraph.split():
            for piece in _pieces(word, max(8, size - width(later))):
                need = width(piece)
                if not empty and used + 1 + need > size:
                    yield line
                    line, used, empty = later, width(later), True
                gap = "" if empty else " "
                line, used, empty = line + gap + piece, used + len(gap) + need, False
        yield line.rstrip()
        lead = later


def _pieces(word: str, room: int) -> Iterator[str]:
    if width(word) <= room:
        yield word
        return
    piece, used = "", 0
    for letter in word:
        need = _columns_of(letter)
        if used + need > room:
            yield piece
            piece, used = "", 0
        piece, used = piece + letter, used + need
    yield piece


Colouring = Callable[..., str]
"""Ink or plain: (text, *colours) -> text."""


class Ink:
    """Colours, where the stream is a terminal that wants them. NO_COLOR (no-color.org) switches them off."""

    def __init__(self, stream: TextIO) -> None:
        self._on = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    def __call__(self, text: str, *colours: str) -> str:
        if not self._on or not colours:
            return text
        return f"\x1b[{';'.join(_COLOURS[name] for name in colours)}m{text}\x1b[0m"


def plain(text: str, *colours: str) -> str:
    """The ink of files: none."""
    return text


class Progress:
    """What is going on, on stderr: one line rewritten on a terminal, plain lines elsewhere, nothing with --quiet."""

    def __init__(self, quiet: bool = False, verbose: bool = False) -> None:
        self.live = sys.stderr.isatty() and not quiet and os.environ.get("TERM") != "dumb"
        self._quiet = quiet
        self.verbose = verbose
        self._shown = False
        self.at = ""
        """What is being done, as it was said last."""

    def say(self, text: str) -> None:
        """A line that stays. Not shown with --quiet."""
        self.clear()
        if not self._quiet:
            print(clean(text), file=sys.stderr, flush=True)

    def step(self, done: int, total: int, text: str) -> None:
        """Where the work stands: a bar on a terminal, a line of its own elsewhere when --verbose."""
        self.at = text
        if self.live:
            filled = 20 * done // max(1, total)
            line = f"[{'#' * filled}{'.' * (20 - filled)}] {done}/{total} {clean(text)}"
            while width(line) >= columns(sys.stderr):
                line = line[:-1]
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()
            self._shown = True
        elif self.verbose and not self._quiet:
            print(f"{done}/{total} {clean(text)}", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the bar off the screen: that is done."""
        self.at = ""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = False


def complain(text: str) -> None:
    """A message that is shown even with --quiet; its first line starts with the command's name."""
    print(f"rasoat: {text}", file=sys.stderr, flush=True)
