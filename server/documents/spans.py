"""The time a paper speaks of: a month, a quarter, a year, a day, or the moment it is made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils import timezone

DAY = timedelta(days=1)
MONTHS = {"month": 1, "quarter": 3, "year": 12}
ROMAN = ("I", "II", "III", "IV")
FORMS = {"year": "2026", "quarter": "2026-Q4", "month": "2026-11", "day": "2026-11-30", "": ""}
"""What each is written like."""
_WRITTEN = {
    "year": re.compile(r"(?P<year>20\d\d)"),
    "quarter": re.compile(r"(?P<year>20\d\d)-Q(?P<quarter>[1-4])"),
    "month": re.compile(r"(?P<year>20\d\d)-(?P<month>0[1-9]|1[0-2])"),
    "day": re.compile(r"20\d\d-\d\d-\d\d"),
}


@dataclass(frozen=True)
class Span:
    """Both days belong to it. Without a kind: the day it is made."""

    kind: str
    first: date
    last: date

    @property
    def written(self) -> str:
        """As parse() takes it: in addresses, on the command line, in Document.about."""
        if self.kind == "quarter":
            return f"{self.first.year}-Q{(self.first.month + 2) // 3}"
        return {"year": f"{self.first:%Y}", "month": f"{self.first:%Y-%m}", "day": f"{self.first:%Y-%m-%d}"}.get(self.kind, "")

    @property
    def said(self) -> str:
        """In a Vietnamese sentence: `tháng 11 năm 2026`."""
        if self.kind == "quarter":
            return f"quý {ROMAN[(self.first.month - 1) // 3]} năm {self.first.year}"
        if self.kind == "month":
            return f"tháng {self.first.month} năm {self.first.year}"
        if self.kind == "year":
            return f"năm {self.first.year}"
        return f"ngày {self.first:%d/%m/%Y}"

    @property
    def begins(self) -> datetime:
        """The first moment that belongs to it, in the collector's zone."""
        return timezone.make_aware(datetime.combine(self.first, time()))

    @property
    def ends(self) -> datetime:
        """The first moment that does not."""
        return timezone.make_aware(datetime.combine(self.last + DAY, time()))

    @property
    def before(self) -> Span:
        """The one of the same kind before it."""
        return containing(self.kind, self.first - DAY)

    @property
    def after(self) -> Span:
        return containing(self.kind, self.last + DAY)

    def over(self, today: date) -> bool:
        """What it speaks of changes no more. A moment is always over."""
        return self.kind == "" or today > self.last


def containing(kind: str, day: date) -> Span:
    """The span of that kind which has that day."""
    if kind not in MONTHS:
        return Span(kind, day, day)
    length = MONTHS[kind]
    first = date(day.year, (day.month - 1) // length * length + 1, 1)
    month = first.month - 1 + length
    return Span(kind, first, date(first.year + month // 12, month % 12 + 1, 1) - DAY)


def parse(kind: str, words: str, today: date) -> Span:
    """What was written, as FORMS shows; the moment of making for a kind without a time. Raises ValueError."""
    if kind == "":
        if words:
            raise ValueError(words)
        return Span("", today, today)
    found = _WRITTEN[kind].fullmatch(words)
    if found is None:
        raise ValueError(words)
    if kind == "day":
        return containing("day", date.fromisoformat(words))
    told = {name: int(value) for name, value in found.groupdict().items()}
    month = told.get("month") or told.get("quarter", 1) * 3
    return containing(kind, date(told["year"], month, 1))


def recent(kind: str, today: date, count: int) -> Iterator[Span]:
    """The one that today is in, and those before it."""
    span = containing(kind, today)
    for _turn in range(count):
        yield span
        span = span.before
