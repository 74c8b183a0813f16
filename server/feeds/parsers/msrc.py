"""A month of Microsoft's Security Update Guide (CVRF as JSON): CVE, KB, the build that has it, and what it supersedes.

Only Windows itself. Which series a build is of (26100 is two) is told by the product's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from server.feeds import codes
from server.feeds.codes import FIXED, UNDETERMINED
from server.feeds.parsers.rows import AffectedRow, Row, SupersededRow, VulnerabilityRow, WindowsBuildRow
from server.feeds.parsers.source import CVE, Source

_BUILD: Final = re.compile(r"(?:10\.0|6\.[0-3])\.(\d{4,5})\.(\d+)")
_WINDOWS: Final = re.compile(r"Windows (?:(Server)|1[01]\b)")
_FIX, _SEVERITY = 2, 3
"""Types of a remediation and of a threat."""


def read(source: Source) -> Iterator[Row]:
    for place, month in source.documents():
        tracking = source.mapping(f"{place}, DocumentTracking", month.get("DocumentTracking"))
        released = source.day(f"{place}, InitialReleaseDate", tracking.get("InitialReleaseDate"))
        source.data_date = source.day(f"{place}, CurrentReleaseDate", tracking.get("CurrentReleaseDate") or released)
        tree = source.mapping(f"{place}, ProductTree", month.get("ProductTree"))
        products: dict[str, str] = {}
        for each in source.listing(place, tree.get("FullProductName")):
            one = source.mapping(f"{place}, ProductTree", each)
            if found := _WINDOWS.match(str(one.get("Value"))):
                products[str(one.get("ProductID"))] = "server" if found.group(1) else "client"
        shared: set[Row] = set()
        for number, each in enumerate(source.listing(place, month.get("Vulnerability")), 1):
            source.records += 1
            here = f"{place}, vulnerability {number}"
            one = source.mapping(here, each)
            identifier = source.word(here, one.get("CVE"), "CVE")
            if not CVE.fullmatch(identifier):
                source.left_out += 1  # ADV..., which have no build
                continue
            fixes = source.listing(here, one.get("Remediations"))
            rows = [row for fix in fixes for row in _fix(source, here, identifier, source.mapping(here, fix), products, released)]
            if not rows:
                source.left_out += 1
                continue
            title = one.get("Title")
            yield VulnerabilityRow(identifier, str(title.get("Value") if isinstance(title, dict) else "")[:300], _severity(one))
            for row in dict.fromkeys(rows):
                if row not in shared:
                    if not isinstance(row, AffectedRow):
                        shared.add(row)
                    yield row


def _fix(
    source: Source, place: str, identifier: str, fix: dict[str, Any], products: dict[str, str], released: Any
) -> Iterator[Row]:
    series = {products[str(product)] for product in source.listing(place, fix.get("ProductID")) if str(product) in products}
    if fix.get("Type") != _FIX or not series:
        return
    told = fix.get("Description")
    article = str(told.get("Value") if isinstance(told, dict) else "").strip()
    kb = f"KB{article}" if re.fullmatch(r"\d{6,8}", article, re.ASCII) else ""
    found = _BUILD.fullmatch(str(fix.get("FixedBuild") or "").strip())
    if found is None:
        # a fix without a build: which machines it is for cannot be told by their build
        for one in sorted(series):
            yield AffectedRow(f"windows:0:{one}", "windows", identifier, UNDETERMINED, note="no build is named", advisory=kb)
        return
    build, ubr = int(found.group(1)), int(found.group(2))
    numbered = build >= 10240  # before Windows 10 the last number is none of the running system's
    for one in sorted(series):
        fixed = f"{build}.{ubr}" if numbered else ""
        yield AffectedRow(f"windows:{build}:{one}", "windows", identifier, FIXED, fixed, advisory=kb)
        if kb:
            yield WindowsBuildRow(build, one, ubr if numbered else None, kb, released, True)
    for before in re.findall(r"\b\d{6,8}\b", str(fix.get("Supercedence") or ""), re.ASCII):
        if kb and before != article:
            yield SupersededRow(f"KB{before}", kb)


def _severity(one: dict[str, Any]) -> int:
    """The gravest of those told for single products."""
    words = [
        threat["Description"].get("Value")
        for threat in one.get("Threats") or []
        if isinstance(threat, dict) and threat.get("Type") == _SEVERITY and isinstance(threat.get("Description"), dict)
    ]
    return max(map(codes.severity, words), default=codes.NOT_SAID)
