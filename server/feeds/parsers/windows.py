"""Builds of Windows and what supersedes what: a table of the site's own, copied from Microsoft's update history.

build,series,ubr,kb,released,security,supersedes,cves
26100,server,4061,KB5058411,2025-05-13,yes,KB5055523,CVE-2025-30397 CVE-2025-30400
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from server.feeds.codes import FIXED
from server.feeds.parsers.rows import AffectedRow, Row, SupersededRow, VulnerabilityRow, WindowsBuildRow
from server.feeds.parsers.source import CVE, Source
from server.feeds.parsers.tables import rows

SERIES: Final = ("client", "server")
_YES_NO: Final = {"yes": True, "no": False, "true": True, "false": False, "1": True, "0": False, "": None}


def read(source: Source) -> Iterator[Row]:
    told: set[str] = set()
    for line, row in rows(source, "windows", ("build",)):
        source.records += 1
        place = f"line {line}"
        build, ubr = _number(source, place, row.get("build", "")), row.get("ubr", "")
        if (series := row.get("series", "").lower()) not in SERIES:
            raise source.malformed(place, f"series is client or server, not {series!r}")
        if (security := row.get("security", "").lower()) not in _YES_NO:
            raise source.malformed(place, f"security is yes or no, not {security!r}")
        number = _number(source, place, ubr) if ubr else None
        kb = article(source, place, row.get("kb", ""))
        yield WindowsBuildRow(build, series, number, kb, source.day(place, row.get("released")), _YES_NO[security])
        for before in row.get("supersedes", "").replace(";", " ").split():
            yield SupersededRow(article(source, place, before), kb)
        for cve in row.get("cves", "").replace(";", " ").split():
            if not CVE.fullmatch(cve):
                raise source.malformed(place, f"no CVE: {cve!r}")
            if cve not in told:
                told.add(cve)
                yield VulnerabilityRow(cve)
            fixed = f"{build}.{number}" if number is not None else ""
            yield AffectedRow(f"windows:{build}:{series}", "windows", cve, FIXED, fixed, advisory=kb)


def article(source: Source, place: str, text: str) -> str:
    """KB5058411, however it is written."""
    if not (found := re.fullmatch(r"(?:KB)?\s*(\d{6,8})", text.strip(), re.IGNORECASE | re.ASCII)):
        raise source.malformed(place, f"no KB: {text!r}")
    return f"KB{found.group(1)}"


def _number(source: Source, place: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 8):
        raise source.malformed(place, f"no number: {text!r}")
    return int(text)
