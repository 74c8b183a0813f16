"""What parsers give: rows of the tables in models.py, by their column names, without Django."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from server.feeds.codes import NOT_SAID


class VulnerabilityRow(NamedTuple):
    identifier: str
    title: str = ""
    severity: int = NOT_SAID


class ExploitedRow(NamedTuple):
    identifier: str
    added: date
    due: date | None = None
    ransomware: bool | None = None
    name: str = ""


class LikelihoodRow(NamedTuple):
    identifier: str
    epss: float
    percentile: float


class AffectedRow(NamedTuple):
    ecosystem: str
    package: str
    identifier: str
    state: int
    fixed_version: str = ""
    introduced: str = ""
    module: str = ""
    urgency: str = ""
    needs: str = ""
    note: str = ""
    advisory: str = ""


class EndOfLifeRow(NamedTuple):
    product: str
    cycle: str
    codename: str = ""
    released: date | None = None
    support_ends: date | None = None
    security_ends: date | None = None
    extended_ends: date | None = None
    extended_by: str = ""
    ended: bool | None = None


class WindowsBuildRow(NamedTuple):
    build: int
    series: str
    ubr: int | None
    kb: str
    released: date
    security: bool | None = None


class SupersededRow(NamedTuple):
    kb: str
    by: str


class NetworkReleaseRow(NamedTuple):
    os: str
    train: str
    support_ends: date | None
    sale_ends: date | None
    covers: str


class NetworkAdvisoryRow(NamedTuple):
    os: str
    train: str
    identifier: str
    severity: int
    exploited: bool
    since: str
    fixed: str
    also: str
    condition: str
    source: str


class AntivirusReleaseRow(NamedTuple):
    product: str
    version: str
    engine: str
    signature_version: str
    signature_date: date | None


class IndicatorListRow(NamedTuple):
    number: str
    dated: date
    issuer: str
    title: str


class IndicatorRow(NamedTuple):
    kind: str
    value: str
    note: str
    line: int


class WarningRow(NamedTuple):
    number: str
    dated: date
    issuer: str
    title: str


class WarningItemRow(NamedTuple):
    line: int
    cve: str
    product: str
    version: str
    fixed_version: str
    kb: str
    note: str


Row = (
    VulnerabilityRow
    | ExploitedRow
    | LikelihoodRow
    | AffectedRow
    | EndOfLifeRow
    | WindowsBuildRow
    | SupersededRow
    | NetworkReleaseRow
    | NetworkAdvisoryRow
    | AntivirusReleaseRow
    | IndicatorListRow
    | IndicatorRow
    | WarningRow
    | WarningItemRow
)
