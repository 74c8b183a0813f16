"""What is current of antivirus products: a table of the site's own, copied from the makers' pages."""

from __future__ import annotations

from collections.abc import Iterator

from server.feeds.parsers.rows import AntivirusReleaseRow, Row
from server.feeds.parsers.source import Source
from server.feeds.parsers.tables import rows


def read(source: Source) -> Iterator[Row]:
    for line, row in rows(source, "antivirus", ("product",)):
        source.records += 1
        dated = row.get("signature_date", "")
        found = AntivirusReleaseRow(
            source.word(f"line {line}", row.get("product"), "product"),
            row.get("version", ""),
            row.get("engine", ""),
            row.get("signature_version", ""),
            source.day(f"line {line}", dated) if dated else None,
        )
        if not any(found[1:]):
            raise source.malformed(f"line {line}", "says nothing of the product")
        yield found
