"""What is known of a machine's vulnerabilities, as a fact: each piece that is missing is not seen, never nothing found."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from collectors.facts.vulnerabilities import Vulnerabilities
from server.feeds.matching.fact import (
    EPSS,
    KEV,
    LIFE,
    LISTED,
    OTHERS,
    SYSTEM,
    Held,
    Life,
    Matching,
    Prepared,
    Resting,
    digest_of,
    fact_of,
    prepared,
    record_of,
)  # fmt: skip
from server.feeds.matching.outcome import REASONS, Left
from server.feeds.parsers import KINDS

TODAY = date(2026, 11, 29)
HOST = "a" * 64
FIELDS = [name for name in Vulnerabilities.model_fields if name != "unseen"]
EXPLOITED = ["exploited_fixable", "exploited_unfixable", "exploited_undetermined"]
ENDS = ["support_ends", "extended_support_ends"]


def feed(name: str, age: int = 3, limit: int = 14) -> Resting:
    dated = TODAY - timedelta(days=age)
    return Resting(name, dated, dated + timedelta(days=limit), "0" * 64, datetime(2026, 11, 27, tzinfo=UTC))


PARTS = {SYSTEM: [feed("debian")], KEV: [feed("kev")], EPSS: [feed("epss")], LIFE: [feed("distro-info", limit=180)]}


def held(number: int = 1, **changes: Any) -> Held:
    one = Held(f"CVE-2026-{number}", "a", "1-1", "2-1", "fix", TODAY - timedelta(days=10), 3, False, 0.1)
    return one._replace(**changes)


def made(*rows: Held, reason: str = "", left: tuple[Left, ...] = (), parts: Any = PARTS, life: Life | None = None) -> Prepared:
    matching = Matching(HOST, reason, reason, 2, left, TODAY + timedelta(days=11))
    kept = prepared(matching, rows, parts, life or Life(date(2026, 6, 10), date(2028, 6, 30)))
    again: Prepared = json.loads(json.dumps(kept))
    assert again == kept, "plain data"
    return again


def none(fact: Vulnerabilities) -> list[str]:
    found = [name for name in FIELDS if getattr(fact, name) is None]
    assert {one.field for one in fact.unseen if "[]" not in one.field} == set(found), "each with its reason, and no other"
    return found


def test_all_that_is_known_is_told() -> None:
    rows = (
        held(1, exploited=True, epss=0.2),
        held(2, answer="not-yet", fixed="", exploited=True),
        held(3, answer="will-not-fix", fixed=""),
        held(4, answer="undetermined", exploited=True),
        held(5, answer="undetermined", fixed=""),
    )
    left = (Left("x", "1", "third-party"), Left("y", "1", "no-rule"), Left("z", "1", "no-rule"))
    fact = fact_of(made(*rows, left=left), HOST, TODAY)
    assert none(fact) == []
    assert [one.id for one in fact.exploited_fixable or ()] == [one.id for one in fact.fixable or ()] == ["CVE-2026-1"]
    assert [one.id for one in fact.exploited_unfixable or ()] == ["CVE-2026-2"]
    assert (fact.exploited_undetermined, fact.fixable_count, fact.unfixable_count) == (1, 1, 2)
    assert (fact.undetermined_count, fact.undetermined_fixable_count, fact.assessed_count) == (2, 1, 2)
    assert [(one.why, one.count) for one in fact.unassessed or ()] == [("no-rule", 2)]
    assert [(one.why, one.count) for one in fact.uncovered or ()] == [("third-party", 1)]
    assert (fact.support_ends, fact.extended_support_ends) == (date(2026, 6, 10), date(2028, 6, 30))


def test_sources_are_the_feeds_with_the_days_of_their_data() -> None:
    record = record_of(made(held()), HOST, TODAY)
    assert [source.what for source in record.sources] == [
        f"feed {name}, data of 2026-11-26" for name in ("debian", "kev", "epss", "distro-info")
    ]
    assert record.typed() == fact_of(made(held()), HOST, TODAY)
    assert record_of(None, HOST, TODAY).sources == ()


@pytest.mark.parametrize(
    ("kept", "host", "words"),
    [
        (None, HOST, "has not been matched"),
        (made(held()), "b" * 64, "matched anew"),
    ],
)
def test_not_matched_or_matched_with_other_facts_is_not_seen(kept: Prepared | None, host: str, words: str) -> None:
    fact = fact_of(kept, host, TODAY)
    assert none(fact) == FIELDS
    assert all(words in one.reason for one in fact.unseen)


def test_nothing_assessed_is_not_nothing_found() -> None:
    fact = fact_of(made(reason="no feed that was imported speaks of this system"), HOST, TODAY)
    assert none(fact) == [name for name in FIELDS if name not in ENDS]


@pytest.mark.parametrize(
    ("part", "blank"),
    [(SYSTEM, [name for name in FIELDS if name not in ENDS]), (KEV, EXPLOITED), (LIFE, ENDS), (EPSS, [])],
)
def test_a_feed_over_its_limit_takes_what_rests_on_it(part: str, blank: list[str]) -> None:
    kept = made(held(1, exploited=True), parts=PARTS | {part: [feed("old", age=15)]})
    last = TODAY - timedelta(days=1)
    assert none(fact_of(kept, HOST, last)) == [], "on its last day it still carries"
    fact = fact_of(kept, HOST, TODAY)
    assert none(fact) == blank
    assert any("over their age limit since 2026-11-28" in one.reason for one in fact.unseen)
    assert none(fact_of(made(held(1, exploited=True)), HOST, TODAY)) == [], "newer data bring it back"


def test_a_limit_shortened_after_the_matching_holds_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = made(held(1, exploited=True), parts=PARTS | {KEV: [feed("kev", age=3, limit=30)._replace(kind="kev")]})
    assert none(fact_of(kept, HOST, TODAY)) == []
    monkeypatch.setitem(KINDS, "kev", dataclasses.replace(KINDS["kev"], limit_days=2))
    assert none(fact_of(kept, HOST, TODAY)) == EXPLOITED
    monkeypatch.setitem(KINDS, "kev", dataclasses.replace(KINDS["kev"], limit_days=0))
    assert none(fact_of(kept, HOST, TODAY)) == [], "one that was lengthened holds from the next import on"


@pytest.mark.parametrize(("part", "blank"), [(KEV, EXPLOITED), (LIFE, ENDS), (EPSS, [])])
def test_a_feed_that_was_never_imported_is_no_empty_list(part: str, blank: list[str]) -> None:
    fact = fact_of(made(held(), parts=PARTS | {part: []}), HOST, TODAY)
    assert none(fact) == blank
    assert any(f"no data of the kind {part} were imported" in one.reason for one in fact.unseen)


def test_data_of_a_day_to_come_carry_nothing() -> None:
    fact = fact_of(made(held(), parts=PARTS | {KEV: [feed("kev", age=-2)]}), HOST, TODAY)
    assert none(fact) == EXPLOITED


def test_the_system_s_own_limit_counts_as_it_was_matched() -> None:
    assert none(fact_of(made(held(), parts=PARTS | {SYSTEM: []}), HOST, TODAY + timedelta(days=12)))


def test_whether_it_is_exploited_that_nobody_says_is_no_no() -> None:
    assert fact_of(made(held(exploited=None)), HOST, TODAY).exploited_undetermined == 1


def test_a_column_that_is_not_known_says_so() -> None:
    fact = fact_of(made(held(severity=0, epss=None)), HOST, TODAY)
    assert fact.fixable is not None
    assert (fact.fixable[0].severity, fact.fixable[0].epss) == (None, None)
    assert {one.field for one in fact.unseen} == {"fixable[].severity", "fixable[].epss"}


def test_a_release_the_data_do_not_name_is_not_supported_for_ever() -> None:
    assert none(fact_of(made(held(), life=Life(None, None)), HOST, TODAY)) == ENDS


def test_what_is_cut_off_became_known_after_what_is_listed() -> None:
    rows = [held(number, since=TODAY - timedelta(days=number), severity=4 - number % 4) for number in range(LISTED + 10)]
    fact = fact_of(made(*rows), HOST, TODAY)
    assert fact.fixable is not None
    assert [one.since for one in fact.fixable] == sorted(row.since for row in rows)[:LISTED]
    assert fact.fixable_count == LISTED + 10


def test_the_digest_follows_what_is_said_and_not_the_days_of_the_data_or_epss() -> None:
    def digest(*rows: Held, **more: Any) -> str:
        return digest_of(record_of(made(*rows, **more), HOST, TODAY))

    assert digest(held()) == digest(held(epss=0.9)) == digest(held(epss=None))
    newer = {part: [one._replace(dated=TODAY, until=TODAY + timedelta(days=14))] for part, (one,) in PARTS.items()}
    assert digest(held()) == digest(held(), parts=newer)
    assert digest(held()) != digest(held(exploited=True)) != digest(held(fixed="3-1"))
    assert digest(held()) != digest(held(), parts=PARTS | {KEV: []})


def test_software_of_others_is_named_in_the_words_of_the_matching() -> None:
    assert set(REASONS) >= OTHERS
