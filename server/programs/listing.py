"""Long lists, a page at a time, or all of them as CSV.

Pages go by the last key seen, not by number: the hundredth costs what the first does, and nothing is shown twice or skipped
when rows come and go meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Field, Schema

from server.web.spreadsheet import as_csv

MOST = 500
JSON, TEXT = "application/json", "text/csv"


class ListIn(Schema):
    """How every list may be asked for."""

    format: str = Field("", pattern="^(json|csv)?$", description="csv, or Accept: text/csv: all rows that fit, not one page")
    bom: bool = Field(True, description="csv: begins with the mark by which Excel knows UTF-8")


class PageIn(ListIn):
    """How a long one is."""

    limit: int = Field(100, ge=1, le=MOST, description="Rows of a page")
    after: int = Field(0, ge=0, le=2**63 - 1, description="`next` of the page before")


CSV = {"responses": {200: {"content": {TEXT: {"schema": {"type": "string"}}}}}}
"""For the API's document: such a list may be answered as CSV."""


def wants_csv(request: HttpRequest, asked: ListIn) -> bool:
    """By the address, which counts more, or by the header."""
    return asked.format == "csv" or (not asked.format and request.get_preferred_type([JSON, TEXT]) == TEXT)


def page(
    request: HttpRequest, rows: QuerySet[Any], asked: PageIn, shape: type[Schema], row: Callable[[Any], dict[str, Any]]
) -> Any:
    """{items, next}: `next` goes into `after`; null at the end. For csv the answer itself, written while it is read."""
    return page_of(request, rows, asked, shape, lambda part: map(row, part))


def page_of(
    request: HttpRequest,
    rows: QuerySet[Any],
    asked: PageIn,
    shape: type[Schema],
    told: Callable[[list[Any]], Iterable[dict[str, Any]]],
) -> Any:
    """`page`, of rows beside which something is asked: once for a page, or for as many at a time of a csv."""
    ordered = rows.order_by("pk")
    if wants_csv(request, asked):
        return table(asked, shape, _in_slices(ordered.iterator(chunk_size=MOST), told))
    found = list(ordered.filter(pk__gt=asked.after)[: asked.limit + 1])
    more = len(found) > asked.limit
    kept = found[: asked.limit]
    return {"items": list(told(kept)), "next": kept[-1].pk if more else None}


def _in_slices(rows: Iterator[Any], told: Callable[[list[Any]], Iterable[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    while part := list(islice(rows, MOST)):
        yield from told(part)


def table(asked: ListIn, shape: type[Schema], rows: Iterable[dict[str, Any]]) -> Any:
    """CSV of rows of that shape; its heading stands there without any row too."""
    name = shape.__name__.removesuffix("Out").lower()
    return as_csv(iter(rows), dict, f"rasoat-{name}", heading=list(shape.model_fields), bom=asked.bom)


def walk(ask: Callable[[Any], list[Any]], key: Callable[[Any], Any]) -> Iterator[Any]:
    """Every row of a question that takes the key of the last one and gives the next ones; none is the end."""
    after = None
    while found := ask(after):
        yield from found
        after = key(found[-1])
