"""Warnings by letter: the table that comes with it (CSV or a workbook), with the letter's number and date beside it."""

from __future__ import annotations

from collections.abc import Iterator

from server.feeds.parsers.rows import Row, WarningItemRow, WarningRow
from server.feeds.parsers.source import CVE, Source
from server.feeds.parsers.tables import rows
from server.feeds.parsers.windows import article


def read(source: Source) -> Iterator[Row]:
    """One item for each CVE of a line: letters name several in one cell."""
    yield WarningRow(
        source.word("number", source.given.get("number"), "number of the letter"),
        source.day("dated", source.given.get("dated")),
        source.given.get("issuer", ""),
        source.given.get("title", ""),
    )
    for line, row in rows(source, "warnings", ("cve", "product")):
        source.records += 1
        place, told = f"line {line}", row.get("cve", "").upper()
        cves = CVE.findall(told)
        if told and not cves:
            raise source.malformed(place, f"no CVE: {told!r}")
        articles = [article(source, place, one) for one in row.get("kb", "").replace(";", " ").replace(",", " ").split()]
        if not cves and not row.get("product") and not articles:
            raise source.malformed(place, "names neither a CVE nor a product nor a KB")
        for cve in dict.fromkeys(cves) or [""]:
            yield WarningItemRow(
                line, cve, row.get("product", "")[:300], row.get("version", "")[:300], row.get("fixed_version", "")[:120],
                " ".join(articles)[:60], row.get("note", "")[:500],
            )  # fmt: skip
