"""Debian's security tracker, the one JSON: {source package: {CVE: {releases: {codename: {status, fixed_version, ...}}}}}."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import ijson

from server.feeds.codes import END_OF_LIFE, FIXED, NOT_AFFECTED, OPEN, UNDETERMINED, WONT_FIX
from server.feeds.parsers.rows import AffectedRow, Row, VulnerabilityRow
from server.feeds.parsers.source import Source

RELEASES: Final = {"buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14", "duke": "15"}
"""Of which a machine may be. sid, and codenames to come, are left out and counted."""


def read(source: Source) -> Iterator[Row]:
    told: set[str] = set()
    with source.opened() as stream:
        try:
            for package, found in ijson.kvitems(stream, "", use_float=True):
                source.records += 1
                place = f"record {source.records} ({package})"
                for identifier, one in source.mapping(place, found).items():
                    yield from _one(source, f"{place}, {identifier}", package, identifier, source.mapping(place, one), told)
        except (ijson.JSONError, UnicodeDecodeError) as error:
            raise source.malformed(f"after record {source.records}", f"no JSON: {error}") from None


def _one(source: Source, place: str, package: str, identifier: str, one: dict[str, Any], told: set[str]) -> Iterator[Row]:
    if identifier not in told:
        # the tracker rates a vulnerability for each package, so the urgency stays with the package
        told.add(identifier)
        yield VulnerabilityRow(identifier, str(one.get("description") or "")[:300])
    releases = one.get("releases")
    if releases is None:
        raise source.malformed(place, "no releases")
    for codename, said in source.mapping(place, releases).items():
        number = RELEASES.get(codename)
        if number is None:
            source.left_out += 1
            continue
        here = f"{place}, {codename}"
        yield _row(source, here, f"debian:{number}", package, identifier, source.mapping(here, said))


def _row(source: Source, place: str, ecosystem: str, package: str, identifier: str, said: dict[str, Any]) -> AffectedRow:
    status, urgency = said.get("status"), str(said.get("urgency") or "")
    fixed, note = str(said.get("fixed_version") or ""), ""
    if status is None:
        raise source.malformed(place, "no status")
    state = UNDETERMINED
    if status == "resolved":
        if not fixed:
            raise source.malformed(place, "resolved, and no fixed_version")
        state = NOT_AFFECTED if fixed == "0" else FIXED
    elif status == "open":
        state = _open(urgency, said.get("nodsa_reason"))
        if "nodsa" in said:
            note = f"no_dsa {said.get('nodsa_reason') or ''}: {said.get('nodsa') or ''}".replace(" :", ":")[:120]
    elif status != "undetermined":
        note = f"status {status}"[:120]
    return AffectedRow(
        ecosystem, package, identifier, state, fixed_version=fixed if state == FIXED else "", urgency=urgency[:24], note=note
    )


def _open(urgency: str, reason: object) -> int:
    """`ignored` is Debian's word for: no fix is to come. `postponed` and no word at all: it may."""
    if urgency == "end-of-life":
        return END_OF_LIFE
    return WONT_FIX if reason == "ignored" else OPEN
