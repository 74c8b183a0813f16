"""Take a list over: what it holds is expected from now on, what the newest list of its kind lacks is not.

Leases and looks at the network are sightings: they are silent about what is switched off, so what they lack stays expected
for LINGER. Otherwise switching machines off would raise the percentages.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from server.coverage import matching
from server.coverage.lists import Line, ListError, Read
from server.coverage.models import DHCP, NETWORK, Expected, Listing, Mention
from server.journal import models as journal
from server.units.models import Unit

SIGHTINGS = (DHCP, NETWORK)
LINGER = timedelta(days=90)
SHRUNK = 2
"""A list that holds less than one of so many of the one before is taken for cut, until a person says otherwise."""


class Plan(NamedTuple):
    """What taking the list over would change."""

    lines: int
    new: int
    known: int
    gone: int
    matched: int
    """Lines whose machine reports to this collector, or enrolled."""
    ambiguous: int
    notes: tuple[str, ...]


class _Dry(Exception):
    pass


def take(unit: Unit, source: str, file_name: str, raw: bytes, read: Read, by: str, now: datetime, *, dry: bool = False, shorter: bool = False) -> Plan:  # fmt: skip
    """Take it over, whole or not at all; `dry` only says what would come. Raises ListError."""
    units = _units(unit, read.lines)
    kept: list[Plan] = []
    try:
        with transaction.atomic():
            kept.append(_take(unit, units, source, file_name, raw, read, by, now, shorter=shorter))
            if dry:
                raise _Dry
    except _Dry:
        pass
    return kept[0]


def _units(unit: Unit, lines: tuple[Line, ...]) -> dict[str, Unit]:
    """Units by what the list calls them, all of them under `unit`."""
    wanted = {line.unit for line in lines} - {""}
    if not wanted:
        return {}
    below = Unit.objects.filter(path__under=unit.path)
    called: dict[str, list[Unit]] = {}
    for one in below:
        for word in {one.name, getattr(one, "code", "") or ""} - {""}:
            called.setdefault(word, []).append(one)
    problems = []
    for line in lines:
        found = called.get(line.unit, []) if line.unit else [unit]
        if len(found) != 1:
            why = _("no unit %(name)s in %(unit)s") if not found else _("more than one unit is called %(name)s in %(unit)s")
            problems.append(f"{line.where}: " + why % {"name": line.unit, "unit": unit.name})
    if problems:
        raise ListError(problems)
    return {word: called[word][0] for word in wanted}


def _take(unit: Unit, units: dict[str, Unit], source: str, file_name: str, raw: bytes, read: Read, by: str, now: datetime, *, shorter: bool) -> Plan:  # fmt: skip
    before = Listing.objects.filter(unit=unit, source=source).first()
    if before and source not in SIGHTINGS and len(read.lines) * SHRUNK < before.rows and not shorter:
        raise ListError([
            _("%(file)s: %(rows)d lines, and the list before had %(before)d: cut? Say that it is whole if it is.")
            % {"file": file_name, "rows": len(read.lines), "before": before.rows}
        ])  # fmt: skip
    listing = Listing.objects.create(
        unit=unit, source=source, file_name=file_name[:200], sha256=hashlib.sha256(raw).hexdigest(),
        rows=len(read.lines), new=0, gone=0, at=now, by=by,
    )  # fmt: skip
    rows = list(Expected.objects.filter(unit__path__under=unit.path).select_related("unit"))
    by_mac = {row.mac: row for row in rows if row.mac}
    by_name = {(row.unit_id, row.hostname): row for row in rows if row.hostname}
    # an address is lent, so it says who is meant only where nothing else was ever said
    by_address = {(row.unit_id, row.address): row for row in rows if row.address and not (row.mac or row.hostname)}
    fresh: list[Expected] = []
    held: list[Expected] = []
    for line in read.lines:
        where = units.get(line.unit, unit)
        named = by_name.get((where.pk, line.hostname)) if line.hostname else None
        # one name, two cards: two machines, or one with a new card; the card decides only where both say one
        row = by_mac.get(line.mac) if line.mac else None
        row = row or (named if named and not (line.mac and named.mac) else None)
        if row is None and not (line.mac or line.hostname):
            row = by_address.get((where.pk, line.address))
        if row is None:
            row = Expected(unit=where, name=line.name or line.address, hostname=line.hostname, mac=line.mac, first_at=now)
            fresh.append(row)
        row.unit, row.listed, row.last_at = where, True, now
        row.name, row.hostname = line.name or row.name, line.hostname or row.hostname
        row.mac, row.address, row.kind = line.mac or row.mac, line.address or row.address, line.kind or row.kind
        held.append(row)
        if row.mac:
            by_mac[row.mac] = row
        if row.hostname:
            by_name[where.pk, row.hostname] = row
    Expected.objects.bulk_create(fresh, batch_size=matching.SLICE)
    held = list({row.pk: row for row in held}.values())
    matching.rematch(held, matching.index_under(unit.path))
    columns = ["unit", "listed", "last_at", "name", "hostname", "mac", "address", "kind"]
    Expected.objects.bulk_update(held, columns, batch_size=matching.SLICE)
    gone = _mention(listing, held, now)
    listing.new, listing.gone = len(fresh), gone
    listing.save(update_fields=["new", "gone"])
    journal.write(
        "coverage.list", by, unit_path=unit.path, subject=listing.file_name, source=source, rows=listing.rows, new=listing.new,
        gone=gone, sha256=listing.sha256,
    )  # fmt: skip
    matched = sum(row.machine_id is not None for row in held)
    ambiguous = sum(row.matched_by == matching.AMBIGUOUS for row in held)
    return Plan(listing.rows, len(fresh), len(held) - len(fresh), gone, matched, ambiguous, read.notes)


def _mention(listing: Listing, held: list[Expected], now: datetime) -> int:
    """Note who holds whom; how many no list holds any more."""
    Mention.objects.bulk_create(
        [Mention(expected=row, source=listing.source, listing=listing, gone_at=None) for row in held],
        batch_size=matching.SLICE,
        update_conflicts=True,
        unique_fields=["expected", "source"],
        update_fields=["listing", "gone_at"],
    )
    lacking = Mention.objects.filter(source=listing.source, listing__unit=listing.unit, gone_at=None).exclude(listing=listing)
    if listing.source in SIGHTINGS:
        lacking = lacking.filter(listing__at__lt=now - LINGER)
    lacking.update(gone_at=now)
    unheld = Expected.objects.filter(unit__path__under=listing.unit.path, listed=True).exclude(mentions__gone_at=None)
    return unheld.update(listed=False)
