"""Some columns of a table, read with GETBULK side by side: what to ask next, what came, and when to stop believing."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.errors import Unparsable
from collectors.transports.base import Value

MAX_ROWS = 20_000
"""Rows of one column; a table that is longer is not read, and never cut silently."""

MAX_COLUMNS = 8
PER_ANSWER = 64
"""Values asked for in one answer: about 1,400 bytes, so that it seldom needs more than one packet."""


class Walk:
    """State of one walk. `next()` names the OIDs to go on from; () when every column has come to its end."""

    def __init__(self, columns: Sequence[str], expect: int, place: str) -> None:
        self.rows: dict[str, dict[str, Value]] = {column: {} for column in columns}
        self._place = place
        self._at = {column: _numbers(column) for column in columns}
        self._open = list(columns)
        self._expect = max(1, expect) + 1
        """One row more than there are shows the end in the same answer."""
        self._most = PER_ANSWER
        self._asked: list[str] = []

    @property
    def repetitions(self) -> int:
        return max(1, min(self._expect, self._most // max(1, len(self._asked))))

    def next(self) -> tuple[str, ...]:
        self._asked = self._open[:MAX_COLUMNS]
        return tuple(".".join(map(str, self._at[column])) for column in self._asked)

    def smaller(self) -> bool:
        """The agent said "too big": ask for less. False when there is nothing less to ask for."""
        if self.repetitions == 1:
            return False
        self._most = max(1, self.repetitions * len(self._asked) // 2)
        self._expect = max(1, self._expect // 2)
        return True

    def take(self, binds: Sequence[tuple[str, Value | None]]) -> None:
        """Raises Unparsable when the agent does not go forward, or when there is no end to it."""
        if not binds:
            raise Unparsable(f"{self._place}: the agent answered a table with nothing")
        width = len(self._asked)
        ended: set[str] = set()
        for place, (oid, value) in enumerate(binds):
            column = self._asked[place % width]
            if column in ended:
                continue
            if value is None or not oid.startswith(f"{column}."):
                ended.add(column)
                continue
            here = _numbers(oid)
            if here <= self._at[column]:
                raise Unparsable(f"{self._place}: the agent's table {column} runs in circles at {oid}")
            self._at[column] = here
            rows = self.rows[column]
            rows[oid[len(column) + 1 :]] = value
            if len(rows) > MAX_ROWS:
                raise Unparsable(f"{self._place}: the table {column} has more than {MAX_ROWS} rows; it was not read to its end")
        self._open = [column for column in self._open if column not in ended]
        # what was expected did not end it: the table is longer, so fill the answers
        self._expect = PER_ANSWER


def _numbers(oid: str) -> tuple[int, ...]:
    return tuple(map(int, oid.split(".")))
