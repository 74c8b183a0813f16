"""Stored reports, opened."""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json

from collectors.model import Snapshot, facts_digest
from server.ingest.models import StoredSnapshot


def records_of(stored: StoredSnapshot) -> list[dict[str, Any]]:
    """Facts as they are kept, where a program of the same facts found them sound; else each is checked."""
    raw = stored.open().snapshot
    if stored.sound_for != facts_digest():
        raw = Snapshot.from_bytes(raw).to_bytes()
    records: list[dict[str, Any]] = from_json(raw)["records"]
    return records
