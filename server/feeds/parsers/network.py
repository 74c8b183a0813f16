"""Trains and advisories of network systems: a file of the form of collectors/devices/releases.yaml."""

from __future__ import annotations

from collections.abc import Iterator

from collectors.devices import releases
from server.feeds import codes
from server.feeds.parsers.rows import NetworkAdvisoryRow, NetworkReleaseRow, Row
from server.feeds.parsers.source import DOCUMENT_MAX, Source


def read(source: Source) -> Iterator[Row]:
    with source.opened() as stream:
        raw = stream.read(DOCUMENT_MAX)
    try:
        table = releases.table(raw.decode("utf-8"), source.name)
    except UnicodeDecodeError as error:
        raise source.malformed(f"byte {error.start}", "is not UTF-8") from None
    except ValueError as error:
        raise source.malformed("table", str(error).removeprefix(f"{source.name}:")) from None
    for row in table:
        source.records += 1
        source.data_date = row.dated
        os = row.platform.value
        yield NetworkReleaseRow(os, row.train, row.support_ends, row.sale_ends, row.covers)
        for one in row.advisories:
            yield NetworkAdvisoryRow(
                os, row.train, one.id, codes.severity(one.severity), one.exploited, one.since or "", one.fixed or "",
                " ".join(one.also), one.condition, one.source,
            )  # fmt: skip
