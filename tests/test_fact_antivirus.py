"""What recorded cases of `antivirus` cannot say."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.errors import CollectError
from collectors.facts.antivirus import linux, probes
from collectors.linux.antivirus_readers import READERS, bitdefender_content, clamav_built, eset_engine, symantec_defs
from tests.garbled import NOISE, changed, transcripts

TRANSCRIPTS = transcripts("antivirus")
PARSERS: list[Callable[[str], Any]] = [clamav_built, eset_engine, symantec_defs, bitdefender_content]
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.__name__)
@settings(deadline=None)
@given(text=NOISE)
def test_garbage_is_refused_in_words(parser: Callable[[str], Any], text: str) -> None:
    with contextlib.suppress(CollectError):
        parser(text)


@settings(deadline=None)
@given(
    moment=st.datetimes(datetime(2003, 1, 1), datetime(2090, 1, 1)),  # noqa: DTZ001  (local time of the builder; its zone stands behind it)
    east=st.integers(-12 * 4, 14 * 4),
)
def test_the_build_time_of_clamav_is_utc_whatever_the_builders_zone(moment: datetime, east: int) -> None:
    moment = moment.replace(second=0, microsecond=0)
    zone = f"{'-' if east < 0 else '+'}{abs(east) * 15 // 60:02}{abs(east) * 15 % 60:02}"
    header = f"ClamAV-VDB:{moment:%d} {MONTHS[moment.month - 1]} {moment:%Y %H-%M} {zone}:28163:1:90:x:y:z:0"
    assert clamav_built(header) == (moment - timedelta(minutes=15 * east)).replace(tzinfo=UTC)


@settings(deadline=None)
@given(transcript=st.sampled_from(TRANSCRIPTS), which=st.integers(0, 50), text=NOISE)
def test_a_garbled_answer_never_loses_a_product(transcript: dict[str, Any], which: int, text: str) -> None:
    whole = linux(changed(transcript, 0, lambda said: said))
    garbled = linux(changed(transcript, which, lambda _: text))
    assert [row.id for row in garbled.products or ()] == [row.id for row in whole.products or ()]


@settings(deadline=None)
@given(transcript=st.sampled_from(TRANSCRIPTS), which=st.integers(0, 50), share=st.floats(0, 1))
def test_a_cut_off_answer_never_makes_a_product_protect(transcript: dict[str, Any], which: int, share: float) -> None:
    whole = linux(changed(transcript, 0, lambda said: said))
    cut = linux(changed(transcript, which, lambda said: said[: int(len(said) * share)]))
    for before, after in zip(whole.products or (), cut.products or (), strict=True):
        assert not after.realtime or before.realtime, (before, after)
        assert after.signatures_dated in (None, before.signatures_dated)


@settings(deadline=None)
@given(transcript=st.sampled_from(TRANSCRIPTS), which=st.integers(0, 50), text=NOISE)
def test_what_is_none_says_why(transcript: dict[str, Any], which: int, text: str) -> None:
    fact = linux(changed(transcript, which, lambda _: text))
    named = {entry.field for entry in fact.unseen}
    for row in fact.products or ():
        for field in type(row).model_fields:
            assert getattr(row, field) is not None or f"products[].{field}" in named, field


def test_every_probe_can_find_something_and_names_a_reader_that_exists() -> None:
    for probe in probes().products:
        assert probe.name
        assert probe.programs or probe.paths, probe.id
        assert probe.reader == "none" or probe.reader in READERS, probe.id
        assert probe.services == "guessed" or probe.units, probe.id
    ids = [probe.id for probe in (*probes().products, *probes().integrity_tools)]
    assert len(ids) == len(set(ids))
