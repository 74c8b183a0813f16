"""What the makers of papers have in common: paragraphs, days in the Vietnamese way, and blanks that people fill."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from django.utils import timezone

from server.documents.report import Asked, Cell, Column, Paragraph, Style, Table
from server.documents.texts import Texts


def text(words: str, style: Style = Style.TEXT) -> Paragraph:
    return Paragraph(style=style, text=words)


def items(lines: Sequence[str]) -> Iterable[Paragraph]:
    """`- one;` a line, the last with a full stop."""
    for place, line in enumerate(lines, 1):
        yield text(f"- {line}{'.' if place == len(lines) else ';'}", Style.ITEM)


def day(on: date) -> str:
    """As a letter is cited: days below 10 and the months 1 and 2 with a nought."""
    return f"{on.day:02}/{on.month:02}/{on.year}" if on.month < 3 else f"{on.day:02}/{on.month}/{on.year}"


def on(day: date | None) -> str:
    """In a cell."""
    return f"{day:%d/%m/%Y}" if day else ""


def seen(at: datetime | None) -> str:
    """The day of a moment, in a cell."""
    return on(timezone.localdate(at)) if at else ""


def short(at: datetime | None) -> str:
    return f"{timezone.localtime(at):%d/%m/%Y %H:%M}" if at else ""


def running(words: str) -> str:
    """A title in the middle of a sentence: an abbreviation keeps its capitals."""
    return words[:1].lower() + words[1:] if words[1:2].islower() else words


def names_of(say: Texts, names: Iterable[str], most: int) -> str:
    """The first of them, and how many more there are."""
    every = list(names)
    shown = ", ".join(every[:most])
    return say("names_more", names=shown, count=len(every) - most) if len(every) > most else shown


def table(name: str, titles: Sequence[str], shares: Sequence[int], rows: Iterable[Sequence[Cell]], numbers: Iterable[int] = (), centred: Iterable[int] = (0,), **more: object) -> Table:  # fmt: skip
    """`numbers`, `centred`: columns that stand to the right, in the middle."""
    right, middle = set(numbers), set(centred)
    columns = tuple(
        Column(title=title, share=share, align="right" if at in right else "center" if at in middle else "left")
        for at, (title, share) in enumerate(zip(titles, shares, strict=True))
    )
    return Table(name=name[:31], columns=columns, rows=tuple(tuple(row) for row in rows), **more)


class Blanks:
    """What a paper asks of people, and what they have written."""

    def __init__(self, answers: dict[str, str] | None = None) -> None:
        self.answers = answers or {}
        self.asked: list[Asked] = []
        self.known: set[str] = set()
        """Ids that this paper may ask, also those it does not ask now since register or reports say it."""

    def said(self, id: str) -> str:
        """What a person wrote there; empty: nothing."""
        self.known.add(id)
        return self.answers.get(id, "").strip()

    def put(self, id: str, words: str) -> list[Paragraph]:
        """Their words, a paragraph a line; a marked blank until then."""
        said = self.said(id)
        self.asked.append(Asked(id=id, text=words, answer=said))
        return [text(line.strip()) for line in said.splitlines() if line.strip()] if said else [text(words, Style.BLANK)]
