"""One execution: a sample, some changes, and what came out of the parser that should not have."""

from __future__ import annotations

import random
import re
import signal
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

HANG: Final = 30
MEMORY: Final = 4 * 2**30
LARGEST: Final = 2**20
"""Bytes a sample may grow to: limits of size have tests of their own."""

ODD: Final = (
    b"", b"\x00", b"\n", b"\r\n", b" ", b"\t", b"-1", b"0", b"1e999", b"9" * 400, b"18446744073709551616", b"NaN", b"Infinity", b"null",
    b"true", b"[]", b"{}", b'""', b'"', b"'", b"\\", b"[" * 3000, b"{" * 300, b"(" * 3000, b"<" * 50, b"/" * 300, b"\xff\xfe", b"\xef\xbb\xbf",
    b"\xc3", b"\xed\xa0\x80", b"\\ud800", b"\xe2\x80\xae", "²".encode(), "٣".encode(), "ế".encode(), b"%s%n", b"../../etc/passwd", b"=1+1", b"&a *a",
    b"<!DOCTYPE x [<!ENTITY y 'z'>]>", b"!!python/name:os.system", b"0x41", b"1_000", b"0000-00-00", b"9999-12-31T23:59:59Z", b"256.256.256.256",
    b"::", b"0.0.0.0/0", b"1/33", b"--", b"#", b"!", b"\x1b[2J", b"\x08" * 9, b"--More--", b"PK\x03\x04",
)  # fmt: skip
WORD: Final = re.compile(rb"[\w.:/+-]+")


class Sample(NamedTuple):
    """Bytes as they came once, and what the parser needs to know beside them."""

    raw: bytes
    about: Any = None


@dataclass(frozen=True)
class Parser:
    """A line of the table."""

    name: str
    eats: Callable[[Sample], object]
    allowed: tuple[type[Exception], ...]
    """How it may refuse. Everything else is a bug."""
    corpus: Callable[[], Sequence[Sample]]


class Crash(NamedTuple):
    """What should not have come out, and how to see it again."""

    parser: str
    seed: int
    error: str
    trace: str


@dataclass
class Told:
    """What became of one parser."""

    parser: str
    executions: int = 0
    refused: int = 0
    crashes: dict[str, Crash] = field(default_factory=dict)
    """By the place they came from: a thousand of one bug are one."""


class Hang(BaseException):
    """It does not end. No parser's `except Exception` may swallow it."""


class Noted(AssertionError):
    """A program caught its own mistake and told of it; here it counts. The place is what it said up to its second colon."""


def changed(raw: bytes, dice: random.Random, others: Sequence[Sample] = ()) -> bytes:
    """The bytes after one to six changes."""
    for _ in range(dice.choice((1, 1, 1, 2, 3, 6))):
        raw = _once(raw, dice, others)[:LARGEST]
    return raw


def _once(raw: bytes, dice: random.Random, others: Sequence[Sample]) -> bytes:
    at = dice.randrange(len(raw) + 1)
    end = min(len(raw), at + dice.choice((1, 2, 4, 8, 40, 400)))
    match dice.randrange(9):
        case 0 if raw:  # a bit
            place = dice.randrange(len(raw))
            return raw[:place] + bytes([raw[place] ^ 1 << dice.randrange(8)]) + raw[place + 1 :]
        case 1:  # something odd between
            return raw[:at] + dice.choice(ODD) + raw[at:]
        case 2:  # something odd instead of a word
            begin, end = _word(raw, at)
            return raw[:begin] + dice.choice(ODD) + raw[end:]
        case 3:  # a word of its own in another place
            begin, end = _word(raw, at)
            one, other = _word(raw, dice.randrange(len(raw) + 1))
            return raw[:begin] + raw[one:other] + raw[end:]
        case 4:  # a piece gone
            return raw[:at] + raw[end:]
        case 5:  # a piece twice
            return raw[:end] + raw[at:end] * dice.choice((1, 1, 3)) + raw[end:]
        case 6:  # cut off
            return raw[:at]
        case 7:  # lines in another order
            lines = raw.splitlines(keepends=True)
            if len(lines) > 1:
                one, other = dice.randrange(len(lines)), dice.randrange(len(lines))
                lines[one], lines[other] = lines[other], lines[one]
            return b"".join(lines)
        case _:  # the end of another sample
            other = dice.choice(others).raw if others else raw
            return raw[:at] + other[dice.randrange(len(other) + 1) :]


def _word(raw: bytes, at: int) -> tuple[int, int]:
    """Where the next word from there stands; an empty place where there is none."""
    found = WORD.search(raw, at)
    return found.span() if found else (at, at)


def try_once(parser: Parser, corpus: Sequence[Sample], seed: int, told: Told) -> None:
    """One execution. The number decides everything: sample and changes."""
    dice = random.Random(seed)
    sample = dice.choice(corpus)
    fed = sample._replace(raw=changed(sample.raw, dice, corpus))
    told.executions += 1
    try:
        parser.eats(fed)
    except parser.allowed:
        told.refused += 1
    except (Exception, Hang) as error:
        places = traceback.extract_tb(error.__traceback__)
        where = next((f"{place.filename}:{place.lineno}" for place in reversed(places) if ".venv" not in place.filename), "?")
        trace = "".join(traceback.format_exception(error, limit=-8))
        if isinstance(error, Noted):
            where = " ".join(str(error).split(":")[:2])
        said = f"{type(error).__name__}: {str(error)[:200]}"
        told.crashes.setdefault(f"{type(error).__name__} {where}", Crash(parser.name, seed, said, trace))


def run(parser: Parser, seed: int, count: int | None = None, seconds: float = 60) -> Told:
    """`count` executions, or as many as fit in that time."""
    corpus, told = parser.corpus(), Told(parser.name)
    end = time.monotonic() + seconds
    while told.executions < count if count is not None else time.monotonic() < end:
        signal.alarm(HANG)
        try:
            try_once(parser, corpus, seed + told.executions, told)
        finally:
            signal.alarm(0)
    return told
