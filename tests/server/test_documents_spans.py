"""The times papers speak of, and one form for all papers of a unit."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.documents import arguments, kinds
from server.documents.spans import FORMS, MONTHS, containing, parse, recent

DAYS = st.dates(date(2017, 1, 1), date(2098, 12, 31))


@given(st.sampled_from([*MONTHS, "day"]), DAYS)
def test_what_is_written_is_read_again_and_spans_follow_each_other_without_a_gap(kind: str, day: date) -> None:
    span = containing(kind, day)
    assert span.first <= day <= span.last
    assert parse(kind, span.written, date(2020, 1, 1)) == span
    assert span.after.first == span.last + timedelta(days=1)
    assert span.before.last == span.first - timedelta(days=1)
    assert span.after.before == span
    assert not span.over(day)
    assert span.over(span.last + timedelta(days=1))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("month", "2026-13"),
        ("month", "2026-1"),
        ("quarter", "2026-Q5"),
        ("year", "1999"),
        ("day", "2026-02-30"),
        ("", "2026"),
        ("month", ""),
    ],
)
def test_what_is_no_time_is_refused(kind: str, words: str) -> None:
    with pytest.raises(ValueError):
        parse(kind, words, date(2026, 11, 30))


def test_each_form_that_is_shown_is_read() -> None:
    for kind, form in FORMS.items():
        assert parse(kind, form, date(2026, 11, 30)).written == form
    assert [one.said for one in recent("quarter", date(2026, 2, 3), 2)] == ["quý I năm 2026", "quý IV năm 2025"]


def test_the_command_line_names_every_report_of_a_unit() -> None:
    assert set(arguments.REPORTS) == set(kinds.SPANS) < {name for name, _words in kinds.KINDS}
