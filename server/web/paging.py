"""Pages of long lists."""

from __future__ import annotations

from typing import Any, TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)


class Keyed(Paginator[M]):
    """Finds a page by the keys of `found` alone, in its order, and reads `rows` for that page: what is joined to show a row is not
    carried through the sorting of all."""

    def __init__(self, found: QuerySet[M], rows: QuerySet[M], per_page: int, known: int | None = None) -> None:
        """`known`: how many are found, where that was counted already."""
        super().__init__(found.values_list("pk", flat=True), per_page)
        self._rows = rows
        if known is not None:
            self.count = known

    def _get_page(self, keys: Any, *more: Any, **other: Any) -> Page[M]:
        held = self._rows.in_bulk(list(keys))
        return Page([held[key] for key in keys if key in held], *more, **other)
