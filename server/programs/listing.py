"""Long lists, a page at a time, or all of them as CSV.

Pages go by the last key seen, not by number: the hundredth costs what the first does, and nothing is shown twice or skipped
when rows come and go meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from ninja import Field, Schema

from server.web.spreadsheet import as_csv

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
