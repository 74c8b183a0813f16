"""What recorded cases of `hardware` cannot say."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.errors import CollectError
from collectors.facts.hardware import cpu_model, cpu_sockets, cpu_threads, firmware_date, linux, memory, mended
from tests.garbled import NOISE, changed, transcripts

TRANSCRIPTS = transcripts("hardware")
PARSERS: list[Callable[[str], Any]] = [cpu_model, cpu_sockets, cpu_threads, firmware_date, memory, mended]


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.__name__)
@settings(deadline=None)
@given(text=NOISE)
def test_garbage_is_refused_in_words(parser: Callable[[str], Any], text: str) -> None:
    with contextlib.suppress(CollectError):
        parser(text)


@settings(deadline=None)
@given(transcript=st.sampled_from(TRANSCRIPTS), which=st.integers(0, 80), text=NOISE)
def test_what_is_none_says_why(transcript: dict[str, Any], which: int, text: str) -> None:
    fact = linux(changed(transcript, which, lambda _: text))
    named = {entry.field for entry in fact.unseen}
    for field in type(fact).model_fields:
        assert getattr(fact, field) is not None or field in named, field
    for place in ("disks", "cpu_holes"):
        for row in getattr(fact, place) or ():
            assert None not in row.model_dump().values() or any(name.startswith(f"{place}[]") for name in named), row


@settings(deadline=None)
@given(transcript=st.sampled_from(TRANSCRIPTS), which=st.integers(0, 80), share=st.floats(0, 1))
def test_a_cut_off_answer_never_mends_a_hole(transcript: dict[str, Any], which: int, share: float) -> None:
    whole = {one.name: one.mended for one in linux(changed(transcript, 0, lambda text: text)).cpu_holes or ()}
    cut = {
        one.name: one.mended
        for one in linux(changed(transcript, which, lambda text: text[: int(len(text) * share)])).cpu_holes or ()
    }
    for name, was in whole.items():
        assert cut[name] is not True or was is True, name


@given(online=st.sets(st.integers(0, 300), min_size=1))
def test_processors_are_counted_from_ranges(online: set[int]) -> None:
    parts, ordered = [], sorted(online)
    while ordered:
        first = last = ordered.pop(0)
        while ordered and ordered[0] == last + 1:
            last = ordered.pop(0)
        parts.append(str(first) if first == last else f"{first}-{last}")
    assert cpu_threads(",".join(parts) + "\n") == len(online)


@given(day=st.dates(date(1990, 1, 1), date(2089, 12, 31)))
def test_the_date_of_a_firmware_is_month_day_year(day: date) -> None:
    assert firmware_date(f"{day:%m/%d/%Y}") == day


@pytest.mark.parametrize(
    ("kib", "gib"), [(24684084, 24), (16 << 20, 16), ((16 << 20) - 1, 16), ((16 << 20) + 1, 17), (499_000, 1)]
)
def test_memory_is_rounded_up(kib: int, gib: int) -> None:
    assert memory(f"MemTotal:       {kib} kB\n") == gib
