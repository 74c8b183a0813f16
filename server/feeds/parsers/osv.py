"""OSV documents (one JSON a vulnerability or advisory), as Ubuntu, Rocky Linux, AlmaLinux, Debian and Red Hat publish them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from server.feeds import codes
from server.feeds.codes import FIXED, OPEN, UNDETERMINED
from server.feeds.parsers.rows import AffectedRow, Row, VulnerabilityRow
from server.feeds.parsers.source import CVE, Source

_ECOSYSTEMS: Final = (
    (re.compile(r"Debian:(\d+)"), "debian"),
    (re.compile(r"Ubuntu:(?:Pro:)?(?:[A-Za-z-]+:)*(\d\d\.\d\d)(?::LTS)?"), "ubuntu"),
    (re.compile(r"Rocky Linux:(\d+)"), "rocky"),
    (re.compile(r"AlmaLinux:(\d+)"), "almalinux"),
    (re.compile(r"Red Hat:enterprise_linux:(\d+)(?:::\w+)?"), "rhel"),
)
_OF_CVE: Final = re.compile(rf"(?:[A-Z]+-)?({CVE.pattern})", re.ASCII)
_EXTRA: Final = re.compile(r"Ubuntu:Pro:([A-Za-z-]+):")
"""Ubuntu's further archives (FIPS, FIPS-updates, Realtime ...), whose fixes need that subscription."""


def read(source: Source) -> Iterator[Row]:
    for place, document in source.documents():
        source.records += 1
        own = source.word(place, document.get("id"), "id")
        if document.get("withdrawn"):
            source.left_out += 1
            continue
        rows = [*_affected(source, place, document, own)]
        if not rows:
            source.left_out += 1
            continue
        title = str(document.get("summary") or document.get("details") or "")[:300]
        severity = _severity(document)
        for identifier in _identifiers(source, place, document, own):
            yield VulnerabilityRow(identifier, title, severity)
            for row in rows:
                yield row._replace(identifier=identifier)


def _cve(own: str) -> str:
    """Of UBUNTU-CVE-2024-1234 and the like; empty: an advisory's own number."""
    found = _OF_CVE.fullmatch(own)
    return found[1] if found else ""


def _identifiers(source: Source, place: str, document: dict[str, Any], own: str) -> list[str]:
    """The CVEs it is about. `related` counts only for an advisory, whose own number is none: a CVE's relatives are others."""
    if found := _cve(own):
        return [found]
    names = [
        str(name) for key in ("aliases", "upstream", "related") for name in source.listing(f"{place}, {key}", document.get(key))
    ]
    return [*dict.fromkeys(name for name in names if CVE.fullmatch(name))] or [own]


def _severity(document: dict[str, Any]) -> int:
    """The vendor's word. A CVSS vector is a number of somebody else's scale, and is not turned into a word here."""
    words = [one.get("score") for one in document.get("severity") or [] if isinstance(one, dict) and one.get("type") == "Ubuntu"]
    specific = document.get("database_specific")
    if isinstance(specific, dict):
        words.append(specific.get("severity"))
    summary = str(document.get("summary") or "")
    words.append(summary.partition(":")[0])  # "Important: kernel security update"
    return next((code for code in map(codes.severity, words) if code), codes.NOT_SAID)


def _affected(source: Source, place: str, document: dict[str, Any], own: str) -> Iterator[AffectedRow]:
    advisory = "" if _cve(own) else own
    for number, one in enumerate(source.listing(place, document.get("affected")), 1):
        here = f"{place}, affected {number}"
        package = source.mapping(here, source.mapping(here, one).get("package"))
        told = source.word(here, package.get("ecosystem"), "ecosystem")
        ecosystem = ecosystem_of(told)
        if ecosystem is None:
            continue
        name = source.word(here, package.get("name"), "package name")
        extra = _EXTRA.match(told)
        needs = extra.group(1).lower() if extra else "esm" if told.startswith("Ubuntu:Pro:") else ""
        specific = one.get("ecosystem_specific")
        module = _module(specific)
        said = specific.get("ubuntu_priority") or specific.get("urgency") or "" if isinstance(specific, dict) else ""
        row = AffectedRow(
            ecosystem, name, "", UNDETERMINED, module=module, urgency=str(said)[:24], needs=needs[:24], advisory=advisory
        )
        yield from _ranges(source, here, one, row)


@cache
def ecosystem_of(told: str) -> str | None:
    """Our word for OSV's; None: nothing rasoat looks at."""
    for pattern, word in _ECOSYSTEMS:
        if found := pattern.fullmatch(told):
            return f"{word}:{found.group(1)}"
    return None


def _module(specific: object) -> str:
    if not isinstance(specific, dict):
        return ""
    stream = specific.get("module_stream") or specific.get("rpmmod") or ""
    return ":".join(str(stream).split(":")[:2])[:60]


def _ranges(source: Source, place: str, one: dict[str, Any], row: AffectedRow) -> Iterator[AffectedRow]:
    ranges = source.listing(place, one.get("ranges"))
    found = False
    for each in ranges:
        kept = source.mapping(place, each)
        if kept.get("type") != "ECOSYSTEM":
            continue  # GIT and SEMVER are about the upstream source
        found = True
        told = [*_events(source, place, source.listing(place, kept.get("events")), row)]
        # a range without a beginning or an end says nothing, which is not that nothing is affected
        yield from told or [row._replace(note="a range without events")]
    if not found:
        # versions alone, or nothing: which ones it is not in, it does not say
        yield row._replace(note="no range of versions")


def _events(source: Source, place: str, events: list[Any], row: AffectedRow) -> Iterator[AffectedRow]:
    """Pairs of introduced and fixed, in the order they stand in: the specification has them sorted."""
    introduced: str | None = None
    for event in events:
        said = source.mapping(f"{place}, events", event)
        if "introduced" in said:
            if introduced is not None:
                yield row._replace(state=OPEN, introduced=introduced)
            start = str(said["introduced"])
            introduced = "" if start == "0" else start
        elif "fixed" in said:
            yield row._replace(state=FIXED, introduced=introduced or "", fixed_version=source.word(place, said["fixed"], "fixed"))
            introduced = None
        elif "last_affected" in said:
            last = str(said["last_affected"])
            yield row._replace(introduced=introduced or "", note=f"last affected {last}"[:120])
            introduced = None
        elif "limit" not in said:
            raise source.malformed(f"{place}, events", f"neither introduced nor fixed: {', '.join(map(str, said))}")
    if introduced is not None:
        yield row._replace(state=OPEN, introduced=introduced)
