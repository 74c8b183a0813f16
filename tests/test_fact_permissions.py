"""What recorded cases of `permissions` cannot say: broken answers are refused in words, and silence is never "not there"."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.errors import CollectError
from collectors.facts.permissions import answers, linux
from collectors.transports.base import Stat
from tests.garbled import NOISE, changed, transcripts

TRANSCRIPTS = transcripts("permissions")


@settings(deadline=None)
@given(out=NOISE, err=NOISE)
def test_what_stat_does_not_speak_of_is_not_known(out: str, err: str) -> None:
    with contextlib.suppress(CollectError):
        assert all(isinstance(found, CollectError) for found in answers(out, err).values())


@settings(deadline=None)
@given(transcript=st.sampled_from(TRANSCRIPTS), which=st.integers(0, 3), share=st.floats(0, 1))
def test_a_cut_off_answer_loses_no_row(transcript: dict[str, Any], which: int, share: float) -> None:
    try:
        whole = linux(changed(transcript, 0, lambda text: text))
        cut = linux(changed(transcript, which, lambda text: text[: int(len(text) * share)]))
    except CollectError:
        return
    assert {row.path for row in whole.files or ()} <= {row.path for row in cut.files or ()}
    if any(row.mode is None for row in cut.files or ()):
        assert "files[].mode" in {entry.field for entry in cut.unseen}


def test_absent_denied_and_seen_are_three_answers() -> None:
    found = answers(
        "640 0 42 /etc/shadow\n",
        "stat: cannot statx '/etc/crontab': No such file or directory\nstat: cannot stat '/etc/sudoers.d': Permission denied\n",
    )
    assert found["/etc/shadow"] == Stat(0o640, 0, 42, 0, 0.0, False)
    assert found["/etc/crontab"] is None
    assert isinstance(found["/etc/sudoers.d"], CollectError)
    assert isinstance(found["/root"], CollectError)
