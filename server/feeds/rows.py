"""Rows of a generation, gathered per table and written at once: COPY on PostgreSQL, one prepared statement on SQLite."""

from __future__ import annotations

from typing import Any, Final

from django.db import connection, models

from server.feeds import models as tables
from server.feeds.models import Content
from server.feeds.parsers.rows import Row

SLICE: Final = 5000
"""Rows of one transaction."""
PROSE: Final = {"title", "note", "name", "condition", "source", "issuer", "urgency"}
"""May be cut to what their column holds. Anything else that is too long is not what the format says."""


class Unfit(ValueError):
    """A value no column can hold."""


class Batch:
    """Rows that are not written yet."""

    def __init__(self, generation: int) -> None:
        self._generation = generation
        self._rows: dict[type[Row], list[tuple[Any, ...]]] = {}
        self.waiting = self.written = 0

    def add(self, row: Row) -> None:
        """Raises Unfit."""
        self._rows.setdefault(type(row), []).append((*_fitted(row), self._generation))
        self.waiting += 1

    @property
    def full(self) -> bool:
        return self.waiting >= SLICE

    def write(self) -> None:
        """To be called in a transaction."""
        for kind, rows in self._rows.items():
            _insert(table_of(kind), (*kind._fields, "generation_id"), rows)
        self.written += self.waiting
        self._rows, self.waiting = {}, 0


def table_of(kind: type[Row]) -> type[Content]:
    """AffectedRow -> Affected."""
    found: type[Content] = getattr(tables, kind.__name__.removesuffix("Row"))
    return found


def _insert(model: type[Content], columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    table = connection.ops.quote_name(model._meta.db_table)
    names = ", ".join(map(connection.ops.quote_name, columns))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with connection.wrap_database_errors, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # noqa: S608  (names are constants)


_widths: dict[type[Row], tuple[tuple[int, bool], ...]] = {}


def _fitted(row: Row) -> tuple[Any, ...]:
    """The values as their columns hold them. PostgreSQL refuses what is too long, SQLite does not: here both do."""
    kind = type(row)
    if (widths := _widths.get(kind)) is None:
        widths = _widths[kind] = tuple(_width(table_of(kind), name) for name in kind._fields)
    cut: list[Any] | None = None
    values: tuple[Any, ...] = row
    for place, (value, (width, prose)) in enumerate(zip(values, widths, strict=True)):
        if not width:
            continue
        if len(value) > width:
            if not prose:
                raise Unfit(f"{kind._fields[place]} is longer than {width}: {value[:40]!r}...")
            cut = [*values] if cut is None else cut
            cut[place] = value[:width]
        if "\0" in value:
            raise Unfit(f"{kind._fields[place]} holds a null character")
    return tuple(cut) if cut is not None else row


def _width(model: type[models.Model], name: str) -> tuple[int, bool]:
    """How long a text may be, and whether it may be cut; 0: no text."""
    field = model._meta.get_field(name)
    return getattr(field, "max_length", None) or 0, name in PROSE
