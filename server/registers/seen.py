"""What reports tell for the registers: read once for each new report, in the background."""

from __future__ import annotations

import hashlib
import json
import logging
import zlib
from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet

from collectors.facts.hardware import Hardware
from collectors.facts.identity import Identity
from collectors.facts.software import Software
from collectors.model import digest_of
from collectors.seal import SealError
from server.ingest.models import IN_SERVICE, Machine
from server.registers.installed import Listing
from server.registers.models import Item, ItemChange, Seen
from server.registers.record import Change

log = logging.getLogger(__name__)

COLLECTOR = "collector"
READER = 2
"""One more when a report is read for more than before, or was left unread on a machine's word: then all are read once again."""
READ = (Identity.NAME, Hardware.NAME, Software.NAME)
PARTS = ("maker", "model", "cpu", "memory_gib", "disks")
"""What is a component: a change of one goes into the history of the device."""


def stale() -> QuerySet[Machine]:
    """Machines whose newest report was not read yet."""
    read = Q(told__snapshot=F("latest_id"), told__reader=READER)
    found = Machine.objects.filter(IN_SERVICE).exclude(latest=None).filter(~read | Q(told=None))
    return found.select_related("latest__base", "told").order_by("pk")


def note(machine: Machine) -> None:
    """Keep what its newest report tells. Whether its facts are the same as before is worked out here: the digest that a machine
    gives could stay the same for ever."""
    stored, before = machine.latest, getattr(machine, "told", None)
    assert stored is not None
    told: dict[str, Any] = {"why": "", "facts": "", "programs": None, "reader": READER} | dict.fromkeys(PARTS)
    try:
        snapshot = stored.snapshot()
    except (SealError, ValueError) as error:
        told["why"] = str(error)[:300]
    else:
        told["facts"] = digest_of(tuple(one for one in snapshot.records if one.fact in READ))
        if before is not None and before.facts == told["facts"] and before.reader == READER:
            Seen.objects.filter(pk=machine.pk).update(snapshot=stored.pk, at=stored.orders_at)
            return
        told |= _parts(snapshot.told(Identity), snapshot.told(Hardware)) | {"programs": _listing(snapshot.told(Software))}
    with transaction.atomic():
        if before is not None and not told["why"]:
            _turned(machine, before.known, told)
        known = (before.known if before else {}) | {part: told[part] for part in PARTS if told.get(part) is not None}
        report = {"snapshot": stored.pk, "at": stored.orders_at, "known": known}
        Seen.objects.update_or_create(machine=machine, defaults=report | told)


def _parts(identity: Identity | None, hardware: Hardware | None) -> dict[str, Any]:
    disks = hardware.disks if hardware else None
    return {
        "maker": _short(identity.vendor if identity else None),
        "model": _short(identity.model if identity else None),
        "cpu": _short(hardware.cpu_model if hardware else None),
        "memory_gib": hardware.memory_gib if hardware else None,
        # a stick that comes and goes is no part of the machine
        "disks": None
        if disks is None
        else [[disk.name, disk.model, disk.size_gb, disk.serial] for disk in disks if not disk.removable],
    }


def _listing(software: Software | None) -> Listing | None:
    """None where the packages were not seen: that is not the same as none."""
    if software is None or software.packages is None:
        return None
    found = {(one.name, one.version, one.origin or "") for one in software.packages}
    found |= {(one.name, one.revision, "") for one in software.others or ()}
    raw = json.dumps(sorted(found), ensure_ascii=False, separators=(",", ":")).encode()
    return Listing.objects.get_or_create(pk=hashlib.sha256(raw).hexdigest(), defaults={"packed": zlib.compress(raw)})[0]


def _short(text: str | None) -> str | None:
    return None if text is None else text[:200]


def _turned(machine: Machine, before: dict[str, Any], told: dict[str, Any]) -> None:
    item = Item.objects.filter(machine=machine).first()
    if item is None:
        return
    ItemChange.objects.bulk_create(
        [
            ItemChange(item=item, by=COLLECTOR, kind=Change.FACTS, field=part, old=old[:2000], new=new[:2000])
            for part, old, new in _differences(before, told)
        ]
    )


def _differences(before: dict[str, Any], told: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Parts that this report saw otherwise than the last one that saw them: one that was not seen was not taken out."""
    for part in PARTS:
        old, new = before.get(part), told[part]
        if old is None or new is None:
            continue
        if part == "disks":
            # by what they are: names of the kernel change places
            if sorted(disk[1:] for disk in _plain(old)) == sorted(disk[1:] for disk in _plain(new)):
                continue
            old, new = _said(old), _said(new)
        if old != new:
            yield part, str(old), str(new)


def _plain(disks: list[list[Any]]) -> list[list[str]]:
    return [["" if cell is None else str(cell) for cell in disk] for disk in disks]


def _said(disks: list[list[Any]]) -> str:
    return (
        ", ".join(f"{model or name} {size} GB" + (f" ({serial})" if serial else "") for name, model, size, serial in disks) or "–"
    )
