"""What a chart draws, and the table that says the same in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.utils.translation import gettext, ngettext

from server.findings import queries
from server.findings.queries import Day
from server.units.models import Unit, User

SPANS = (30, 90, 365)
TABLE = 15
"""Days of the table: the newest."""


@dataclass
class Trend:
    """Days of a unit, oldest first. A day that was not rolled up is a gap, not a nought."""

    days: int
    found: list[Day]

    @property
    def drawn(self) -> bool:
        return len(self.found) > 1

    @property
    def table(self) -> list[Day]:
        return self.found[: -TABLE - 1 : -1]

    @property
    def chart(self) -> dict[str, Any]:
        """For static/rasoat/chart.js."""
        by_date = {day.date: day for day in self.found}
        first, last = self.found[0].date, self.found[-1].date
        line = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        told = [by_date.get(day) for day in line]
        series = [
            {"label": gettext("Fail"), "tone": "fail", "values": [day.fail if day else None for day in told]},
            {"label": gettext("Unknown"), "tone": "unknown", "values": [day.unknown if day else None for day in told]},
            {"label": gettext("Pass"), "tone": "pass", "values": [day.passed if day else None for day in told]},
        ]
        return {"days": [_noon(day) for day in line], "series": series, "day": gettext("Day")}

    @property
    def said(self) -> str:
        """What the picture shows, in one sentence."""
        first, last = self.found[0], self.found[-1]
        said = gettext("From %(first)s to %(last)s: fails from %(a)s to %(b)s, unknown from %(c)s to %(d)s.") % {
            "first": f"{first.date:%d/%m/%Y}", "last": f"{last.date:%d/%m/%Y}",
            "a": first.fail, "b": last.fail, "c": first.unknown, "d": last.unknown,
        }  # fmt: skip
        lacking = (last.date - first.date).days + 1 - len(self.found)
        if not lacking:
            return said
        return (
            said
            + " "
            + ngettext("Of %d day between nothing is known.", "Of %d days between nothing is known.", lacking) % lacking
        )


def trend(user: User, unit: Unit, today: date, asked: str, rule: int | None = None) -> Trend:
    days = int(asked) if asked in {str(span) for span in SPANS} else SPANS[0]
    return Trend(days, queries.trend(user, unit, today, days, rule=rule))


def _noon(day: date) -> int:
    """Seconds of a moment inside that day, whatever the reader's clock."""
    return int(datetime.combine(day, time(12), UTC).timestamp())
