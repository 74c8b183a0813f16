"""What papers take from the registers: entries with what machines read, and their history in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet

from server.documents.report import Cell
from server.documents.texts import Texts
from server.documents.wanted import Wanted
from server.documents.writing import on, seen
from server.registers.books import BOOKS, Book, whole
from server.registers.history import told
from server.registers.models import Item
from server.registers.record import Change

HISTORY = 20
"""Newest changes of an entry that a cell holds; the rest stands in the register."""
SLICE = 500


def entries(of: Wanted) -> list[Item]:
    """Devices of the unit and below, as the pages show them."""
    return list(whole(of.rows(Item)).order_by("unit__path", "name", "pk"))


def device(item: Item, say: Texts) -> dict[str, Cell]:
    """Its fields by the names of columns.yaml, each as a paper prints it. What nobody wrote down is empty."""
    kinds, states, places = (BOOKS["equipment"].choices[name] for name in ("device_class", "state", "warranty_place"))
    terms = (str(places.get(item.warranty_place, "")), item.warranty_terms)
    return {
        "id": item.pk, "name": item.shown("name").value, "device_class": str(kinds.get(item.device_class, item.device_class)),
        "unit": item.unit.name, "serial": item.shown("serial").value, "configuration": item.shown("configuration").value,
        "equipped": on(item.equipped), "supplier": item.supplier, "warranty_until": on(item.warranty_until),
        "warranty": "; ".join(filter(None, terms)), "person": item.person, "tag": item.tag,
        "state": str(states.get(item.state, item.state)), "read": read_by_machine(item, say),
    }  # fmt: skip


def read_by_machine(item: Item, say: Texts) -> str:
    """Which fields its machine told, and the day of the report; empty: people wrote all of them."""
    titles = BOOKS["equipment"].columns
    read = [titles[name].vi for name in item.read_fields if item.shown(name).read]
    if not read:
        return ""
    day = seen(item.seen_at)
    return say("read", fields=", ".join(read), day=day) if day else say("read_never", fields=", ".join(read))


def history(book: Book, changes: QuerySet[Any], records: Sequence[Any], most: int = HISTORY) -> Mapping[int, list[str]]:
    """Entry -> its changes, the oldest first, of the newest `most`. Who wrote them stands in the register, and on no paper."""
    choices = {name: {code: str(word) for code, word in words.items()} for name, words in book.choices.items()}
    found: dict[int, list[str]] = defaultdict(list)
    more: dict[int, int] = defaultdict(int)
    for part in _slices(records):
        rows = changes.filter(**{f"{book.owner}__in": part}).order_by("-at", "-pk")
        for change in rows.iterator(chunk_size=2000):
            entry = getattr(change, f"{book.owner}_id")
            if len(found[entry]) < most:
                found[entry].append(line(book, change, choices))
            else:
                more[entry] += 1
    return {entry: [f"(+{more[entry]})"] * bool(more[entry]) + lines[::-1] for entry, lines in found.items()}


def line(book: Book, change: Any, choices: Mapping[str, Mapping[str, Any]]) -> str:
    """`15/11/2026: Cán bộ sử dụng: A → B`"""
    return f"{seen(change.at)}: {what(book, change, choices)}"


def what(book: Book, change: Any, choices: Mapping[str, Mapping[str, Any]]) -> str:
    one = told(book, change, choices)
    if change.kind == Change.CREATED:
        return str(dict(Change.KINDS)[Change.CREATED])
    if change.kind == Change.NOTED:
        return one.new
    return f"{one.field}: {one.old or '–'} → {one.new or '–'}"


def _slices(records: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (records[start : start + SLICE] for start in range(0, len(records), SLICE))


def numbered(rows: Iterable[Sequence[Cell]]) -> list[tuple[Cell, ...]]:
    return [(place, *row) for place, row in enumerate(rows, 1)]
