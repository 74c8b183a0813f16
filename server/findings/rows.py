"""Many small rows written at once, as one statement where the database can unfold columns, and with what else waits to be written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection, models

from server.trips import Statement, ask, later

Row = Sequence[Any]
CHUNK = 100
"""Rows of one statement: SQLite takes no more than some thousand values."""


def insert(model: type[models.Model], columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Add rows that are not there yet. Numbers, times, UUIDs and None; no text, so that nothing has to be quoted."""
    table, names = connection.ops.quote_name(model._meta.db_table), ", ".join(columns)
    if connection.vendor == "postgresql":
        # each value costs time, so a column is one; and COPY would need a journey of its own
        if unfolded := [_array(column) for column in zip(*rows, strict=True)]:
            types = ", ".join(f"%s::{_type(model, name)}[]" for name in columns)
            later(Statement(f"INSERT INTO {table} ({names}) SELECT * FROM unnest({types})", unfolded))  # noqa: S608
        return
    marks = ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", [[*map(_plain, row)] for row in rows])  # noqa: S608


def new(model: type[models.Model], columns: Sequence[str], row: Row) -> bool:
    """Write a row unless there is one of its key; whether it was written."""
    table, names, marks = connection.ops.quote_name(model._meta.db_table), ", ".join(columns), ", ".join(["%s"] * len(columns))
    sql = f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608
    return ask(Statement(sql, [*map(_plain, row)])).written == 1


def upsert(model: type[models.Model], key: Sequence[str], columns: Sequence[str], rows: Sequence[Row], add: bool = False) -> None:
    """Write rows of (*key, *columns); where the key is there already, put the new values in their place, or `add` them."""
    table = connection.ops.quote_name(model._meta.db_table)
    names = ", ".join((*key, *columns))
    sets = ", ".join(f"{c} = {table}.{c} + excluded.{c}" if add else f"{c} = excluded.{c}" for c in columns)
    marks = f"({', '.join(['%s'] * (len(key) + len(columns)))})"
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        sql = (
            f"INSERT INTO {table} ({names}) VALUES {', '.join([marks] * len(part))}"  # noqa: S608  (names are constants)
            f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {sets}"
        )
        later(Statement(sql, [_plain(value) for row in part for value in row]))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, UUID):
        return value if connection.features.has_native_uuid_field else value.hex
    return value


@cache
def _type(model: type[models.Model], column: str) -> str:
    field = next(one for one in model._meta.concrete_fields if one.column == column)
    return str(field.rel_db_type(connection) if field.is_relation else field.db_type(connection))


def _array(column: Sequence[Any]) -> str:
    """As PostgreSQL writes an array. Rows of one report share their times, so each is written out once."""
    texts: dict[Any, str] = {None: "NULL"}

    def text(value: Any) -> str:
        if isinstance(value, int):
            return str(value)
        found = texts.get(value)
        if found is None:
            found = texts[value] = f'"{value.isoformat()}"' if isinstance(value, datetime) else str(value)
        return found

    return "{" + ",".join(map(text, column)) + "}"
