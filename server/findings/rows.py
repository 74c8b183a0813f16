"""Many small rows written at once: COPY on PostgreSQL, one prepared statement on SQLite."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, models

Row = Sequence[Any]
CHUNK = 100
"""Rows of one statement: SQLite takes no more than some thousand values."""


def insert(model: type[models.Model], columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Add rows that are not there yet. Numbers, times, UUIDs and None; no text, so that nothing has to be quoted."""
    table, names = connection.ops.quote_name(model._meta.db_table), ", ".join(columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Django wraps what its own methods raise: a database that is full or gone must look here as it looks everywhere
            with connection.wrap_database_errors, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                copy.write(copied(rows))
        else:
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", [[*map(_plain, row)] for row in rows])  # noqa: S608


def new(model: type[models.Model], columns: Sequence[str], row: Row) -> bool:
    """Write a row unless there is one of its key; whether it was written."""
    table, names, marks = connection.ops.quote_name(model._meta.db_table), ", ".join(columns), ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING", [*map(_plain, row)])  # noqa: S608
        return bool(cursor.rowcount == 1)


def upsert(model: type[models.Model], key: Sequence[str], columns: Sequence[str], rows: Sequence[Row], add: bool = False) -> None:
    """Write rows of (*key, *columns); where the key is there already, put the new values in their place, or `add` them."""
    table = connection.ops.quote_name(model._meta.db_table)
    names = ", ".join((*key, *columns))
    sets = ", ".join(f"{c} = {table}.{c} + excluded.{c}" if add else f"{c} = excluded.{c}" for c in columns)
    marks = f"({', '.join(['%s'] * (len(key) + len(columns)))})"
    with connection.cursor() as cursor:
        for start in range(0, len(rows), CHUNK):
            part = rows[start : start + CHUNK]
            cursor.execute(
                f"INSERT INTO {table} ({names}) VALUES {', '.join([marks] * len(part))}"  # noqa: S608  (names are constants)
                f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {sets}",
                [_plain(value) for row in part for value in row],
            )


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, UUID):
        return value if connection.features.has_native_uuid_field else value.hex
    return value


def copied(rows: Iterable[Row]) -> str:
    """In the text format of COPY. Rows of one report share their times, so each is written out once."""
    times: dict[datetime, str] = {}

    def text(value: Any) -> str:
        if value is None:
            return r"\N"
        if isinstance(value, datetime):
            found = times.get(value)
            if found is None:
                found = times[value] = value.isoformat()
            return found
        return str(value)

    return "".join("\t".join(map(text, row)) + "\n" for row in rows)
