"""Check Point Gaia: no secret survives, wherever it stands; and what is no whole configuration is not believed."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.catalog import device_os
from collectors.devices.redaction import clean
from collectors.devices.syntax.set_lines import parse
from collectors.errors import Denied, Unparsable, Unsupported
from collectors.model import Platform

OS = device_os(Platform.CHECKPOINT_GAIA)
WHOLE = (Path(__file__).parent / "devices" / "checkpoint_gaia--hardened" / "configuration.txt").read_text("utf-8")

SECRET = st.text(string.ascii_letters + string.digits + "+/=_@%^&.-", min_size=9, max_size=60).filter(
    lambda text: text[0].isalnum() and text[-1].isalnum() and not text.isdigit()
)
PLACES = (
    "set user admin password-hash $6$rounds=5000$abcdefgh${}",
    "set user admin password-hash $1${}",
    "set user admin password-hash {}",
    "set expert-password-hash {}",
    "set grub2-password-hash grub.pbkdf2.sha512.10000.{}",
    "set snmp community {} read-only",
    'set snmp community "{} x" read-write',
    "set snmp traps receiver 10.0.0.1 version v2 community {}",
    "add snmp usm user x security-level authPriv auth-pass-phrase-hashed {} privacy-pass-phrase-hashed q1w2e3r4t5",
    "add snmp usm user x security-level authPriv auth-pass-phrase-hashed q1w2e3r4t5 privacy-pass-phrase-hashed {} privacy-protocol AES",
    "add aaa tacacs-servers priority 1 server 10.0.0.1 key {} timeout 5",
    "add aaa radius-servers priority 1 host 10.0.0.1 port 1812 secret {} timeout 3",
    "set bgp external remote-as 65001 peer 10.0.0.1 authtype md5 secret {}",
    "set ospf interface eth1 authtype simple {}",
    'set message motd on line msgvalue "mật khẩu: {}"',
    'set message motd on line msgvalue "password {} end"',
)


@pytest.mark.parametrize("place", PLACES)
@settings(max_examples=30, deadline=None)
@given(secret=SECRET)
def test_a_secret_survives_nowhere(place: str, secret: str) -> None:
    text = f"set a b\n{place.replace('{}', secret)}\nset c d\n"
    redacted = clean(OS, text)
    assert secret not in redacted
    assert clean(OS, redacted) == redacted
    assert parse(redacted).checked().word("set", "c") == "d"


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("CLINFR0329  Invalid command:'show configuration'.\n", Unsupported),
        ("Permission denied\n", Denied),
        (WHOLE[:400], Unparsable),
        (WHOLE.replace("# Configuration of CP-SOTTTT", "# Configuration of CP-KHAC"), Unparsable),
    ],
)
def test_what_is_no_configuration_is_not_believed(said: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        OS.reading("show configuration", said, "CP-SOTTTT")


def test_only_reading_commands_are_permitted() -> None:
    for command in ("set hostname x", "save config", "expert", "add user x", "lock database override", "show\nset x"):
        assert not OS.permits(command)
