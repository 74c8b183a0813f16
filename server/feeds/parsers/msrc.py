"""A month of Microsoft's Security Update Guide (CVRF as JSON): CVE, KB, the build that has it, and what it supersedes.

Only Windows itself. Which series a build is of (26100 is two) is told by the product's name; so is the build where no fix names
it: products that are affected and not mended have none. A product whose build its name does not tell stands under windows:0,
which concerns every build of its series.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final, NamedTuple

from collectors.windows import release
from server.feeds import codes
from server.feeds.codes import FIXED, OPEN, UNDETERMINED, WONT_FIX
from server.feeds.parsers.rows import AffectedRow, Row, SupersededRow, VulnerabilityRow, WindowsBuildRow
from server.feeds.parsers.source import CVE, Source

_BUILD: Final = re.compile(r"(?:10\.0|6\.[0-3])\.(\d{4,5})\.(\d+)")
_WINDOWS: Final = re.compile(r"Windows (?:(Server)|1[01]\b)")
_VERSION: Final = re.compile(r"\b[Vv]ersion (\w+)|, (\w+) Edition")
_FIRST: Final = {"Windows 10": "1507", "Windows 11": "21H2"}
"""Versions of those whose products are named without one."""
_FIX, _WILL_NOT, _SEVERITY, _AFFECTED = 2, 4, 3, 3
"""Types of remediations, of a threat, and of a product's status."""


class Product(NamedTuple):
    series: str
    build: int
    """0: its name does not tell."""


def read(source: Source) -> Iterator[Row]:
    for place, month in source.documents():
        tracking = source.mapping(f"{place}, DocumentTracking", month.get("DocumentTracking"))
        released = source.day(f"{place}, InitialReleaseDate", tracking.get("InitialReleaseDate"))
        if told := tracking.get("CurrentReleaseDate"):
            # of several months the one that was changed last says how new they are
            current = source.day(f"{place}, CurrentReleaseDate", told)
            source.data_date = max(current, source.data_date or current)
        tree = source.mapping(f"{place}, ProductTree", month.get("ProductTree"))
        products: dict[str, Product] = {}
        for each in source.listing(place, tree.get("FullProductName")):
            one = source.mapping(f"{place}, ProductTree", each)
            if (found := product_of(str(one.get("Value")))) is not None:
                products[str(one.get("ProductID"))] = found
        shared: set[Row] = set()
        vulnerabilities = source.listing(place, month.get("Vulnerability"))
        if not vulnerabilities:
            raise source.malformed(place, "a month without a vulnerability")
        for number, each in enumerate(vulnerabilities, 1):
            source.records += 1
            here = f"{place}, vulnerability {number}"
            one = source.mapping(here, each)
            identifier = source.word(here, one.get("CVE"), "CVE")
            if not CVE.fullmatch(identifier):
                source.left_out += 1  # ADV..., which have no build
                continue
            fixes = source.listing(here, one.get("Remediations"))
            rows = [row for fix in fixes for row in _fix(source, here, identifier, source.mapping(here, fix), products, released)]
            rows += _unmended(source, here, identifier, one, products)
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
    source: Source, place: str, identifier: str, fix: dict[str, Any], products: dict[str, Product], released: Any
) -> Iterator[Row]:
    named = _products(source, place, fix, products).values()
    if fix.get("Type") != _FIX or not named:
        return
    told = fix.get("Description")
    article = str(told.get("Value") if isinstance(told, dict) else "").strip()
    kb = f"KB{article}" if re.fullmatch(r"\d{6,8}", article, re.ASCII) else ""
    found = _BUILD.fullmatch(str(fix.get("FixedBuild") or "").strip())
    if found is None:
        # a fix without a build: which machines it is for cannot be told by their build
        for product in sorted(set(named)):
            yield _row(product, identifier, UNDETERMINED, "no build is named", kb)
        return
    build, ubr = int(found.group(1)), int(found.group(2))
    numbered = build >= 10240  # before Windows 10 the last number is none of the running system's
    for one in sorted({product.series for product in named}):
        fixed = f"{build}.{ubr}" if numbered else ""
        yield AffectedRow(f"windows:{build}:{one}", "windows", identifier, FIXED, fixed, advisory=kb)
        if kb:
            yield WindowsBuildRow(build, one, ubr if numbered else None, kb, released, True)
    for before in re.findall(r"\b\d{6,8}\b", str(fix.get("Supercedence") or ""), re.ASCII):
        if kb and before != article:
            yield SupersededRow(f"KB{before}", kb)


def _unmended(
    source: Source, place: str, identifier: str, one: dict[str, Any], products: dict[str, Product]
) -> Iterator[AffectedRow]:
    """Products that are affected, and for which no fix is named."""
    affected: dict[str, Product] = {}
    for each in source.listing(f"{place}, ProductStatuses", one.get("ProductStatuses")):
        status = source.mapping(f"{place}, ProductStatuses", each)
        if status.get("Type") == _AFFECTED:
            affected |= _products(source, place, status, products)
    refused: set[str] = set()
    for each in source.listing(place, one.get("Remediations")):
        remedy = source.mapping(place, each)
        told = _products(source, place, remedy, products)
        if remedy.get("Type") == _FIX:
            affected = {number: product for number, product in affected.items() if number not in told}
        elif remedy.get("Type") == _WILL_NOT:
            refused |= told.keys()
    for number, product in affected.items():
        if not product.build:
            yield _row(product, identifier, UNDETERMINED, "affected, no fix, and no build is named")
        else:
            yield _row(product, identifier, WONT_FIX if number in refused else OPEN, "affected, and no fix is named")


def _products(source: Source, place: str, one: dict[str, Any], products: dict[str, Product]) -> dict[str, Product]:
    """Those of Windows among the ones it names."""
    named = map(str, source.listing(f"{place}, ProductID", one.get("ProductID")))
    return {number: products[number] for number in named if number in products}


def _row(product: Product, identifier: str, state: int, note: str, kb: str = "") -> AffectedRow:
    return AffectedRow(f"windows:{product.build}:{product.series}", "windows", identifier, state, note=note, advisory=kb)


@cache
def product_of(name: str) -> Product | None:
    """What Windows a product's name means: Windows 10 Version 22H2 for x64-based Systems; None: something else."""
    if (found := _WINDOWS.match(name)) is None:
        return None
    server = bool(found.group(1))
    told = _VERSION.search(name)
    version = (told[1] or told[2]) if told else _FIRST.get(found.group(), "")
    rows = [row for row in _releases() if row.server == server and (not version or row.version == version)]
    if not (server and version):
        rows = [row for row in rows if re.match(rf"{re.escape(row.name)}(?![\w,])", name)]
    # Windows Server 2012 R2 is no Windows Server 2012
    builds = [row.build for row in sorted(rows, key=lambda row: len(row.name))]
    return Product("server" if server else "client", builds[-1] if builds else 0)


@cache
def _releases() -> tuple[release.Build, ...]:
    return release.table(release.TABLE.read_text("utf-8"))


def _severity(one: dict[str, Any]) -> int:
    """The gravest of those told for single products."""
    words = [
        threat["Description"].get("Value")
        for threat in one.get("Threats") or []
        if isinstance(threat, dict) and threat.get("Type") == _SEVERITY and isinstance(threat.get("Description"), dict)
    ]
    return max(map(codes.severity, words), default=codes.NOT_SAID)
