"""What recorded cases of `certificates` cannot say: broken files are refused in words, and no row hides among the others."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.errors import CollectError
from collectors.facts.certificates import linux
from collectors.linux.certificates import first_certificate
from tests.garbled import NOISE, changed, transcripts

TRANSCRIPTS = [case for case in transcripts("certificates") if case["names"]["/usr/*bin/*"]]
PEM = next(text for case in TRANSCRIPTS for path, text in case.get("read", {}).items() if path.endswith("/ssl-cert-snakeoil.pem"))


@settings(deadline=None)
@given(before=NOISE, share=st.floats(0, 1), after=NOISE)
def test_garbage_is_refused_in_words(before: str, share: float, after: str) -> None:
    with contextlib.suppress(CollectError):
        first_certificate(before + PEM[: int(len(PEM) * share)] + after, "/etc/ssl/a.pem")


@settings(deadline=None)
@given(transcript=st.sampled_from(TRANSCRIPTS), which=st.integers(0, 40), share=st.floats(0, 1))
def test_a_row_that_says_nothing_says_why(transcript: dict[str, Any], which: int, share: float) -> None:
    fact = linux(changed(transcript, which, lambda text: text[: int(len(text) * share)]))
    if any(row.not_after is None for row in fact.certificates or ()):
        assert "certificates[].not_after" in {entry.field for entry in fact.unseen}


def test_a_private_key_in_the_same_file_is_passed_over() -> None:
    secret = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ\n-----END PRIVATE KEY-----\n"
    told = first_certificate(secret + PEM + secret, "/etc/ssl/both.pem")
    assert told == first_certificate(PEM, "/etc/ssl/a.pem")
    assert "MC4CAQ" not in str(told)
