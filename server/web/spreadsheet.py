"""Tables for spreadsheets: written while they are read, and no cell of them is a formula."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.core.serializers.json import DjangoJSONEncoder
from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import get_language, override

T = TypeVar("T")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a cell begins that some spreadsheet computes; the wide ones are taken for the narrow by those of East Asia."""


def as_csv(
    rows: Iterator[Any],
    row: Callable[[Any], dict[str, Any]],
    name: str = "rasoat",
    heading: Sequence[str] = (),
    bom: bool = True,
) -> StreamingHttpResponse:
    """RFC 4180 in UTF-8, with a mark for Excel; without a heading: the keys of what `row` gives, and nothing where there is no row."""
    lines = spoken(written(rows, row, heading, bom), get_language())
    answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


class _Echo:
    """Gives back what csv writes."""

    def write(self, text: str) -> str:
        return text


def spoken(lines: Iterator[T], language: str | None) -> Iterator[T]:
    """The same, made in that language."""
    # the request is over when this runs, and with it the language of whoever asked
    with override(language):
        yield from lines


def written(
    rows: Iterator[Any], row: Callable[[Any], dict[str, Any]], heading: Sequence[str] = (), bom: bool = True
) -> Iterator[str]:
    """The lines, one at a time."""
    writer = csv.writer(_Echo())
    if bom:
        yield "\ufeff"
    if heading:
        yield writer.writerow(heading)
    for one in rows:
        cells = row(one)
        if not heading:
            heading = list(cells)
            yield writer.writerow(heading)
        yield writer.writerow([plain(cells[name]) for name in heading])


def plain(cell: Any) -> str:
    """Text a spreadsheet takes for text: what would begin a formula gets an apostrophe."""
    if isinstance(cell, datetime):
        return timezone.localtime(cell).isoformat(" ", "seconds")
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, dict | list | tuple):
        return json.dumps(cell, ensure_ascii=False, cls=DjangoJSONEncoder)
    text = "" if cell is None else str(cell)
    return f"'{text}" if isinstance(cell, str) and text.startswith(FORMULA) else text
