"""CISA's catalogue of vulnerabilities known to be exploited (JSON)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from server.feeds.parsers.rows import ExploitedRow, Row
from server.feeds.parsers.source import CVE, DOCUMENT_MAX, Source

RANSOMWARE: Final = {"known": True, "unknown": None}


def read(source: Source) -> Iterator[Row]:
    with source.opened() as stream:
        text = stream.read(DOCUMENT_MAX)
    try:
        catalogue = source.mapping("catalogue", json.loads(text))
    except (ValueError, RecursionError) as error:
        raise source.malformed(f"byte {getattr(error, 'pos', 0)}", f"no JSON: {error}") from None
    if "dateReleased" in catalogue:
        source.data_date = source.day("dateReleased", catalogue["dateReleased"])
    entries = source.listing("vulnerabilities", catalogue.get("vulnerabilities"))
    if catalogue.get("count", len(entries)) != len(entries):
        raise source.malformed("count", f"{catalogue['count']} entries are announced, {len(entries)} are there")
    for one in entries:
        source.records += 1
        place = f"record {source.records}"
        entry = source.mapping(place, one)
        identifier = source.word(place, entry.get("cveID"), "cveID")
        if not CVE.fullmatch(identifier):
            raise source.malformed(place, f"no CVE: {identifier!r}")
        yield ExploitedRow(
            identifier,
            source.day(place, entry.get("dateAdded")),
            source.day(place, entry["dueDate"]) if entry.get("dueDate") else None,
            RANSOMWARE.get(str(entry.get("knownRansomwareCampaignUse", "")).casefold()),
            str(entry.get("vulnerabilityName") or "")[:300],
        )
