"""Aruba AOS-CX: whom a list at the control plane lets in, told line by line."""

from __future__ import annotations

from typing import Any

import pytest

from collectors.devices.aruba_aoscx.aaa import password_policy
from collectors.devices.aruba_aoscx.access import device_access
from collectors.devices.aruba_aoscx.acl import access_lists, reach
from collectors.devices.aruba_aoscx.ports import interfaces
from collectors.devices.aruba_aoscx.services import device_logs, snmp_service
from collectors.devices.syntax.indent import parse
from collectors.errors import Unparsable
from collectors.transports.replay import ReplayDevice

HALVES = "10 permit tcp 0.0.0.0/128.0.0.0 any eq 22\n    20 permit tcp 128.0.0.0/1 any eq 22"


def lets_in(lines: str, port: int = 22, groups: str = "") -> tuple[bool | None, tuple[str, ...]]:
    tree = parse(f"{groups}\naccess-list ip A\n    {lines}\n")
    return reach(access_lists(tree).values(), "tcp", port)


@pytest.mark.parametrize(
    ("lines", "anywhere", "sources"),
    [
        ("10 permit tcp 10.0.0.0/255.255.255.0 any eq 22", False, ("10.0.0.0/24",)),
        ("10 permit tcp 10.0.0.1 any eq ssh", False, ("10.0.0.1/32",)),
        (HALVES, True, ()),
        ("10 permit any 0.0.0.0/0.0.0.0 any", True, ()),
        ("10 permit tcp any any range 1 65535", True, ()),
        ("10 permit tcp any any gt 21", True, ()),
        ("10 permit tcp any any eq 443", False, ()),
        ("10 permit udp any any", False, ()),
        ("10 deny tcp any any eq 22\n    20 permit any any any", False, ()),
        ("10 deny tcp any any eq 22 established\n    20 permit any any any", True, ()),
        ("10 deny tcp 10.0.0.0/8 any eq 22\n    20 permit any any any", True, ()),
        ("10 deny tcp any 10.9.9.9 eq 22\n    20 permit any any any", True, ()),
        ("10 deny tcp any gt 1023 any eq 22\n    20 permit any any any", True, ()),
        ("10 deny tcp any range 1 65535 any eq 22\n    20 permit any any any", False, ()),
        ("5 comment permit any any any", None, ()),
    ],
)
def test_whom_a_list_lets_in(lines: str, anywhere: bool | None, sources: tuple[str, ...]) -> None:
    assert lets_in(lines) == (anywhere, sources)


def test_groups_are_looked_up() -> None:
    groups = "object-group ip address A\n    10 10.0.0.0/24\nobject-group ip address B\n    10 0.0.0.0/1\n    20 128.0.0.0/1\n"
    groups += "object-group port P\n    10 eq 22\n    20 range 400 500"
    assert lets_in("10 permit tcp A any group P", groups=groups) == (False, ("10.0.0.0/24",))
    assert lets_in("10 permit tcp B any group P", groups=groups) == (True, ())
    assert lets_in("10 permit tcp B any group P", 80, groups) == (False, ())


@pytest.mark.parametrize(
    "lines",
    [
        "10 permit tcp NHOM any eq 22",
        "10 permit tcp any any group CONG",
        "10 permit tcp 10.0.0.0/255.0.255.0 any eq 22",
        "10 permit tcp any any eq nonesuch",
        "10 let tcp any any",
        "10 permit tcp any",
    ],
)
def test_what_cannot_be_placed_is_no_narrow_list(lines: str) -> None:
    with pytest.raises(Unparsable):
        lets_in(lines)


def test_an_empty_group_is_nobody_knows_whom() -> None:
    with pytest.raises(Unparsable):
        lets_in("10 permit tcp A any eq 22", groups="object-group ip address A")


BRIEF = """-----------------------------------------------------------------------
Port      Native  Mode   Type           Enabled Status  Reason     Speed   Description
          VLAN                                                     (Mb/s)
-----------------------------------------------------------------------
1/1/1     10      trunk  1GbT           yes     up                 1000    --
"""


def switch(lines: str, **more: Any) -> ReplayDevice:
    text = f"Current configuration:\n!\n!Version ArubaOS-CX GL.10.09.1020\n!export-password: default\nhostname SW\n{lines}\nhttps-server vrf mgmt"
    commands = {
        "show system": " ArubaOS-CX Version : GL.10.09.1020\n",
        "show running-config all": text,
        "show running-config": text,
        **more,
    }
    return ReplayDevice({"about": "x", "system": "device", "platform": "aruba_aoscx", "prompt": "SW", "commands": commands})


@pytest.mark.parametrize(
    ("entry", "anywhere"),
    [
        ("10 permit udp any any eq 161", True),
        ("10 permit udp 10.0.0.5 any eq 161", False),
        ("10 permit udp 0.0.0.0/1 any eq 161\n    20 permit any 128.0.0.0/1 any", True),
    ],
)
def test_the_list_of_a_community_may_let_everybody_in(entry: str, anywhere: bool) -> None:
    lines = f"access-list ip A\n    {entry}\nsnmp-server vrf default\nsnmp-server community CongDongDai01\n    access-list A"
    found = snmp_service(switch(lines))
    assert found.communities is not None
    assert [row.anywhere for row in found.communities] == [anywhere]
    assert found.anywhere is anywhere


def test_a_list_that_is_not_there_limits_nobody() -> None:
    found = snmp_service(switch("snmp-server vrf default\nsnmp-server community CongDongDai01\n    access-list KHONG"))
    assert found.communities is None
    assert found.anywhere is None


def test_nobody_is_asked_while_no_server_answers() -> None:
    lines = "ssh server vrf mgmt\naaa authentication login ssh group tacacs none"
    ways = device_access(switch(lines, **{"show ssh server all-vrfs": "SSH server configuration on VRF mgmt :\n"})).ways
    assert ways is not None
    assert {way.name: way.authentication for way in ways}["ssh vrf mgmt"] == "none"


def test_a_filter_takes_a_part_of_the_log() -> None:
    found = device_logs(switch("logging 10.0.0.5 severity info filter IT\nlogging 10.0.0.6"))
    assert found.hosts is not None
    assert [host.level for host in found.hosts] == [None, "informational"]
    assert found.level is None


@pytest.mark.parametrize(("voice", "unguarded"), [("voice", ("1/1/1",)), ("name may-tram", ())])
def test_a_desk_with_a_telephone_is_open_to_whoever_plugs_in(voice: str, unguarded: tuple[str, ...]) -> None:
    lines = f"vlan 10\nvlan 20\n    {voice}\ninterface 1/1/1\n    no shutdown\n    no routing\n    vlan trunk native 10\n    vlan trunk allowed 10,20"
    assert interfaces(switch(lines, **{"show interface brief": BRIEF})).unguarded == unguarded


def test_no_tries_at_all_is_no_lock() -> None:
    shown = " Limit Login Attempts : 0\n Lockout Time : 0\n"
    found = password_policy(switch("", **{"show aaa authentication": shown, "show password-complexity": "x"}))
    assert found.failed_logins_before_lock == "unlimited"
