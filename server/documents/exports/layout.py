"""What all exporters have in common: the fixed words of a paper, its appendices with the last one, and how long a rule is."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import cache

from server.documents import grounds
from server.documents.report import Appendix, Cosigner, Front, Report
from server.documents.templates import FONTS
from server.documents.texts import Texts

_WIDTHS = dict(zip(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ", (72, 67, 72, 72, 67, 61, 78, 78, 39, 50, 78, 67, 94, 72, 78, 61, 78, 72, 56, 67, 72, 72, 100, 72, 72, 67),
    strict=True,
)) | dict(zip(
    "abcdefghijklmnopqrstuvwxyz", (50, 56, 44, 56, 44, 33, 50, 56, 28, 33, 56, 28, 83, 56, 50, 56, 56, 44, 39, 33, 56, 50, 72, 50, 50, 44),
    strict=True,
)) | {" ": 25, "-": 33, ".": 25, ",": 25, "/": 28, "Đ": 72, "đ": 56}  # fmt: skip
"""Hundredths of the size, of Times New Roman bold: a rule is as long as the text above it, or a part of that."""
ROMAN = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII", "XIV", "XV")


_BAD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def plain(text: str) -> str:
    """Without what no file may hold, and without what turns the order of letters round: a line reads as it stands."""
    return _BAD.sub("\ufffd", text)


def printable(text: str) -> str:
    """The same, with the number of each letter that the shipped fonts lack: one such name would keep a whole PDF/A from being made."""
    clean = plain(text)
    return (
        clean
        if clean.isascii()
        else "".join(one if ord(one) < 128 or _drawn(ord(one)) else f"[U+{ord(one):04X}]" for one in clean)
    )


def _drawn(letter: int) -> bool:
    firsts, lasts = _letters()
    place = bisect_right(firsts, letter) - 1
    return place >= 0 and letter <= lasts[place]


@cache
def _letters() -> tuple[list[int], list[int]]:
    """First and last of each run of letters that all four fonts have."""
    runs = [line.partition("-") for line in (FONTS / "letters.txt").read_text("ascii").split()]
    return [int(first, 16) for first, _dash, _last in runs], [int(last or first, 16) for first, _dash, last in runs]


def width(text: str, size: float) -> float:
    """Points that a line of bold text takes, about."""
    letters = (letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))
    return sum(_WIDTHS.get(letter, 50) for letter in letters) * size / 100


def lines(text: str, size: float, room: float) -> tuple[str, ...]:
    """A heading in as few lines as there is room for, of about the same length: no single word stands below a full line."""
    if width(text, size) <= room:
        return (text,)
    for count in range(2, 12):
        most = width(text, size) / count
        while most <= room:
            found = _broken(text.split(), most, size)
            if len(found) <= count and all(width(line, size) <= room for line in found):
                return found
            most += size / 2
    return _broken(text.split(), room, size)


def _broken(words: list[str], most: float, size: float) -> tuple[str, ...]:
    found, line = [], ""
    for word in words:
        longer = f"{line} {word}".strip()
        if line and width(longer, size) > most:
            found.append(line)
            line = word
        else:
            line = longer
    return (*found, line)


HEAD_ROOM = 190.0
"""Points of the left half of a paper's head."""


@dataclass(frozen=True)
class Head:
    """What stands over a paper, in lines."""

    above: tuple[str, ...]
    issuer: tuple[str, ...]
    subject: tuple[str, ...]
    addressees: tuple[str, ...]


def head(front: Front) -> Head:
    return Head(
        tuple(part for line in front.above for part in lines(line.upper(), 12, HEAD_ROOM * 1.1)),
        tuple(part for line in front.issuer for part in lines(line.upper(), 12, HEAD_ROOM)),
        lines(front.subject, 14, 420) if front.type else lines(front.subject, 12, HEAD_ROOM * 1.05),
        tuple(_through(one) for one in front.addressees),
    )


def sides(front: Front) -> tuple[Cosigner, ...]:
    """Everybody who signs, from the left; the paper's own signer last."""
    return (*front.cosigners, Cosigner(authority=front.authority, title=front.signer_title, name=front.signer_name))


def _through(addressee: str) -> str:
    """(qua ...) goes on a line of its own where both are too long for one."""
    name, bracket, through = addressee.partition(" (")
    return f"{name}\n({through}" if bracket and len(addressee) > 60 else addressee


@dataclass(frozen=True)
class Words:
    """The fixed words, for templates."""

    nation: str
    motto: str
    number: str
    blank_number: str
    place_and_day: str
    addressee: str
    receivers: str
    signer_title_blank: str
    signer_name_blank: str
    internal: str
    unseen: str


def words(front: Front, say: Texts) -> Words:
    told = {name: str(say.at(name)) for name in Words.__dataclass_fields__ if name != "place_and_day"}
    return Words(**told, place_and_day=say("place_and_day", place=front.place, year=str(front.year)))


@dataclass(frozen=True)
class Attached:
    """An appendix with what stands over it."""

    heading: str
    title: str
    attached: str
    blocks: tuple[object, ...]


def appendices(report: Report, say: Texts) -> list[Attached]:
    """Those of the report, and what it rests on as the last one."""
    every: list[Appendix] = [*report.appendices, grounds.appendix(report)]
    front = report.front
    issuer = front.issuer[0] if len(front.issuer) == 1 else " ".join(front.issuer)
    paper = front.type.capitalize() if front.type else str(say.at("letter"))
    said = say("attached", paper=paper, symbol=front.symbol, year=str(front.year), issuer=issuer)
    found = []
    for place, one in enumerate(every, 1):
        number = ROMAN[place] if place < len(ROMAN) else str(place)
        heading = say("appendix", number=number) if len(every) > 1 else str(say.at("appendix_only"))
        found.append(Attached(heading, one.title.upper(), said, one.blocks))
    return found


def shown(cell: int | str | None, unseen: str) -> str:
    """A cell in print. Numbers in the Vietnamese way."""
    if cell is None:
        return unseen
    return f"{cell:,}".replace(",", ".") if isinstance(cell, int) else cell
