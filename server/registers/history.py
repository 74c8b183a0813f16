"""The history of an entry in words (quá trình sử dụng)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from server.registers.books import Book
from server.registers.record import Change

PARTS = {
    "maker": gettext_lazy("Maker"),
    "model": gettext_lazy("Model"),
    "cpu": gettext_lazy("Processor"),
    "memory_gib": gettext_lazy("Memory (GiB)"),
    "disks": gettext_lazy("Disks"),
    "machine": gettext_lazy("Machine"),
    "members": gettext_lazy("Members"),
}


class Told(NamedTuple):
    """A change, ready to be shown."""

    change: Any
    field: str
    old: str
    new: str


def told(book: Book, change: Any, choices: Mapping[str, Mapping[str, Any]] | None = None) -> Told:
    column = book.columns.get(change.field)
    field = column.title if column else str(PARTS.get(change.field, change.field))
    words = (book.choices if choices is None else choices).get(change.field, {})
    old, new = (str(words.get(text, text)) for text in (change.old, change.new))
    return Told(change, field, old, new)


def line_of(book: Book, change: Any, choices: Mapping[str, Mapping[str, Any]]) -> str:
    """One line of a file."""
    day = timezone.localtime(change.at).strftime("%d/%m/%Y")
    if change.kind == Change.CREATED:
        what = _("entered")
    elif change.kind == Change.NOTED:
        what = told(book, change, choices).new
    else:
        one = told(book, change, choices)
        what = f"{one.field}: {one.old or '–'} → {one.new or '–'}"
    return f"{day} {change.by}: {what}"
