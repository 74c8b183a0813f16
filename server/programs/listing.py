"""Long lists, a page at a time, or all of them as CSV.

Pages go by the last key seen, not by number: the hundredth costs what the first does, and nothing is shown twice or skipped
when rows come and go meanwhile.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils import timezone
from ninja import Field, Schema

MOST = 500


class PageIn(Schema):
    """How a list is asked for."""

    limit: int = Field(100, ge=1, le=MOST, description="Rows of a page")
    after: int = Field(0, ge=0, le=2**63 - 1, description="`next` of the page before")
    format: str = Field("json", pattern="^(json|csv)$", description="csv: all rows that fit, not one page")


CSV = {"responses": {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}}
"""For the API's document: such a list may be answered as CSV."""


def page(rows: QuerySet[Any], asked: PageIn, row: Callable[[Any], dict[str, Any]]) -> Any:
    """{items, next}: `next` goes into `after`; null at the end. For csv the answer itself, written while it is read."""
    ordered = rows.order_by("pk")
    if asked.format == "csv":
        return as_csv(ordered.iterator(chunk_size=MOST), row)
    found = list(ordered.filter(pk__gt=asked.after)[: asked.limit + 1])
    more = len(found) > asked.limit
    kept = found[: asked.limit]
    return {"items": [row(one) for one in kept], "next": kept[-1].pk if more else None}


def as_csv(rows: Iterator[Any], row: Callable[[Any], dict[str, Any]]) -> StreamingHttpResponse:
    """UTF-8 with a mark, for Excel; the heading is the JSON's own names."""
    answer = StreamingHttpResponse(_lines(rows, row), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="rasoat.csv"'
    return answer


class _Echo:
    """Gives back what csv writes."""

    def write(self, text: str) -> str:
        return text


def _lines(rows: Iterator[Any], row: Callable[[Any], dict[str, Any]]) -> Iterator[str]:
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
