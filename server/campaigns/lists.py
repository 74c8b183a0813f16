"""Lists and letters of warning that a campaign names by number (server/sweeps), as they stand on the machines of its scope.

No machine is done or not done by a list. A number that nothing here has is told as not available, never as nothing found.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from django.db.models import Count, QuerySet

from server.campaigns.account import Account
from server.sweeps import codes
from server.sweeps import state as standing
from server.sweeps.models import Letter, Sheet

WORDS: dict[str, Any] = {**codes.STATE_TITLES, **codes.VERDICTS}


class ListState(NamedTuple):
    """How one list stands for what one person sees."""

    title: str
    counts: dict[str, int]
    """Word of sweeps' codes -> machines; together the scope. Empty: it was not written down yet who is in it."""

    @property
    def told(self) -> list[tuple[str, int]]:
        return [(str(WORDS[word]), count) for word, count in self.counts.items()]


def states(number: str, account: Account | None) -> list[ListState]:
    """Of all that bear that number; none: not available. Whom nothing was held against counts as not known."""
    letters, sheets = list(Letter.objects.filter(number__iexact=number)), list(Sheet.objects.filter(number__iexact=number))
    if account is None or not (letters or sheets):
        return [ListState(_title(one), {}) for one in letters] + [ListState(_title(one), {}) for one in sheets]
    machines, scope = account.machines(), account.sum(None).scope
    found = [
        ListState(_title(one), _counts(standing.concerned(machines, one), "state", codes.STATES, codes.CANNOT_TELL, scope))
        for one in letters
    ]
    return found + [
        ListState(_title(one), _counts(standing.judged(machines, one), "verdict", codes.VERDICTS, codes.NOT_KNOWN, scope))
        for one in sheets
    ]


def _title(one: Letter | Sheet) -> str:
    return one.title or one.issuer or one.number


def _counts(rows: QuerySet[Any], column: str, words: Any, unknown: str, scope: int) -> dict[str, int]:
    """Those of the scope of which no machine is known, or which is seen by others only, are not left out."""
    counted = Counter({row[column]: row["count"] for row in rows.order_by().values(column).annotate(count=Count("pk"))})
    counted[unknown] += scope - counted.total()
    return {word: counted[word] for word in words}
