"""A register as a file, as it is read again: written while it is read, some hundred entries at a time."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import get_language

from server.registers.books import Book, filed, lend_units
from server.registers.columns import Column, text_of
from server.registers.history import line_of
from server.registers.models import Item
from server.registers.reading import guarded
from server.web.spreadsheet import spoken
from server.web.workbook import as_workbook

SLICE, FEW = 500, 100
"""Entries that are read at a time; those of which each names machines by the hundred go in smaller parts."""
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
    made = [_cell(book, column, choices, days) for column in book.columns.values()]
    rows, size = filed(rows).order_by("pk"), SLICE if book.model is Item else FEW
    part = list(rows[:size])
    while part:
        if book.model is Item:
            lend_units([*part, *(one.machine for one in part if one.machine is not None)])
        past, texts = _history(book, part, choices), book.model.told_texts(part)
        for record in part:
            told = texts[record.pk] | {"history": "\n".join(past.get(record.pk, ()))}
            yield [cell(record, told) for cell in made]
        part = list(rows.filter(pk__gt=part[-1].pk)[:size]) if len(part) == size else []


def _cell(book: Book, column: Column, choices: Any, days: bool) -> Callable[[Any, Mapping[str, str]], Any]:
    """How a cell of that column is made of an entry, and of what was asked for beside it."""
    name = column.id
    match column.kind:
        case "key":
            return lambda record, _told: record.pk
        case "version":
            return lambda record, _told: record.version
        case "unit":
            return lambda record, _told: record.unit.name
        case "unit_code":
            return lambda record, _told: record.unit.code
        case "shown":
            return lambda _record, told: told[name]
    if name in book.model.read_fields:
        return lambda record, _told: record.shown(name).value
    if column.kind == "text" or (days and column.kind in ("day", "whole")):
        return lambda record, _told: getattr(record, name)
    return lambda record, _told: text_of(column, getattr(record, name), choices)


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
