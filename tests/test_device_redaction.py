"""No secret of a Cisco configuration survives, and what is no secret stays readable. What nobody foresaw goes too."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.catalog import device_os
from collectors.devices.redaction import clean
from collectors.model import Platform
from collectors.redact import GONE

OS = device_os(Platform.CISCO_IOS)
HIDDEN = "Zq7kTop9Sx"

WITH_SECRET = """
enable secret 5 {s}
enable secret {s}
enable password level 7 7 {s}
username a privilege 15 secret 9 {s}
username a password {s}
username a view v common-criteria-policy P password 7 {s}
snmp-server community {s} RO 10
snmp-server community {s} view V RW ipv6 A6 B4
snmp-server host 10.0.0.1 {s}
snmp-server host 10.0.0.1 vrf M informs version 2c {s} snmp
snmp-server host 10.0.0.1 version 3 priv {s}
snmp-server user u g v3 auth sha {s} priv aes 128 x
snmp-server user u g v3 encrypted auth md5 00 priv des {s}
tacacs-server host 10.0.0.1 key 7 {s}
tacacs-server key {s}
radius-server host 10.0.0.1 auth-port 1812 acct-port 1813 key {s}
 server-private 10.0.0.1 key 7 {s}
 key 7 {s}
 key {s}
 pac key 7 {s}
  key-string 7 {s}
  key-string {s}
 password 7 {s}
 password {s}
 neighbor 10.0.0.1 password 7 {s}
 neighbor 10.0.0.1 password {s}
 ip ospf authentication-key {s}
 ip ospf message-digest-key 1 md5 7 {s}
 area 1 virtual-link 10.0.0.1 message-digest-key 1 md5 {s}
 standby 1 authentication {s}
 standby 1 authentication text {s}
 standby 1 authentication md5 key-string 7 {s}
 vrrp 1 authentication md5 key-string {s} timeout 10
 glbp 1 authentication text {s}
 isis password {s} level-1
 area-password {s}
 domain-password {s}
 authentication mode hmac-sha-256 7 {s}
ntp authentication-key 1 md5 {s} 7
crypto isakmp key {s} address 10.0.0.1
crypto isakmp key 6 {s} hostname h
  pre-shared-key address 0.0.0.0 0.0.0.0 key {s}
 pre-shared-key local {s}
 pre-shared-key {s}
 ppp chap password 0 {s}
 ppp pap sent-username u password 7 {s}
ip ftp password 7 {s}
ip http client password {s}
vtp password {s}
msdp password encrypted {s}
 wpa-psk ascii 0 {s}
 tunnel key {s}
 path ftp://u:{s}@10.0.0.1/x
 ipv6 ospf encryption ipsec spi 256 esp aes-cbc 128 {s}
event manager environment _mail_password {s}
dot1x credentials C password 0 {s}
cts credentials id X password 7 {s}
some-new-feature api-key {s}
another feature shared-secret encrypted {s}
 psk {s}
""".strip("\n").split("\n")

READABLE = """
service password-encryption
no service password-encryption
security passwords min-length 10
key chain OSPF
ntp server 10.0.0.1 key 1
ntp trusted-key 1
ntp authenticate
aaa authentication login default group tacacs+ local
aaa accounting commands 15 default start-stop group tacacs+
ip ssh server algorithm mac hmac-sha2-256
crypto key generate rsa
crypto pki trustpoint TP-self-signed-1
snmp-server group G v3 priv access 10
snmp-server enable traps snmp authentication linkdown
 hash md5
 authentication pre-share
 transport input ssh
login block-for 300 attempts 5 within 60
 hidekeys
ip community-list standard A permit 65000:1
 set community 65000:1 additive
 ip ospf authentication message-digest
 description May in phong hop
 exec-timeout 5 0
""".strip("\n").split("\n")


@pytest.mark.parametrize("line", WITH_SECRET)
def test_a_secret_goes_and_the_line_stays_known(line: str) -> None:
    said = clean(OS, f"hostname R1\n{line.format(s=HIDDEN)}\nend")
    assert HIDDEN not in said
    assert GONE in said
    assert said.split("\n")[1].split()[0] == line.split()[0]
    assert clean(OS, said) == said


@pytest.mark.parametrize("line", READABLE)
def test_what_is_no_secret_stays(line: str) -> None:
    assert clean(OS, line) == line


@given(
    st.sampled_from(WITH_SECRET),
    st.text(st.sampled_from("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789!$%&*+-./:;=?@_~"), min_size=9, max_size=40),
)
def test_no_letters_of_a_secret_help_it(line: str, secret: str) -> None:
    # a word that is a setting of its own is none; a word of the line itself is found in it anyway
    hidden = f"Zq{secret}9"
    if "ftp://" in line and any(letter in hidden for letter in "@/:"):
        return
    assert hidden not in clean(OS, line.format(s=hidden))


def test_a_private_key_goes_whole() -> None:
    text = "crypto key import rsa K pem\n-----BEGIN RSA PRIVATE KEY-----\nMIIEabc\nxyz\n-----END RSA PRIVATE KEY-----\nend"
    assert "MIIE" not in clean(OS, text)
    assert clean(OS, text).endswith("end")
