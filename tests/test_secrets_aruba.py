"""No secret planted where AOS-S or AOS-CX keep one survives redaction."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.catalog import device_os
from collectors.devices.redaction import clean
from collectors.model import Platform

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
