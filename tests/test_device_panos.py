"""PAN-OS: no secret survives, wherever it stands; and what is no whole configuration is not believed."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.catalog import device_os
from collectors.devices.paloalto_panos.objects import any_service, anybody
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


OBJECTS = parse(
    "address { MANG-RONG { ip-netmask 0.0.0.0/0; } NUA-1 { ip-netmask 0.0.0.0/1; } NUA-2 { ip-range 128.0.0.0-255.255.255.255; }"
    " MAY { ip-netmask 10.0.0.5/32; } TEN { fqdn a.example; } LA { tag x; } }"
    " address-group { HAI-NUA { static [ NUA-1 NUA-2 ]; } DONG { dynamic { filter x; } } VONG { static VONG; } }"
    " service { MOI-CONG { protocol { tcp { port 1-65535; } } } MOT { protocol { tcp { port 443,8443; } } } }"
    " service-group { NHOM { members [ MOT MOI-CONG ]; } }"
)


@pytest.mark.parametrize(
    ("rule", "wide"),
    [
        ("source any;", True),
        ("source MANG-RONG;", True),
        ("source [ MAY MANG-RONG ];", True),
        ("source HAI-NUA;", True),
        ("source [ NUA-1 128.0.0.0/1 ];", True),
        ("source 0.0.0.0-255.255.255.255;", True),
        ("source [ MAY NUA-1 ];", True),
        ("source [ MAY 0.0.0.0/2 ];", False),
        ("source [ 0.0.0.0/2 64.0.0.0/2 128.0.0.0/2 ];", True),
        ("source NUA-1; negate-source yes;", True),
        ("source [ TEN VN 10.0.0.0/8 ];", False),
        ("source MAY; negate-source yes;", True),
        ("source any; negate-source yes;", False),
    ],
)
def test_names_in_a_rule_are_looked_up(rule: str, wide: bool) -> None:
    assert anybody((OBJECTS,), parse(rule), "source") is wide


@pytest.mark.parametrize("name", ["KHONG-CO", "DONG", "VONG", "LA", "10.0.0.9-10.0.0.1"])
def test_a_name_that_cannot_be_told_is_not_narrow(name: str) -> None:
    with pytest.raises(Unparsable):
        anybody((OBJECTS,), parse(f"source {name};"), "source")


@pytest.mark.parametrize(
    ("rule", "wide"),
    [
        ("application any; service any;", True),
        ("application any; service application-default;", True),
        ("application any; service NHOM;", True),
        ("application any; service [ MOT service-https ];", False),
        ("application web-browsing; service any;", False),
    ],
)
def test_a_service_that_is_every_port_is_any(rule: str, wide: bool) -> None:
    assert any_service((OBJECTS,), parse(rule)) is wide
