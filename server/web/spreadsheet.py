"""Tables for spreadsheets: written while they are read, and no cell of them is a formula."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import get_language, override


def as_csv(rows: Iterator[Any], row: Callable[[Any], dict[str, Any]], name: str = "rasoat") -> StreamingHttpResponse:
    """UTF-8 with a mark, for Excel; the heading is the keys of what `row` gives, and nothing where there is no row."""
    answer = StreamingHttpResponse(_lines(rows, row, get_language()), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


class _Echo:
    """Gives back what csv writes."""

    def write(self, text: str) -> str:
        return text


def _lines(rows: Iterator[Any], row: Callable[[Any], dict[str, Any]], language: str | None) -> Iterator[str]:
    # the request is over when this runs, and with it the language of whoever asked
    with override(language):
        yield from _written(rows, row)


def _written(rows: Iterator[Any], row: Callable[[Any], dict[str, Any]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    heading = False
    yield "\ufeff"
    for one in rows:
        cells = row(one)
        if not heading:
            yield writer.writerow(cells)
            heading = True
        yield writer.writerow([plain(cell) for cell in cells.values()])


def plain(cell: Any) -> str:
    """Text a spreadsheet takes for text: what would begin a formula gets an apostrophe."""
    if isinstance(cell, datetime):
        return timezone.localtime(cell).isoformat(" ", "seconds")
    text = "" if cell is None else str(cell)
    return f"'{text}" if isinstance(cell, str) and text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
