"""Statements that go to the database together. On PostgreSQL a journey there and back costs more than most of what it carries.

For the path every report takes, and nowhere else. Inside `gathered` what only writes waits until something is asked, and goes
along with it in the order it was given; `ahead` asks several questions at once and holds the answers for those who ask a moment
later. Whatever else is sent to the database (a savepoint, a queryset, the end of the transaction) goes after what waits, so
nothing sees a state that it would not have seen had each statement gone alone. SQLite has no way to go: there each one goes at once.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.db import connection


class Statement(NamedTuple):
    """As the database gets it."""

    sql: str
    parameters: Sequence[Any]


class Answer(NamedTuple):
    """What came of a statement."""

    rows: list[tuple[Any, ...]]
    """Empty for one that gives none."""
    written: int
    """Rows it gave, or wrote."""


class _Here(threading.local):
    def __init__(self) -> None:
        self.waits: deque[Statement] | None = None
        """None outside `gathered`."""
        self.told: dict[Statement, Answer] = {}


_here = _Here()


@contextmanager
def gathered() -> Iterator[None]:
    """Inside a transaction, and ended before it: what is given to `later` waits. An exception drops it, as the transaction drops the rest."""
    if connection.vendor != "postgresql" or _here.waits is not None:
        yield
        return
    _here.waits = deque()
    try:
        with connection.execute_wrapper(_after_what_waits):
            yield
            flush()
    finally:
        _here.waits = None


def later(statement: Statement) -> None:
    """Write, and nobody waits for how many rows there were."""
    if _here.waits is None:
        _sent([statement])
    else:
        _here.waits.append(statement)


def flush() -> None:
    """Send what waits."""
    if _here.waits:
        _sent([])


def ask(statement: Statement) -> Answer:
    """Send it, after what waits. The answer of `ahead` where it was asked there; each is given out once."""
    told = _here.told.pop(_key(statement), None) if _here.told else None
    return told if told is not None else _sent([statement])[-1]


@contextmanager
def ahead(*statements: Statement) -> Iterator[None]:
    """Questions that are asked inside, at once. Nothing in between may change what they are about."""
    keys = [_key(one) for one in statements] if connection.vendor == "postgresql" else []
    if keys:
        _here.told |= zip(keys, _sent(statements), strict=True)
    try:
        yield
    finally:
        for key in keys:
            _here.told.pop(key, None)


def _key(statement: Statement) -> Statement:
    return Statement(statement.sql, tuple(statement.parameters))


def _sent(statements: Sequence[Statement]) -> list[Answer]:
    """What waits, and these after it; the answers to these."""
    waited, _here.waits = _here.waits, None if _here.waits is None else deque()
    every = [*(waited or ()), *statements]
    with connection.cursor() as cursor:
        if len(every) == 1 or connection.vendor != "postgresql":
            answers = []
            for one in every:
                cursor.execute(one.sql, one.parameters)
                answers.append(_answer(cursor))
        else:
            cursor.execute("; ".join(one.sql for one in every), [value for one in every for value in one.parameters])
            answers = [_answer(cursor)]
            while cursor.nextset():
                answers.append(_answer(cursor))
    return answers[len(every) - len(statements) :]


def _answer(cursor: Any) -> Answer:
    rows = cursor.fetchall() if cursor.description else []
    return Answer(rows, cursor.rowcount)


def _after_what_waits(execute: Any, sql: str, parameters: Any, many: bool, context: dict[str, Any]) -> Any:
    flush()
    return execute(sql, parameters, many, context)
