"""RouterOS: no secret survives, wherever the line is broken."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.catalog import device_os
from collectors.devices.redaction import clean
from collectors.devices.syntax.routeros import parse
from collectors.model import Platform
from collectors.redact import GONE

OS = device_os(Platform.MIKROTIK_ROUTEROS)

SECRET = "Zq7kTop9Sx"
PLACES = """
/ppp secret|add name=a password={s} profile=default
/ppp secret|add name=a password="{s} x" profile=default
/interface pppoe-client|add name=p password={s} user=u
/ip ipsec identity|add auth-method=pre-shared-key peer=p secret={s}
/ip ipsec identity|add peer=p secret="a \\"{s}\\" b"
/radius|add address=10.0.0.1 secret={s} service=login
/interface wireless security-profiles|set [ find default=yes ] wpa-pre-shared-key={s} wpa2-pre-shared-key={s}
/interface wifi security|add name=s passphrase={s}
/interface wifi|set [ find ] .passphrase={s} security.passphrase={s}
/interface wireguard|add name=w private-key="{s}="
/interface wireguard peers|add interface=w preshared-key="{s}=" public-key="abc="
/interface l2tp-server server|set enabled=yes ipsec-secret={s}
/interface vrrp|add name=v password={s}
/interface macsec|add cak={s} name=m
/routing ospf interface-template|add auth=md5 auth-key={s} interfaces=e
/routing ospf interface|add authentication=md5 authentication-key={s} interface=e
/routing bgp connection|add name=b tcp-md5-key={s}
/snmp community|set [ find default=yes ] addresses=::/0 name={s} security=none
/snmp community|add authentication-password={s} encryption-password={s} name=u security=private
/snmp|set trap-community={s} trap-version=2
/tool e-mail|set password={s} server=10.0.0.1
/interface lte apn|set [ find default=yes ] apn=x password={s}
/interface lte|set [ find ] pin={s}
/system script|add name=x source="/tool fetch user=u password=\\"{s}\\" upload=yes"
/system script|add name=x source=":local password \\"{s}\\"\\r\\n:put 1"
/system script|add name=x source=":global mypassword {s}; :put 1"
/system scheduler|add name=x on-event="/tool e-mail send password={s}"
/system note|set note="WiFi password: {s}" show-at-login=yes
/system note|set note="m\\E1\\BA\\ADt kh\\E1\\BA\\A9u: {s}" show-at-login=yes
/ip firewall filter|add action=accept chain=input comment="key: {s}"
/container envs|add key=DB_PASS name=env value={s}
/user|add group=full name=u password={s}
/ip hotspot user|add name=u otp-secret={s} password={s}
/tool sms|set secret={s} sim-pin=""
/system ntp key|add key={s} key-id=1
"""
CASES = [tuple(line.split("|", 1)) for line in PLACES.strip().splitlines()]


def broken(line: str, step: int) -> str:
    """The line cut every so many letters, where RouterOS may cut it: never behind a backslash of the text."""
    parts = re.findall(r"\\[0-9A-F]{2}|\\.|[^\\]", line)
    return "".join(
        f"\\\n    {part}" if place > 8 and place % step == 0 and not part.isspace() else part for place, part in enumerate(parts)
    )


@pytest.mark.parametrize(("menu", "line"), CASES)
def test_a_secret_goes(menu: str, line: str) -> None:
    text = f"{menu}\n{line.format(s=SECRET)}\n/system identity\nset name=RT\n"
    told = clean(OS, text)
    assert SECRET not in told
    assert GONE in told
    assert told.endswith("/system identity\nset name=RT\n")
    assert clean(OS, told) == told
    parse(told)


@given(
    st.sampled_from(CASES),
    st.text(st.sampled_from("ABCDEFGHJKMNPQRSTXYZabcdefghjkmnpqrstxyz23456789#%&*+-.:@_"), min_size=8, max_size=24).filter(
        lambda word: not word.startswith("none")
    ),
)
def test_no_secret_survives_at_any_place(case: tuple[str, str], secret: str) -> None:
    menu, line = case
    assert secret not in clean(OS, f"{menu}\n{line.format(s=secret)}\n")


@pytest.mark.parametrize(
    ("menu", "line"), [case for case in CASES if case[0] in ("/system note", "/system script", "/ip firewall filter")]
)
@pytest.mark.parametrize("step", [3, 5, 7, 11, 13])
def test_a_secret_in_a_text_goes_wherever_the_line_is_broken(menu: str, line: str, step: int) -> None:
    told = clean(OS, f"{menu}\n{broken(line.format(s=SECRET), step)}\n")
    assert SECRET not in told.replace("\\\n    ", "")


@pytest.mark.parametrize(
    "line",
    [
        "set telnet address=10.0.0.0/8 disabled=yes port=23",
        "add address=10.0.0.1 auth-key=none disabled=no iburst=yes",
        'add interface=w public-key="9VnTZ0a1x5kq7mJ3bQw8rTz2uYh6gFd4sXc1eRa0pLk=" responder=no',
        "add authentication=md5 authentication-key-id=1 cost=10 interface=ether5",
        "set minimum-categories=3 minimum-password-length=12",
        "set static-transmit-key=key-0 supplicant-identity=MikroTik",
        "set [ find default=yes ] authentication-types=wpa-psk,wpa2-psk disable-pmkid=no",
        "set always-allow-password-login=no host-key-size=4096 strong-crypto=yes",
        "add interval=1h name=x on-event=y policy=read,write,policy,password start-date=2024-01-01",
        "set read name=read policy=local,telnet,ssh,password,web,sniff,sensitive skin=default",
    ],
)
def test_what_is_no_secret_stays(line: str) -> None:
    assert clean(OS, line) == line
