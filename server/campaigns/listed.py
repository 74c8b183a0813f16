"""The rows of a campaign in the order of its pages, of which a page reads few."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import overload

from django.db.models import QuerySet

from server.campaigns.models import Row


class Listed:
    """A sequence for a Paginator. How many rows each part has is known, so those of a slice are read from their own parts alone,
    and not looked for among all."""

    def __init__(self, rows: QuerySet[Row], counts: Mapping[int, int]) -> None:
        """`counts`: part -> how many of `rows` are of it, in the order of paths; those of other parts are left out."""
        self._rows = rows.order_by("part__path", "name", "pk")
        self._counts = counts
        self._length = sum(counts.values())

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Row]:
        return iter(self[:])

    @overload
    def __getitem__(self, span: int) -> Row: ...

    @overload
    def __getitem__(self, span: slice) -> list[Row]: ...

    def __getitem__(self, span: int | slice) -> Row | list[Row]:
        if isinstance(span, int):
            return self[span : span + 1][0]
        first, after, _step = span.indices(self._length)
        parts, skipped, begin = [], 0, 0
        for pk, count in self._counts.items():
            end = begin + count
            if end <= first:
                skipped = end
            elif begin < after and count:
                parts.append(pk)
            begin = end
        return list(self._rows.filter(part__in=parts)[first - skipped : after - skipped]) if parts else []
