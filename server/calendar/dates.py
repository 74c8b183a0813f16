"""The days that law and documents name: dates.yaml, and when each of them falls."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from django.conf import settings
from django.utils.translation import get_language
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from baselines.model import Text

MONTHS = {"month": 1, "quarter": 3, "half": 6, "year": 12}
DAY = timedelta(days=1)


class When(BaseModel):
    """One of these, and no other."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    yearly: tuple[str, ...] = ()
    quarterly: int | None = Field(None, ge=1, le=28)
    end_of: Literal["month", "quarter", "half", "year"] | None = None
    once: date | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(map(bool, (self.yearly, self.quarterly, self.end_of, self.once))) != 1:
            raise ValueError("when: exactly one of yearly, quarterly, end_of, once")
        for told in self.yearly:
            date.fromisoformat(f"2027-{told}")
        return self

    def between(self, first: date, last: date) -> Iterator[date]:
        """The days of that span, both ends included."""
        if self.once is not None:
            yield from [self.once] if first <= self.once <= last else []
            return
        for year in range(first.year, last.year + 1):
            for day in self._of(year):
                if first <= day <= last:
                    yield day

    def _of(self, year: int) -> Iterator[date]:
        if self.yearly:
            yield from (date.fromisoformat(f"{year}-{told}") for told in sorted(self.yearly))
        elif self.quarterly:
            yield from (date(year, month, self.quarterly) for month in (1, 4, 7, 10))
        elif self.end_of:
            step = MONTHS[self.end_of]
            for month in range(step, 13, step):
                yield date(year, month, calendar.monthrange(year, month)[1])

    @property
    def period(self) -> int:
        """Days from one to the next, about; a reminder longer before than half of it would be of the one before."""
        if self.end_of:
            return MONTHS[self.end_of] * 30
        return 90 if self.quarterly else 365


class Source(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    document: str
    clause: Text


class Rule(BaseModel):
    """A day that a text names, or that follows from it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9-]{3,60}$")
    title: Text
    who: Text
    when: When
    before: bool = False
    derived: bool = False
    source: Source
    wording: Literal["seen", "not_seen"]
    where: Literal["centre", "below", "none"]
    note: Text | None = None
    paper: Literal["executive", "monthly", "equipment", "yearly", "effectiveness"] | None = None
    """Of server/documents/kinds.PREPARED: what is handed in by that day."""

    def last(self, day: date) -> date:
        """The last day on which it is done in time."""
        return day - DAY if self.before else day


class Unreadable(ValueError):
    """The administrator's file is not of that form. The message says where."""


def rules() -> dict[str, Rule]:
    """By id, in the order of the file; those of the data directory beside ours and in place of them. Raises Unreadable."""
    own: Path = settings.DATA.root / "calendar.yaml"
    return _shipped() | (_read(own.read_text("utf-8"), str(own)) if own.exists() else {})


@cache
def _shipped() -> dict[str, Rule]:
    return _read(files("server.calendar").joinpath("dates.yaml").read_text("utf-8"), "dates.yaml")


def _read(text: str, name: str) -> dict[str, Rule]:
    try:
        found: Any = yaml.safe_load(text)
        read = [Rule.model_validate(one) for one in found]
    except (yaml.YAMLError, ValidationError, TypeError) as error:
        raise Unreadable(f"{name}: {error}") from None
    if len({one.id for one in read}) != len(read):
        raise Unreadable(f"{name}: an id stands there twice")
    return {one.id: one for one in read}


def text(both: Text) -> str:
    """In the language of the page."""
    return str(both.vi if (get_language() or "vi").startswith("vi") else both.en)
