"""The table of parsers that eat foreign bytes: none of them ends in anything but its own refusal, for the same changes each time.

`python -m bench.fuzz` runs other changes for as long as asked; what it finds becomes a test of its own.
"""

from __future__ import annotations

import json
import random

import pytest

from bench.fuzz import table
from bench.fuzz.engine import Parser, Sample, Told, changed, try_once
from collectors.catalog import DEVICES
from server.feeds.parsers import KINDS
from tests.test_cases import CASES

pytestmark = pytest.mark.deep

CHANGES = 200
PARSERS = [*table.own(), *table.of_server()]


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_changed_samples_are_read_or_refused(parser: Parser) -> None:
    corpus, told = parser.corpus(), Told(parser.name)
    for seed in range(CHANGES):
        try_once(parser, corpus, seed, told)
    assert told.executions == CHANGES
    assert not told.crashes, "\n".join(f"seed {crash.seed}: {crash.error}\n{crash.trace}" for crash in told.crashes.values())


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_samples_as_they_are_reach_the_parser(parser: Parser) -> None:
    """Or the changes would only show that rubbish is refused."""
    taken = 0
    for sample in parser.corpus()[:40]:
        try:
            parser.eats(sample)
        except parser.allowed:
            continue
        taken += 1
    assert taken, "it refuses all of its samples"


def test_the_table_names_every_format() -> None:
    names = {parser.name for parser in PARSERS}
    assert len(names) == len(PARSERS)
    assert {f"feed {kind}" for kind in KINDS} <= names
    assert {f"device {platform}" for platform in DEVICES} <= names
    assert {f"host {path.name}" for path in CASES.iterdir() if path.is_dir()} <= names


def test_what_breaks_is_told_with_the_number_that_repeats_it() -> None:
    def eats(sample: Sample) -> object:
        return json.loads(sample.raw)["a"]

    weak = Parser("weak", eats, (ValueError,), lambda: [Sample(b'{"a": 1, "b": [2, 3]}')])
    told = Told("weak")
    for seed in range(300):
        try_once(weak, weak.corpus(), seed, told)
    assert told.refused > 50
    found = next(crash for crash in told.crashes.values() if crash.error.startswith("KeyError"))
    again = Told("weak")
    try_once(weak, weak.corpus(), found.seed, again)
    assert [crash.error for crash in again.crashes.values()] == [found.error]


def test_a_change_is_the_same_for_the_same_number() -> None:
    raw = b"interface Gi0/1\n description x\n"
    assert changed(raw, random.Random(7)) == changed(raw, random.Random(7))
    assert len({changed(raw, random.Random(seed)) for seed in range(100)}) > 80
