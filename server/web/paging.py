"""Pages of long lists."""

from __future__ import annotations

from typing import Any, TypeVar, cast

from django.core.paginator import Page, Paginator
from django.db.models import Count, Model, QuerySet, Window

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


class AtOnce(Paginator[M]):
    """Counts what is found while it reads a page: what is dear to find is looked for once, not twice."""

    def get_page(self, number: Any) -> Page[M]:
        told = str(number or "1")
        if not told.isascii() or not told.isdecimal() or len(told) > 8 or not (wanted := int(told)):
            return super().get_page(number)
        rows = cast("QuerySet[M]", self.object_list)
        first = self.per_page * (wanted - 1)
        found: list[Any] = list(rows.annotate(found_in_all=Window(Count("*")))[first : first + self.per_page])
        if not found and wanted > 1:
            return super().get_page(number)
        self.count = found[0].found_in_all if found else 0
        return Page(found, wanted, self)
