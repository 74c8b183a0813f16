"""PAN-OS: no secret survives, wherever it stands; and what is no whole configuration is not believed."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.catalog import device_os
from collectors.devices.redaction import clean
from collectors.devices.syntax.braces import parse
from collectors.errors import Denied, Unparsable, Unsupported
from collectors.model import Platform

OS = device_os(Platform.PALOALTO_PANOS)
WHOLE = (Path(__file__).parent / "devices" / "paloalto_panos--hardened" / "running.txt").read_text("utf-8")

SECRET = st.text(string.ascii_letters + string.digits + "+/=_!@%^&*.-", min_size=9, max_size=60).filter(
    lambda text: text[0].isalnum() and text[-1].isalnum() and not text.isdigit()
)
PLACES = (
    "phash {};",
    "phash $5$abcdefgh${};",
    "phash $1$mpjepthw${};",
    "snmp-community-string {};",
    'snmp-community-string "{} x";',
    "community {};",
    "authpwd -AQ=={}=;",
    "privpwd {};",
    "secret -AQ=={}=;",
    "key -AQ=={}=;",
    "key {};",
    "bind-password {};",
    "api-key {};",
    "private-key {};",
    'private-key "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n";',
    'description "password {}";',
    'login-banner "Chào\nmật khẩu: {}\nhết";',
    'login-banner "Chào\nPassword: {}";',
)


@pytest.mark.parametrize("place", PLACES)
@settings(max_examples=30, deadline=None)
@given(secret=SECRET)
def test_a_secret_survives_nowhere(place: str, secret: str) -> None:
    text = f"config {{\n  a {{\n    {place.replace('{}', secret)}\n    after z;\n  }}\n}}\n"
    redacted = clean(OS, text)
    assert secret not in redacted
    assert clean(OS, redacted) == redacted


@pytest.mark.parametrize("place", PLACES)
def test_redacting_leaves_a_configuration_that_reads_the_same(place: str) -> None:
    text = f"config {{\n  a {{\n    {place.replace('{}', 'Qz7Vx9Km2Wp5')}\n    after z;\n  }}\n}}\n"
    block = parse(clean(OS, text)).at("config", "a")
    assert block is not None
    assert list(block.children) == [place.split(maxsplit=1)[0], "after"]


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("Unknown command: effective-running-config\n", Unsupported),
        ("Invalid syntax.\n", Unsupported),
        ("Server error : command not permitted, permission denied\n", Denied),
        (WHOLE[: len(WHOLE) // 2], Unparsable),
        (WHOLE.replace("hostname PA-SOTTTT;", "hostname PA-KHAC;"), Unparsable),
    ],
)
def test_what_is_no_configuration_is_not_believed(said: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        OS.reading("show config running", said, "PA-SOTTTT")


def test_only_reading_commands_are_permitted() -> None:
    for command in (
        "configure",
        "set deviceconfig system hostname x",
        "request restart system",
        "delete x",
        "commit",
        "show\nconfigure",
    ):
        assert not OS.permits(command)
