"""Keeping the index like the things it leads to. Written at once where a person or a machine changes one thing; what goes past
that (imports, updates of many rows) is found by comparing, every few minutes and in slices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from django.db import transaction

from server.search.models import Entry, Word
from server.search.sources import SOURCES, Source
from server.search.words import told

SLICE = 500


def put(source: Source, refs: Iterable[int]) -> None:
    """These, as they are now; what is no longer there is taken out."""
    wanted = set(refs)
    rows = {pk: (unit, told(texts)) for pk, unit, texts in source.rows(wanted)}
    with transaction.atomic():
        Entry.objects.filter(kind=source.code, ref__in=wanted).delete()
        entries = Entry.objects.bulk_create(
            [Entry(kind=source.code, ref=pk, unit_id=unit, text=" ".join(words)) for pk, (unit, words) in rows.items()]
        )
        Word.objects.bulk_create([Word(entry=entry, word=word) for entry in entries for word in rows[entry.ref][1]])


def changed(source: Source) -> Iterator[list[int]]:
    """Slices of numbers whose words or unit are others than the index says."""
    held = {
        ref: (unit, text)
        for ref, unit, text in Entry.objects.filter(kind=source.code).values_list("ref", "unit_id", "text").iterator()
    }
    found = []
    for pk, unit, texts in source.rows():
        if held.pop(pk, None) != (unit, " ".join(told(texts))):
            found.append(pk)
    rest = iter([*found, *held])
    while part := list(islice(rest, SLICE)):
        yield part


def catch_up() -> Iterator[int]:
    """Everything; how many were written, slice by slice."""
    for source in SOURCES:
        for part in changed(source):
            put(source, part)
            yield len(part)
