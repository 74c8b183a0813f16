"""Aruba AOS-S: lists of ports, who may log on from where, and lines that say less than they seem to."""

from __future__ import annotations

from typing import Any

import pytest

from collectors.devices.aruba_aoss.access import Door, device_access, door_of, guarded, login
from collectors.devices.aruba_aoss.network import filtering
from collectors.devices.aruba_aoss.ports import interfaces
from collectors.devices.aruba_aoss.services import device_logs, device_services
from collectors.devices.aruba_aoss.text import ports
from collectors.devices.syntax.indent import Node, parse
from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.transports.replay import ReplayDevice

HEAD = '; J9772A Configuration Editor; Created on release #YA.16.10.0012\nhostname "SW"\n'
SYSTEM = " General System Information\n Software revision  : YA.16.10.0012\n"
BRIEF = """ Status and Counters - Port Status

          | Intrusion                           MDI  Flow Bcast
  Port    Type       | Alert     Enabled Status Mode       Mode Ctrl Limit
  ------- ---------- + --------- ------- ------ ---------- ---- ---- -----
  1       100/1000T  | No        Yes     Up     1000FDx    MDIX off  0
  2       100/1000T  | No        Yes     Down   .          MDIX off  0
"""


def tree(lines: str) -> Node:
    return parse(lines, comment=";")


def switch(lines: str, **more: Any) -> ReplayDevice:
    commands = {"show system": SYSTEM, "show running-config": f"{HEAD}{lines}\nvlan 1\n   untagged 1-2\n   exit\n", **more}
    return ReplayDevice({"about": "x", "system": "device", "platform": "aruba_aoss", "prompt": "SW", "commands": commands})


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1-3", ("1", "2", "3")),
        ("1,5-6,Trk1", ("1", "5", "6", "Trk1")),
        ("A23-A24,B1", ("A23", "A24", "B1")),
        ("1/1-1/2,2/A1", ("1/1", "1/2", "2/A1")),
        ("trk2", ("Trk2",)),
    ],
)
def test_lists_of_ports(text: str, wanted: tuple[str, ...]) -> None:
    assert ports(text) == wanted


@pytest.mark.parametrize("text", ["", "A1-B3", "ethernet", "1-"])
def test_what_is_no_list_of_ports(text: str) -> None:
    with pytest.raises(Unparsable):
        ports(text)


@pytest.mark.parametrize(
    ("lines", "door"),
    [
        ("", Door(True, ())),
        ("ip authorized-managers 10.0.0.0 255.255.255.0 access manager", Door(False, ("10.0.0.0/24",))),
        ("ip authorized-managers 10.0.0.5 255.255.255.255 access operator access-method ssh", Door(False, ("10.0.0.5/32",))),
        ("ip authorized-managers 0.0.0.0 0.0.0.0 access manager", Door(True, ())),
        ("ip authorized-managers 0.0.0.0 128.0.0.0\nip authorized-managers 128.0.0.0 128.0.0.0", Door(True, ())),
        ("ip authorized-managers 10.0.0.0 255.0.0.0\nvlan 1\n   ipv6 enable", Door(True, ())),
        ("ip authorized-managers 10.0.0.0 255.0.0.0\noobm\n   ipv6 enable", Door(True, ())),
        (
            "ip authorized-managers 10.0.0.0 255.0.0.0\nipv6 authorized-managers 2001:db8:: ffff:ffff:: access manager\nvlan 1\n   ipv6 enable",
            Door(False, ("10.0.0.0/8", "2001:db8::/32")),
        ),
        ("management-vlan 99\nvlan 99\n   ip address 10.9.9.1 255.255.255.0", Door(False, ("10.9.9.0/24",))),
        (
            "management-vlan 99\noobm\n   ip address 10.1.1.1 255.255.255.0\nvlan 99\n   ip address 10.9.9.1 255.255.255.0",
            Door(True, ()),
        ),
    ],
)
def test_who_may_log_on_by_ssh(lines: str, door: Door) -> None:
    assert door_of(tree(lines), "ssh") == door


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        ("ip authorized-managers 10.0.0.0 255.0.0.0 access manager access-method snmp", Unsupported),
        ("ip authorized-managers 10.0.0.0 255.0.255.0 access manager", Unparsable),
    ],
)
def test_what_cannot_be_told_is_not_narrow(lines: str, error: type[CollectError]) -> None:
    with pytest.raises(error):
        door_of(tree(lines), "ssh")


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ("", False),
        ("password manager", False),
        ("password operator", False),
        ("password manager\npassword operator", True),
        ('password manager user-name "a" sha256 "b"\npassword operator sha1 "c"', True),
        ("password all", True),
        ("password manager\npassword operator\nno password operator", False),
        ("password minimum-length 12", False),
    ],
)
def test_manager_and_operator_need_a_password_each(lines: str, wanted: bool) -> None:
    assert guarded(switch(lines), tree(lines)) is wanted


def test_a_log_on_asks_its_own_accounts_where_nothing_is_said() -> None:
    assert login(tree(""), "ssh") == ("local",)
    assert login(tree("aaa authentication ssh login radius server-group X local"), "ssh") == ("radius", "local")


