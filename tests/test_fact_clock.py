"""What recorded cases of `clock` cannot say: no text makes the parsers crash, and no broken answer makes a clock look right."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.errors import CollectError
from collectors.facts.clock import linux
from collectors.linux.systemd_config import seconds
from collectors.linux.time_daemons import chrony_sources, chrony_tracking, ntpctl_all, ntpq_peers, timesync_fields
from tests.garbled import NOISE, changed, transcripts

TRANSCRIPTS = transcripts("clock")
PARSERS: list[Callable[[str], Any]] = [chrony_tracking, chrony_sources, timesync_fields, ntpq_peers, ntpctl_all, seconds]


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.__name__)
@settings(deadline=None)
@given(text=NOISE)
def test_garbage_is_refused_in_words(parser: Callable[[str], Any], text: str) -> None:
    with contextlib.suppress(CollectError):
        parser(text)


@settings(deadline=None)
@given(transcript=st.sampled_from(TRANSCRIPTS), which=st.integers(0, 50), text=NOISE)
def test_a_garbled_answer_costs_at_most_the_fact(transcript: dict[str, Any], which: int, text: str) -> None:
    with contextlib.suppress(CollectError):
        linux(changed(transcript, which, lambda _: text))


@settings(deadline=None)
@given(transcript=st.sampled_from(TRANSCRIPTS), which=st.integers(0, 50), share=st.floats(0, 1))
def test_a_cut_off_answer_never_makes_a_clock_synchronised(transcript: dict[str, Any], which: int, share: float) -> None:
    whole = linux(changed(transcript, 0, lambda text: text))
    cut = linux(changed(transcript, which, lambda text: text[: int(len(text) * share)]))
    assert not cut.synchronised or whole.synchronised


@settings(deadline=None)
@given(transcript=st.sampled_from(TRANSCRIPTS), which=st.integers(0, 50), share=st.floats(0, 1))
def test_what_is_none_says_why(transcript: dict[str, Any], which: int, share: float) -> None:
    fact = linux(changed(transcript, which, lambda text: text[: int(len(text) * share)]))
    named = {entry.field for entry in fact.unseen}
    for field in ("software", "running", "synchronised", "servers", "stratum", "offset_ms", "timezone"):
        assert getattr(fact, field) is not None or field in named, field


@pytest.mark.parametrize(
    ("span", "wanted"), [("90day", 7776000), ("1month", 2629800), ("1w 2d", 777600), ("0", 0), ("5min", 300), ("2M", 5259600)]
)
def test_spans_of_time_as_systemd_reads_them(span: str, wanted: int) -> None:
    assert seconds(span) == wanted
