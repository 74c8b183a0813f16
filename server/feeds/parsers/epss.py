"""EPSS scores (CSV): a line `#model_version:...,score_date:...`, then cve,epss,percentile."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator

from server.feeds.parsers.rows import LikelihoodRow, Row
from server.feeds.parsers.source import CVE, Source


def read(source: Source) -> Iterator[Row]:
    with source.text() as lines:
        head = next(lines, "")
        dated = re.match(r"#.*score_date:([0-9T:+-]+)", head)
        if dated:
            source.data_date = source.day("line 1", dated.group(1))
            head = next(lines, "")
        first = 3 if dated else 2
        if [word.strip() for word in head.split(",")] != ["cve", "epss", "percentile"]:
            raise source.malformed(f"line {first - 1}", "the columns are not cve,epss,percentile")
        for number, cells in enumerate(csv.reader(lines), first):
            if not cells:
                continue
            source.records += 1
            if len(cells) != 3 or not CVE.fullmatch(cells[0]):
                raise source.malformed(f"line {number}", "is not a CVE with two numbers")
            yield LikelihoodRow(cells[0], _share(source, number, cells[1]), _share(source, number, cells[2]))


def _share(source: Source, number: int, text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 <= found <= 1:
        raise source.malformed(f"line {number}", f"no number from 0 to 1: {text!r}")
    return found
