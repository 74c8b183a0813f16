"""Write what reports show of lists: since when, last when. A sighting is never removed because a later report does not show it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from server.feeds.models import Generation, in_force
from server.ingest.models import Machine
from server.sweeps.blocklists import Held, Words
from server.sweeps.book import KIND, Book
from server.sweeps.models import Blocked, Looked, Sheet, Sighting
from server.sweeps.traces import Hit, Traces

CHUNK = 500
COLUMNS = ("note", "place", "exact", "first", "last", "first_snapshot", "last_snapshot", "current", "listed")
"""Of a sighting, what a later report may change."""
_NAMES = ("connections", "dns-servers", "dns-cache", "hosts-file", "own-addresses", "startup", "processes")


class Report(NamedTuple):
    """One report of a machine, held against the lists."""

    snapshot: str
    at: datetime
    received_at: datetime
    traces: Traces
    hits: list[Hit]


class Swept(NamedTuple):
    """A machine, looked at and not yet written."""

    machine: Machine
    reports: list[Report]
    """Oldest first; the last is the newest of the machine."""
    held: dict[int, Held]
    """List -> what of it the firewall's configuration holds; empty where that was not seen, or it is no firewall."""


def missing() -> tuple[int, ...]:
    """Editions of lists in force that are not kept here yet."""
    kept = set(Sheet.objects.values_list("generation", flat=True))
    return tuple(one for one in in_force(KIND) if one not in kept)


def sheets(book: Book, now: datetime) -> dict[int, Sheet]:
    """Generation -> the list as it is kept here, brought up to date."""
    found = {one.generation: one for one in Sheet.objects.filter(generation__in=book.lists) if one.generation is not None}
    feeds = dict(_feeds(book.lists))
    for generation, one in book.lists.items():
        if generation not in found:
            columns = {
                "generation": generation, "number": one.number, "dated": one.dated, "issuer": one.issuer, "title": one.title,
                "kinds": dict(book.kinds[generation]),
            }  # fmt: skip
            found[generation], _new = Sheet.objects.update_or_create(
                feed=feeds[generation], defaults=columns, create_defaults={**columns, "since": now}
            )
    return found


def _feeds(generations: Iterable[int]) -> Iterable[tuple[int, str]]:
    return Generation.objects.filter(pk__in=list(generations)).values_list("pk", "feed__name")


def key_of(sheet: int, hit: Hit) -> int:
    """One number for list, kind, value and source."""
    said = f"{sheet}\x1f{hit.found.entry.kind}\x1f{hit.found.entry.value}\x1f{hit.source}".encode()
    return int.from_bytes(hashlib.blake2b(said, digest_size=8).digest(), "big", signed=True)


def keep(swept: Swept, by_generation: dict[int, Sheet], book: Book, now: datetime) -> int:
    """Write how a machine stands; how many sightings are new. Inside a transaction of the caller's. Twice does no harm."""
    held = {one.key: one for one in Sighting.objects.select_for_update(of=("self",)).filter(machine=swept.machine)}
    before = {key: _columns(row) for key, row in held.items()}
    new: dict[int, Sighting] = {}
    for report in swept.reports:
        for hit in report.hits:
            sheet = by_generation.get(hit.found.entry.sheet)
            if sheet is None:
                continue  # a list that came while this went on: it asks for work of its own
            key = key_of(sheet.pk, hit)
            row = held.get(key) or new.get(key)
            if row is None:
                row = new[key] = _new(key, swept.machine, sheet, hit, report)
            _seen(row, hit, report)
    _current(swept, [*held.values(), *new.values()], by_generation, book)
    Sighting.objects.bulk_create(new.values(), CHUNK)
    Sighting.objects.bulk_update([row for key, row in held.items() if _columns(row) != before[key]], COLUMNS, CHUNK)
    _looked(swept, book, now)
    _blocked(swept, by_generation, book)
    return len(new)


def _columns(row: Sighting) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in COLUMNS)


def _new(key: int, machine: Machine, sheet: Sheet, hit: Hit, report: Report) -> Sighting:
    entry = hit.found.entry
    return Sighting(
        machine=machine, sheet=sheet, key=key, kind=entry.kind, value=entry.value, source=hit.source, exact=hit.found.exact,
        first=report.at, last=report.at, first_snapshot=report.snapshot, last_snapshot=report.snapshot, current=False,
    )  # fmt: skip


def _seen(row: Sighting, hit: Hit, report: Report) -> None:
    row.note, row.exact = hit.found.entry.note, row.exact or hit.found.exact
    if report.at <= row.first:
        row.first, row.first_snapshot = report.at, report.snapshot
    if report.at >= row.last:
        row.last, row.last_snapshot, row.place = report.at, report.snapshot, hit.place


def _current(swept: Swept, rows: list[Sighting], by_generation: dict[int, Sheet], book: Book) -> None:
    newest = swept.reports[-1]
    shown = {
        key_of(by_generation[hit.found.entry.sheet].pk, hit) for hit in newest.hits if hit.found.entry.sheet in by_generation
    }
    generation_of = {sheet.pk: generation for generation, sheet in by_generation.items()}
    for row in rows:
        row.current = row.key in shown
        generation = generation_of.get(row.sheet_id)
        row.listed = generation is not None and book.holds(generation, row.kind, row.value)


def _looked(swept: Swept, book: Book, now: datetime) -> None:
    newest = swept.reports[-1]
    traces = newest.traces
    columns = {
        "snapshot": newest.snapshot, "reported_at": newest.at, "received_at": max(one.received_at for one in swept.reports),
        "book": book.stamp, "at": now, "ip": traces.knows("ip"), "domain": traces.knows("domain"), "process": traces.knows("process"),
        "sources": [name for name in _NAMES if name in traces.looked],
        "missing": [[source, why[:300]] for source, why in traces.missing.items()],
    }  # fmt: skip
    Looked.objects.update_or_create(machine=swept.machine, defaults=columns)


def _blocked(swept: Swept, by_generation: dict[int, Sheet], book: Book) -> None:
    if swept.machine.kind != "firewall":
        Blocked.objects.filter(machine=swept.machine).delete()
        return
    newest = swept.reports[-1]
    before = {one.sheet_id: one for one in Blocked.objects.filter(machine=swept.machine)}
    for generation, sheet in by_generation.items():
        entries = len(book.blockable[generation])
        told = swept.held.get(generation)
        whole = told is not None and entries > 0 and told.held == entries
        old = before.get(sheet.pk)
        columns = {
            "snapshot": newest.snapshot, "reported_at": newest.at, "entries": entries, "held": told.held if told else None,
            "reason": "" if told else newest.traces.configuration_missing[:300], "fetched": told.fetched if told else "",
            "whole_since": ((old.whole_since if old and old.entries == entries else None) or newest.at) if whole else None,
        }  # fmt: skip
        Blocked.objects.update_or_create(machine=swept.machine, sheet=sheet, defaults=columns)


def held(machine: Machine, traces: Traces, book: Book) -> dict[int, Held]:
    """What of each list a firewall's configuration holds."""
    if machine.kind != "firewall" or traces.configuration is None:
        return {}
    words = Words(traces.configuration)
    return {generation: words.holds(book.blockable[generation]) for generation in book.lists}