@pytest.mark.parametrize(
    ("lines", "guard"),
    [
        ("aaa port-access authenticator 1-2", None),
        ("aaa port-access authenticator 1-2\naaa port-access authenticator active", "authenticated"),
        ("aaa port-access authenticator 1-2 client-limit 2\naaa port-access authenticator active", None),
        ("aaa port-access mac-based 1-2", "authenticated"),
        ("port-security 1-2 learn-mode continuous", None),
        ("port-security 1-2 learn-mode static address-limit 2 action send-alarm", "port_security"),
        ("spanning-tree 1-2 bpdu-protection", None),
        ("spanning-tree\nspanning-tree 1-2 bpdu-protection", "bpdu_guard"),
        ("spanning-tree\nspanning-tree 1-2 bpdu-protection\nno spanning-tree", None),
    ],
)
def test_guards_count_only_where_they_work(lines: str, guard: str | None) -> None:
    found = interfaces(switch(lines, **{"show interfaces brief": BRIEF})).ports
    assert found is not None
    for port in found[:2]:
        on = {name for name in ("authenticated", "port_security", "bpdu_guard") if getattr(port, name)}
        assert on == ({guard} if guard else set())


def test_a_table_that_leaves_out_a_port_proves_nothing_of_it() -> None:
    cut = "\n".join(line for line in BRIEF.split("\n") if not line.startswith("  2 "))
    found = interfaces(switch("", **{"show interfaces brief": cut}))
    assert (found.unused_open, found.unguarded) == (None, None)
    assert {"unused_open", "unguarded"} <= {entry.field for entry in found.unseen}


def test_snooping_counts_only_where_it_is_on() -> None:
    for lines, wanted in (
        ("dhcp-snooping vlan 10-12", ()),
        ("dhcp-snooping\ndhcp-snooping vlan 10-12 20", ("10-12", "20")),
        ("dhcp-snooping\ndhcp-snooping vlan 10\nno dhcp-snooping", ()),
    ):
        assert interfaces(switch(lines, **{"show interfaces brief": BRIEF})).dhcp_snooping_vlans == wanted


@pytest.mark.parametrize(
    ("entry", "wide"),
    [
        ("permit ip 0.0.0.0 255.255.255.255 0.0.0.0 255.255.255.255", (True, True, True)),
        ("permit ip any any", (True, True, True)),
        ("permit ip 10.0.0.0 0.255.255.255 0.0.0.0 255.255.255.255 log", (False, True, True)),
        ("permit tcp 0.0.0.0 255.255.255.255 10.0.0.5 0.0.0.0 eq 443", (True, False, False)),
        ("permit ip host 10.0.0.1 10.0.0.0/8", (False, False, True)),
    ],
)
def test_entries_of_a_list(entry: str, wide: tuple[bool, bool, bool]) -> None:
    lines = f'ip access-list extended "A"\n   10 {entry}\n   exit\nvlan 2\n   ip access-group "A" in\n   exit'
    found = filtering(switch(lines)).rules
    assert found is not None
    assert (found[0].source_any, found[0].destination_any, found[0].service_any) == wide


def test_a_desk_with_a_telephone_is_open_to_whoever_plugs_in() -> None:
    phone = "vlan 10\n   untagged 2\n   exit\nvlan 20\n   tagged 2\n   {}exit"
    cli = switch(phone.format("voice\n   "), **{"show interfaces brief": BRIEF})
    assert interfaces(cli).unguarded == ("1", "2")
    cli = switch(phone.format(""), **{"show interfaces brief": BRIEF})
    assert interfaces(cli).unguarded == ("1",)


def test_a_port_that_authorises_everybody_asks_nobody() -> None:
    lines = "aaa port-access authenticator 1-2\naaa port-access authenticator 2 control authorized\naaa port-access authenticator active"
    assert interfaces(switch(lines, **{"show interfaces brief": BRIEF})).unguarded == ("2",)


def test_let_in_unasked_while_no_server_answers() -> None:
    lines = "aaa authentication telnet login tacacs authorized\npassword manager\npassword operator"
    ways = device_access(switch(lines, **{"show ip ssh": " SSH Enabled : Yes\n"})).ways
    assert ways is not None
    assert {way.name: way.authentication for way in ways if way.name in ("ssh", "telnet")} == {"ssh": "local", "telnet": "none"}


@pytest.mark.parametrize(
    ("lines", "level"),
    [
        ("logging 10.0.0.5", "debug"),
        ("logging 10.0.0.5\nlogging system-module all-pass", "debug"),
        ("logging 10.0.0.5\nlogging system-module radius", None),
        ('logging 10.0.0.5\nlogging filter "ít" enable', None),
    ],
)
def test_a_part_of_the_log_is_no_level_of_the_whole(lines: str, level: str | None) -> None:
    found = device_logs(switch(lines))
    assert found.level == level
    assert found.hosts is not None
    assert [host.level for host in found.hosts] == [level]


@pytest.mark.parametrize(
    ("lines", "on"),
    [
        ("no tftp server", False),
        ("no tftp server\nvlan 5\n   ipv6 enable\n   exit", None),
        ("no tftp server\nno tftp6 server\nvlan 5\n   ipv6 enable\n   exit", False),
        ("no tftp server\ntftp6 server\nvlan 5\n   ipv6 enable\n   exit", True),
    ],
)
def test_tftp_has_a_line_for_each_family(lines: str, on: bool | None) -> None:
    found = device_services(switch(lines))
    assert found.services is not None
    assert {row.name: row.on for row in found.services}.get("tftp") is on
    assert ("tftp" in (found.unknown or ())) is (on is None)
