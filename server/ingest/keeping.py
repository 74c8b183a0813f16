"""In which form a snapshot is kept: whole, or as a difference to a whole one of the same machine. Never longer a chain.

Little changes between two scans, so a difference has a tenth of the bytes; but what needs many rows to be read again is lost
with any of them. So each difference rests on one whole snapshot (its key), and a new key is begun when differences grow or
when the key is old: then what has to be removed one day can be removed.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import NamedTuple

from django.utils import timezone

from collectors.seal import SealError, pack
from collectors.seal_delta import make, read, restore
from server.ingest.models import Machine, StoredSnapshot

log = logging.getLogger(__name__)

KEY_FOR = timedelta(days=92)
"""How long a key takes new differences. It stays until the last of them is removed: retention asks who refers to it."""
WORTH = 0.3
"""A difference of more than that much of its key is kept whole instead, and is the next key."""


class Form(NamedTuple):
    """Columns of the StoredSnapshot."""

    sealed: bytes
    base_id: str | None


def form_of(plain: bytes, whole: bytes | None, agent: str, machine: Machine | None) -> Form:
    """`plain`: header line, newline, snapshot; `whole`: the sealed file, where that is what came."""
    key = _key(machine)
    blob = _difference(plain, agent, key) if key else None
    return Form(whole or pack(plain), None) if key is None or blob is None else Form(blob, key.pk)


def _difference(plain: bytes, agent: str, key: StoredSnapshot) -> bytes | None:
    try:
        reference = key.open().snapshot
        blob = make(plain, agent, key.pk, reference)
        # looked at again before the sender is told to forget its copy
        if blob is None or len(blob) > WORTH * len(key.sealed) or restore(read(blob), reference) != plain:
            return None
    except SealError as error:
        log.error("snapshot %s cannot be opened: %s", key.pk, error)
        return None
    return blob


def _key(machine: Machine | None) -> StoredSnapshot | None:
    if machine is None or machine.latest is None:
        return None
    key = machine.latest.base or machine.latest
    return key if abs(timezone.now() - key.received_at) < KEY_FOR else None
