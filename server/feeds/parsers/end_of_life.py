"""Ends of life: the tables of Debian's package distro-info-data (CSV), or documents of endoflife.date (JSON)."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from server.feeds.parsers.rows import EndOfLifeRow, Row
from server.feeds.parsers.source import DOCUMENT_MAX, Source

PRODUCTS: Final = {"rocky-linux": "rocky", "oracle-linux": "ol", "centos-stream": "centos", "amazon-linux": "amzn"}
"""endoflife.date's words where os-release has another ID."""


def read(source: Source) -> Iterator[Row]:
    """`given["product"]` names the product; without it, the file's name does: debian.csv, rocky-linux.json."""
    stem = re.sub(r"(\.csv|\.json)(\.gz|\.xz)?$", "", source.name.rpartition("/")[2])
    product = source.given.get("product") or stem
    product = PRODUCTS.get(product, product)
    return _distro_info(source, product) if ".csv" in source.name else _endoflife(source, product)


def _distro_info(source: Source, product: str) -> Iterator[Row]:
    with source.text() as lines:
        reader = csv.DictReader(lines)
        if not {"version", "series", "eol"} <= set(reader.fieldnames or ()):
            raise source.malformed("line 1", "the columns version, series and eol are not there")
        for row in reader:
            source.records += 1
            place = f"line {reader.line_num}"
            if not row["series"]:
                raise source.malformed(place, "no series")
            version = re.sub(r" LTS$", "", row["version"] or "")
            if not version:
                source.left_out += 1  # sid and experimental end never
                continue
            yield _of_distro_info(source, place, product, version, row)


def _of_distro_info(source: Source, place: str, product: str, version: str, row: dict[str, Any]) -> EndOfLifeRow:
    def day(column: str) -> date | None:
        return source.day(place, row[column]) if row.get(column) else None

    # Debian: eol-lts is what volunteers carry on, eol-elts what is sold. Ubuntu: eol-esm needs a subscription
    extended, by = next(((day(f"eol-{word}"), word) for word in ("lts", "esm", "elts") if row.get(f"eol-{word}")), (None, ""))
    standard = day("eol-server") or day("eol")
    return EndOfLifeRow(
        product, version, row["series"], day("release"), support_ends=standard, security_ends=standard, extended_ends=extended,
        extended_by=by,
    )  # fmt: skip


def _endoflife(source: Source, product: str) -> Iterator[Row]:
    """Both forms of endoflife.date: a list of cycles, and the newer {result: {releases: [...]}}."""
    with source.opened() as stream:
        text = stream.read(DOCUMENT_MAX)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise source.malformed(f"byte {getattr(error, 'pos', 0)}", f"no JSON: {error}") from None
    if isinstance(found, dict):
        if found.get("last_modified"):
            source.data_date = source.day("last_modified", found["last_modified"])
        found = source.mapping("result", found.get("result")).get("releases")
    if not isinstance(found, list):
        raise source.malformed("document", "no list of cycles")
    for one in found:
        source.records += 1
        place = f"record {source.records}"
        yield _cycle(source, place, product, source.mapping(place, one))


def _cycle(source: Source, place: str, product: str, one: dict[str, Any]) -> EndOfLifeRow:
    cycle = source.word(place, str(one.get("cycle") or one.get("name") or ""), "cycle")
    if "eol" not in one and "eolFrom" not in one and "isEol" not in one:
        raise source.malformed(place, "no eol")
    security, ended = _end(source, place, one.get("eolFrom") or one.get("eol", one.get("isEol")))
    support, _over = _end(source, place, one.get("eoasFrom") or one.get("support"))
    extended, _over = _end(source, place, one.get("eoesFrom") or one.get("extendedSupport"))
    released, _over = _end(source, place, one.get("releaseDate"))
    return EndOfLifeRow(
        product, cycle, str(one.get("codename") or "")[:60], released, support, security, extended, "contract" if extended else "",
        ended,
    )  # fmt: skip


def _end(source: Source, place: str, said: object) -> tuple[date | None, bool | None]:
    """A day, or only whether it is over."""
    if isinstance(said, bool):
        return None, said
    return (source.day(place, said), None) if said else (None, None)
