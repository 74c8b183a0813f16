"""One file a format. A parser is a function Source -> rows: it streams, knows no database, and says by place what is wrong.

A word no parser knows makes the state undetermined, never "not affected". A record that is not of the format refuses the
whole file. Products rasoat does not look at are counted in `left_out`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from server.feeds.parsers import (
    antivirus,
    csaf,
    debian,
    end_of_life,
    epss,
    indicators,
    kev,
    letters,
    msrc,
    network,
    osv,
    windows,
)
from server.feeds.parsers.rows import IndicatorListRow, Row, VulnerabilityRow, WarningRow
from server.feeds.parsers.source import Malformed, Source

__all__ = ["BARE", "KINDS", "Kind", "Malformed", "Row", "Source"]


@dataclass(frozen=True)
class Kind:
    """A format: who reads it, after how many days its data carry no verdict (0: never), and whose it usually is."""

    read: Callable[[Source], Iterator[Row]]
    limit_days: int
    publisher: str
    licence: str
    number: int = 1
    """Raised when it makes other rows of the same file than before: what comes again is then read anew."""


BARE: Final = (IndicatorListRow, VulnerabilityRow, WarningRow)
"""Rows that name a list, a letter or a vulnerability and say nothing of any product: a file of these alone is empty."""

KINDS: Final = {
    "debian": Kind(debian.read, 14, "Debian security tracker", "public facts; texts under the MIT licence"),
    "osv": Kind(osv.read, 14, "OSV", "of each source: Ubuntu CC-BY-SA-4.0, Rocky Linux BSD-3-Clause, AlmaLinux MIT", 2),
    "csaf": Kind(csaf.read, 14, "Red Hat", "CC-BY-4.0", 2),
    "windows": Kind(windows.read, 45, "Microsoft, as copied by the site", "facts from Microsoft's update history"),
    "msrc": Kind(msrc.read, 45, "Microsoft Security Response Center", "Microsoft's terms of use of the Security Update Guide", 2),
    "kev": Kind(kev.read, 30, "CISA", "CC0-1.0"),
    "epss": Kind(epss.read, 30, "FIRST", "free use, naming FIRST EPSS"),
    "end-of-life": Kind(end_of_life.read, 180, "distro-info (Debian) or endoflife.date", "ISC; MIT"),
    "antivirus": Kind(antivirus.read, 14, "the site, from the makers' pages", "facts"),
    "network": Kind(network.read, 90, "the site, from the makers' pages", "facts"),
    "indicators": Kind(indicators.read, 0, "whoever issued the list", "as the issuer says", 2),
    "warnings": Kind(letters.read, 0, "whoever issued the letter", "as the issuer says", 2),
}
