"""What turned in the last day, or between two moments, by check: machines that fail anew, that were mended, that cannot be told any more.

A check that several requirements name turns under each of them: it is told once, by the rule under which most turned.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from server.findings import queries
from server.findings.models import Rule
from server.overview.words import Worded, worded
from server.units.models import Unit, User

SPAN = timedelta(days=1)
SHOWN = 8


@dataclass
class Turned:
    """A rule under which something turned. A verdict that turned twice counts twice."""

    words: Worded
    worse: int
    better: int
    unclear: int

    @property
    def most(self) -> int:
        return self.worse + self.better + self.unclear


@dataclass
class Changes:
    """Since a moment."""

    since: datetime
    worse: int
    better: int
    unclear: int
    rows: list[Turned]
    more: int


def changes(user: User, unit: Unit, now: datetime) -> Changes:
    return between(user, unit, now - SPAN)


def between(user: User | None, unit: Unit, since: datetime, until: datetime | None = None, shown: int = SHOWN) -> Changes:
    """What became known since a moment, and before another. For nobody of all of the unit and below: the console's."""
    turned = queries.turned_by_rule(user, unit, since, until)
    rules = Rule.objects.in_bulk(turned)
    by_check: dict[tuple[str, str], Turned] = {}
    for row in (_row(rules[pk], counts) for pk, counts in turned.items() if pk in rules):
        name = row.words.rule.baseline, row.words.rule.check_id
        if name not in by_check or row.most > by_check[name].most:
            by_check[name] = row
    rows = [row for row in by_check.values() if row.most]
    rows.sort(key=lambda one: (not one.worse, -one.words.rule.severity, -one.worse, -one.better, -one.unclear, one.words.rule.pk))
    worse, better, unclear = (sum(getattr(row, name) for row in rows) for name in ("worse", "better", "unclear"))
    return Changes(since, worse, better, unclear, rows[:shown], max(0, len(rows) - shown))


def _row(rule: Rule, counts: dict[tuple[str, str], int]) -> Turned:
    worse = sum(number for (_was, now), number in counts.items() if now == "fail")
    better = sum(number for (_was, now), number in counts.items() if now == "pass")
    return Turned(worded(rule), worse, better, sum(number for (_was, now), number in counts.items() if now == "unknown"))
