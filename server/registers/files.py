"""A register as a file, as it is read again: written while it is read, some hundred entries at a time."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import get_language

from server.registers.books import Book
from server.registers.columns import Column, text_of
from server.registers.history import line_of
from server.registers.reading import guarded
from server.web.spreadsheet import spoken
from server.web.workbook import as_workbook

SLICE = 500
HISTORY = 30
"""Newest changes of an entry that a file holds; the rest stands on its page."""
WIDTHS = {"text": 24, "day": 13, "choice": 18, "key": 9, "version": 9, "unit": 26, "unit_code": 12, "whole": 12, "shown": 26}


def workbook(book: Book, rows: QuerySet[Any]) -> StreamingHttpResponse:
    heading = [column.title for column in book.columns.values()]
    widths = [44 if column.long or column.id == "history" else WIDTHS[column.kind] for column in book.columns.values()]
    return as_workbook(cells(book, rows, days=True), heading, _name(book), str(book.title), widths)


def table(book: Book, rows: QuerySet[Any]) -> StreamingHttpResponse:
    """RFC 4180 in UTF-8 with a mark for Excel."""
    answer = StreamingHttpResponse(spoken(_lines(book, rows), get_language()), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{_name(book)}.csv"'
    return answer


def _name(book: Book) -> str:
    return f"rasoat-{book.name}-{timezone.localdate().isoformat()}"


class _Echo:
    def write(self, text: str) -> str:
        return text


def _lines(book: Book, rows: QuerySet[Any]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff"
    yield writer.writerow([guarded(column.title) for column in book.columns.values()])
    for row in cells(book, rows, days=False):
        yield writer.writerow([guarded("" if cell is None else str(cell)) for cell in row])


def cells(book: Book, rows: QuerySet[Any], days: bool) -> Iterator[list[Any]]:
    """A row for each entry, by number. `days`: days stay days, else they are text."""
    choices = {name: {code: str(word) for code, word in words.items()} for name, words in book.choices.items()}
    columns, after = tuple(book.columns.values()), 0
    while part := list(rows.filter(pk__gt=after).order_by("pk")[:SLICE]):
        past = _history(book, part, choices)
        for record in part:
            yield [_cell(record, column, choices, past, days) for column in columns]
        after = part[-1].pk


def _cell(record: Any, column: Column, choices: Any, past: dict[int, list[str]], days: bool) -> Any:
    name = column.id
    match column.kind:
        case "key":
            return record.pk
        case "version":
            return record.version
        case "unit":
            return record.unit.name
        case "unit_code":
            return record.unit.code
        case "shown":
            return "\n".join(past.get(record.pk, ())) if name == "history" else record.told_text(name)
    value = record.shown(name).value if name in record.read_fields else getattr(record, name)
    if column.kind == "text" or (days and column.kind in ("day", "whole")):
        return value
    return text_of(column, value, choices)


class _Past(NamedTuple):
    """A change, as far as a line of it needs."""

    entry: int
    at: datetime
    by: str
    kind: str
    field: str
    old: str
    new: str


def _history(book: Book, records: list[Any], choices: Any) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    changes = book.change.objects.filter(**{f"{book.owner}__in": records}).order_by("-at", "-pk")
    told = changes.values_list(f"{book.owner}_id", "at", "by", "kind", "field", "old", "new")
    for row in told.iterator(chunk_size=2000):
        change = _Past(*row)
        lines = found[change.entry]
        if len(lines) < HISTORY:
            lines.append(line_of(book, change, choices))
    return found
