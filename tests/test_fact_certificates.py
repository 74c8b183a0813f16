"""What recorded cases of `certificates` cannot say: broken files are refused in words, and no row hides among the others."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.errors import CollectError
from collectors.facts.certificates import linux
from collectors.linux.certificates import first_certificate
from collectors.transports.replay import ReplayShell
from tests.garbled import NOISE, changed, transcripts

TRANSCRIPTS = [case for case in transcripts("certificates") if case["names"]["/usr/*bin/*"]]
PEM = next(text for case in TRANSCRIPTS for path, text in case.get("read", {}).items() if path.endswith("/ssl-cert-snakeoil.pem"))


OLD = """\
-----BEGIN CERTIFICATE-----
MIICCDCCAXGgAwIBAgIURN8GO1UPpHCEf3VvTuI9Fktfwo4wDQYJKoZIhvcNAQEF
BQAwFjEUMBIGA1UEAwwLb2xkLmV4YW1wbGUwHhcNMjYxMTI5MDE0MjUyWhcNMzYx
MTI2MDE0MjUyWjAWMRQwEgYDVQQDDAtvbGQuZXhhbXBsZTCBnzANBgkqhkiG9w0B
AQEFAAOBjQAwgYkCgYEAxTQYqpf6w9+IZf6U5e1NfDvmzfefvX6A6IEPeGKG4DhL
LI2LilBwrm8rk1skCYPPk1qtFpUNGgXzcPmhZ10vIaRaN5oZs5+CJdUrtws8PHAk
6eU8W5chURd7j6jq4oJ7HZu0XjGmtBBB9fsPyb35b/BjySFbuQugvnW9umDVioUC
AwEAAaNTMFEwHQYDVR0OBBYEFNRViNk26jF2evMQy7STaqgKH6PaMB8GA1UdIwQY
MBaAFNRViNk26jF2evMQy7STaqgKH6PaMA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZI
hvcNAQEFBQADgYEAY7DXLF2KDnrQKUcq1mCYgqanzHWzqwZJ4i5zcyRINqYAmGu3
DQOOA4JA4F4+6YZr0Fs5JP884rU39b8l9nlPhehMLc9QdPDKsdzmlcFwcM+OAaQ2
nSO6+3fqngA1Vqg7mOQj1iRv/BxNPL6zNE1X+kkcU/ybInmr7lyxYaX4ETw=
-----END CERTIFICATE-----
"""
"""Signed by its own key with SHA-1; made for this test with openssl."""


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


def test_a_signature_nobody_verifies_any_more_is_not_called_somebody_elses() -> None:
    assert first_certificate(OLD, "/etc/ssl/old.pem").self_signed is None
    assert first_certificate(PEM, "/etc/ssl/a.pem").self_signed is True
    case = next(case for case in TRANSCRIPTS if PEM in case.get("read", {}).values())
    read = {path: OLD if text == PEM else text for path, text in case["read"].items()}
    fact = linux(ReplayShell({**case, "read": read}))
    old = next(row for row in fact.certificates or () if row.signature_hash == "sha1")
    assert old.self_signed is None
    assert ("certificates[].self_signed", "unsupported") in {(gap.field, gap.outcome) for gap in fact.unseen}
