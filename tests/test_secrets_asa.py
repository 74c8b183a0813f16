"""Cisco ASA: no secret survives, whatever it is and wherever it stands."""

from __future__ import annotations

import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.catalog import device_os
from collectors.devices.redaction import clean
from collectors.model import Platform, Target
from collectors.run import collect
from collectors.transports.replay import ReplayDevice
from tests.asa_changed import WHOLE, recording

OS = device_os(Platform.CISCO_ASA)
SECRET = st.text(string.ascii_letters + string.digits + "+/=_!@%^&.-", min_size=9, max_size=60).filter(
    lambda text: text[0].isalnum() and text[-1].isalnum() and text not in WHOLE and not text.isdigit()
)
PLACES = (
    "enable password {} pbkdf2",
    "enable password {} level 5 encrypted",
    "passwd {} encrypted",
    "username a password {} pbkdf2 privilege 15",
    "username a password {}",
    "key config-key password-encryption {}",
    "snmp-server community {}",
    "snmp-server community 8 {}",
    "snmp-server host inside 10.0.0.1 poll community {} version 2c udp-port 161",
    "snmp-server host-group inside NHOM community 8 {}",
    "snmp-server user u g v3 engineID 80000009fe encrypted auth sha {} priv aes 128 *****",
    "snmp-server user u g v3 encrypted auth sha ***** priv aes 256 {}",
    "snmp-server location tang 3 community x{}",
    "aaa-server T protocol tacacs+\naaa-server T (inside) host 10.0.0.1 {}\n key {}",
    "aaa-server L (inside) host 10.0.0.1\n ldap-login-password {}\n radius-common-pw {}\n kerberos-password {}",
    "tunnel-group G ipsec-attributes\n ikev1 pre-shared-key {}\n ikev2 remote-authentication pre-shared-key {}\n pre-shared-key 8 {}",
    "group-policy P external server-group R password {}",
    "failover key {}",
    "failover key hex {}",
    "failover ipsec pre-shared-key {}",
    "cluster group C\n key {}",
    "vpn load-balancing\n cluster key {}",
    "ntp authentication-key 7 sha256 {}",
    "interface X\n ospf message-digest-key 1 md5 {}\n ospf authentication-key {}\n authentication key eigrp 9 {} key-id 1",
    "interface X\n rip authentication key {} key_id 1\n isis authentication key {}\n ipv6 ospf authentication ipsec spi 300 sha1 {}",
    "router ospf 1\n area 1 virtual-link 10.0.0.1 message-digest-key 1 md5 {}\nipv6 router ospf 1\n area 0 encryption ipsec spi 300 esp aes-cbc 256 {} sha1 {}",
    "router bgp 1\n address-family ipv4 unicast\n  neighbor 10.0.0.1 password {}",
    "key chain K\n key 1\n  key-string {}\n  cryptographic-algorithm md5",
    "crypto ca trustpoint T\n password {}\n keypair K",
    "vpdn username u password {} store-local",
    "vpnclient vpngroup g password {}",
    "banner login mat khau password {}",
    "access-list A remark password: {}",
    "url https://nguoi:{}@10.0.0.1/x",
    "snmp-server user u g v3 auth sha256 {} priv des {}",
    "license smart\n idtoken-secret {}",
)  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(secret=SECRET)
def test_a_secret_survives_nowhere(place: str, secret: str) -> None:
    text = place.replace("{}", secret) + "\n"
    redacted = clean(OS, text)
    assert secret not in redacted
    assert clean(OS, redacted) == redacted


def test_no_fact_holds_one() -> None:
    lines = "\n".join(place.replace("{}", "Qz7Vx9Km2Wp5") for place in PLACES if not place.startswith("router "))
    text = WHOLE.replace("pager lines 24\n", f"{lines}\npager lines 24\n")
    said = {
        **recording()["commands"],
        "show running-config": text,
        "show running-config all": text,
        "show startup-config": text,
    }
    found = collect(Target(name="x", via="replay"), ReplayDevice({**recording(), "commands": said}))
    assert "Qz7Vx9Km2Wp5" not in found.model_dump_json()
    assert not [record for record in found.records if record.outcome == "bug"]
