"""No secret planted where AOS-S or AOS-CX keep one survives redaction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.catalog import device_os
from collectors.devices.redaction import clean
from collectors.model import Kind, Platform, Target
from collectors.run import collect
from collectors.transports.replay import ReplayDevice

DEVICES = Path(__file__).parent / "devices"

AOSS_LINES = (
    'password manager user-name "a" sha256 "{}"',
    "password manager plaintext {}",
    'password operator sha1 "{}"',
    'snmp-server community "{}" unrestricted',
    'snmp-server host 10.0.0.1 community "{}"',
    'snmp-server host 10.0.0.1 "{}"',
    'snmpv3 user "u" auth sha "{}" priv aes "x"',
    'snmpv3 user "u" auth md5 "x" priv des "{}"',
    'snmpv3 community index "1" name "{}" sec-name "x"',
    'radius-server host 10.0.0.1 key "{}"',
    'tacacs-server host 10.0.0.1 encrypted-key "{}"',
    'tacacs-server key "{}"',
    'sntp authentication key-id 1 authentication-mode md5 key-value "{}" trusted',
    'key-chain "a" key 1 key-string "{}"',
    'autorun encryption-key "{}"',
    'radius-server host 10.0.0.1 acct-port 1646 key\n "{}"',
    'password manager user-name "a" sha256\n "{}"',
    'snmpv3 user "u" auth sha "x"\n priv aes "{}"',
)
AOSCX_LINES = (
    "user a group administrators password ciphertext {}",
    "user a password plaintext {}",
    "snmp-server community {}",
    "snmp-server host 10.0.0.1 trap version v2c community {} vrf mgmt",
    "snmpv3 user u auth sha auth-pass ciphertext {} priv aes priv-pass ciphertext x",
    "snmpv3 user u auth sha auth-pass ciphertext x priv aes priv-pass plaintext {}",
    "tacacs-server host 10.0.0.1 key ciphertext {} vrf mgmt",
    "radius-server key plaintext {}",
    "ntp authentication-key 1 sha1 ciphertext {} trusted",
    "snmpv3 context a vrf mgmt community {}",
    "    ip ospf sha-key 1 sha plaintext {}",
    "    neighbor 10.0.0.1 password ciphertext {}",
    "    ip ospf message-digest-key 1 md5 ciphertext {}",
    "    ip ospf authentication-key {}",
    "    key-string ciphertext {}",
)
EVERY_LINE = (
    *((Platform.ARUBA_AOSS, line) for line in AOSS_LINES),
    *((Platform.ARUBA_AOSCX, line) for line in AOSCX_LINES),
)


@given(
    st.sampled_from(EVERY_LINE),
    st.text(st.sampled_from("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789!*+,;<>[]{}~^&|="), min_size=9, max_size=40),
)
def test_no_secret_survives_wherever_it_is_planted(where: tuple[Platform, str], secret: str) -> None:
    platform, line = where
    text = clean(device_os(platform), f"hostname A\n{line.replace('{}', f'Zq7{secret}')}\nvlan 1\n")
    assert secret not in text


def recorded() -> list[tuple[dict[str, Any], str]]:
    """(recording with the configuration in it, one of its secrets), of every recorded switch."""
    found = []
    for path in sorted(DEVICES.glob("aruba_*/transcript.yaml")):
        text = path.read_text("utf-8")
        if (path.parent / "running.txt").exists():
            running = (path.parent / "running.txt").read_text("utf-8")
            transcript = yaml.load(text, Loader=yaml.CSafeLoader)
            commands = {name: running if isinstance(said, dict) else said for name, said in transcript["commands"].items()}
            found += [
                ({**transcript, "commands": commands}, secret) for secret in transcript["must_not_survive"] if secret in running
            ]
    return found


RECORDED = recorded()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(RECORDED),
    st.text(st.sampled_from("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789*+,;~^&="), min_size=9),
)
def test_no_secret_of_a_configuration_enters_a_fact(where: tuple[dict[str, Any], str], secret: str) -> None:
    transcript, old = where
    new = f"Zq7{secret}"
    commands = {name: said.replace(old, new) for name, said in transcript["commands"].items()}
    platform = Platform(transcript["platform"])
    cli = ReplayDevice({**transcript, "commands": commands})
    snapshot = collect(Target(name="x", kind=Kind.SWITCH, via="replay", platform=platform), cli)
    assert {record.outcome for record in snapshot.records} <= {"seen", "unsupported", "unparsable", "denied"}
    assert new not in "".join(str(record.model_dump()) for record in snapshot.records)


@pytest.mark.parametrize(
    ("platform", "line"),
    [
        (Platform.ARUBA_AOSS, "password minimum-length 12"),
        (Platform.ARUBA_AOSS, 'snmp-server contact "a" location "b"'),
        (Platform.ARUBA_AOSCX, "ntp server 10.0.0.1 key 1"),
        (Platform.ARUBA_AOSCX, "user robot authorized-key ssh-rsa AAAAB3NzaC1yc2E robot@example"),
    ],
)
def test_a_line_without_a_secret_stays(platform: Platform, line: str) -> None:
    assert clean(device_os(platform), line) == line
