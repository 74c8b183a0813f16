"""ASA, NX-OS and EOS as somebody else tried to deceive them: what passed once and must not. Lines from the makers' references."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from collectors.devices.arista_eos import ports as eos_ports
from collectors.devices.cisco_ios import accounts as ios_accounts
from collectors.devices.cisco_ios import network as ios_network
from collectors.devices.cisco_ios import ports as ios_ports
from collectors.devices.cisco_ios import services as ios_services
from collectors.devices.syntax.cidr_acl import ANY, Words, all_ports, services
from tests import test_device_eos, test_device_ios
from tests.asa_changed import added, seen
from tests.device_changed import fact, recording

EOS, NXOS = "arista_eos--leaf-hardened", "cisco_nxos--leaf-hardened"
Look = Callable[[Any], object]


def _port(name: str, field: str) -> Look:
    return lambda found: next(getattr(row, field) for row in found.ports if row.name == name)


def _all_keyed(found: Any) -> bool:
    return all(row.authenticated is True for row in found.routing)


def _gateways_keyed(found: Any) -> bool:
    return all(row.authenticated is True for row in found.gateways)


def _redirects(found: Any) -> object:
    return next(row.on for row in found.services if row.name == "redirects")


def _eos(line: str) -> tuple[str, str]:
    return ("hostname LEAF-HCM1\n", f"hostname LEAF-HCM1\n{line}\n")


def _nxos(line: str) -> tuple[str, str]:
    return ("feature tacacs+\n", f"feature tacacs+\n{line}\n")


EOS_ENABLE = "aaa authentication enable default group TAC local\n"
EOS_COMMANDS = "aaa authorization commands all default group TAC local\n"
EOS_ADMINISTRATORS = ("username giamsat role network-operator", "username giamsat role network-admin")
EOS_ACCOUNTING = "aaa accounting commands all default start-stop group TAC logging\n"
EOS_EDGE = "   spanning-tree portfast\n"
NX_COMMANDS = "aaa authorization commands default group TAC local\n"
NX_EDGE = "  spanning-tree port type edge\n"
NX_ACCESS = "  switchport\n  switchport access vlan 30\n"

CASES: list[tuple[str, str, Look, object, object, list[tuple[str, str]]]] = [
    (EOS, "device_accounts", lambda x: x.enable_secret, "hash", "none", [(EOS_ENABLE, "aaa authentication enable default none\n")]),
    (EOS, "device_accounts", lambda x: x.enable_secret, "hash", "none", [(EOS_ENABLE, "aaa authentication enable default group TAC none\n")]),
    (EOS, "device_accounts", lambda x: x.commands_authorised, True, False, [EOS_ADMINISTRATORS, (EOS_COMMANDS, "aaa authorization commands all default group TAC none\n")]),
    (EOS, "device_accounts", lambda x: x.passwords_encrypted, True, False, [("   max-lsa 12000\n", "   max-lsa 12000\n!\nrouter isis X\n   authentication key 0 bimat\n")]),
    (EOS, "snmp_service", lambda x: x.v1_v2c, False, True, [_eos("snmp-server group CU v2c read TATCA\nsnmp-server user cu CU v2c")]),
    (EOS, "snmp_service", lambda x: x.v1_v2c, False, True, [_eos("snmp-server user cu GS v1")]),
    (EOS, "device_logs", lambda x: bool(x.hosts), True, False, [_eos("no logging on")]),
    (EOS, "device_logs", lambda x: x.logons, True, False, [_eos("no logging on")]),
    (EOS, "device_logs", lambda x: x.logons, True, False, [_eos("logging level AAA critical")]),
    (EOS, "device_logs", lambda x: x.logons, True, False, [_eos("logging level all errors")]),
    (EOS, "device_logs", lambda x: x.level, "informational", "error", [_eos("logging level all errors")]),
    (EOS, "device_logs", lambda x: x.changes, True, False, [(EOS_ACCOUNTING, "aaa accounting commands all default start-stop logging\n"), _eos("logging level ACCOUNTING errors")]),
    (EOS, "device_logs", lambda x: x.buffer, True, False, [("logging buffered 10000 informational\n", "logging buffered 10000 emergencies\n")]),
    (EOS, "interfaces", _port("Ethernet1", "bpdu_guard"), True, False, [(EOS_EDGE, EOS_EDGE + "   spanning-tree bpdufilter enable\n")]),
    (EOS, "interfaces", _port("Ethernet1", "bpdu_guard"), True, False, [_eos("spanning-tree edge-port bpdufilter default")]),
    (EOS, "interfaces", _port("Ethernet1", "bpdu_guard"), True, False, [("spanning-tree mode mstp\n", "spanning-tree mode none\n")]),
    (NXOS, "device_accounts", lambda x: x.commands_authorised, True, False, [("role network-operator", "role network-admin"), (NX_COMMANDS, "aaa authorization commands default group TAC none\n")]),
    (NXOS, "device_logs", lambda x: x.logons, True, False, [("logging level aaa 6\n", "logging level aaa 2\n")]),
    (NXOS, "device_logs", lambda x: x.logons, True, False, [_nxos("logging level authpriv 3")]),
    (NXOS, "device_logs", lambda x: x.buffer, True, False, [("logging logfile messages 5 size 4194304\n", "logging logfile messages 0 size 4194304\n")]),
    (NXOS, "redundancy", _gateways_keyed, True, False, [("    ip 10.20.0.1\n", "    ip 10.20.0.1\n  glbp 9\n    ip 10.20.0.8\n")]),
    (NXOS, "redundancy", _all_keyed, True, False, [("  area 0.0.0.0 authentication message-digest\n", "  area 0.0.0.0 authentication message-digest\n  area 0.0.0.1 virtual-link 10.9.9.9\n")]),
    (NXOS, "interfaces", _port("Ethernet1/1", "bpdu_guard"), True, False, [(NX_EDGE, NX_EDGE + "  spanning-tree bpdufilter enable\n")]),
    (NXOS, "interfaces", _port("Ethernet1/1", "bpdu_guard"), True, False, [_nxos("spanning-tree port type edge bpdufilter default")]),
    (NXOS, "interfaces", _port("Ethernet1/1", "bpdu_guard"), True, False, [_nxos("no spanning-tree vlan 1-3967")]),
    (NXOS, "interfaces", lambda x: x.unguarded, (), ("Ethernet1/1",), [(NX_ACCESS, NX_ACCESS + "  switchport mode dot1q-tunnel\n"), ("  switchport port-security\n", "")]),
    (NXOS, "interfaces", lambda x: x.unguarded, (), ("Ethernet1/1",), [(NX_ACCESS, NX_ACCESS + "  switchport mode private-vlan host\n"), ("  switchport port-security\n", "")]),
    (NXOS, "interfaces", lambda x: x.unguarded, (), ("Ethernet1/1",), [("feature port-security\n", "")]),
    (NXOS, "device_services", _redirects, False, True, [("  ip address 10.30.10.2/24\n", "  ip address 10.30.10.2/24\n  ipv6 address 2001:db8:30::2/64\n")]),
]  # fmt: skip


@pytest.mark.parametrize(("folder", "question", "look", "before", "after", "edits"), CASES)
def test_what_passed_once_passes_no_more(
    folder: str, question: str, look: Look, before: object, after: object, edits: list[tuple[str, str]]
) -> None:
    assert look(fact(question, folder)) == before
    assert look(fact(question, folder, *edits)) == after


@pytest.mark.parametrize(
    ("folder", "command", "row"),
    [
        (EOS, "show interfaces status", "Et7                                 notconnect   1        auto   auto   Not Present\n"),
        (NXOS, "show interface status", "Eth1/9        --                 notconnec 1         auto    auto    --\n"),
    ],
)
def test_a_port_that_the_configuration_does_not_speak_of_may_be_open(folder: str, command: str, row: str) -> None:
    table = recording(folder)["commands"][command]
    assert fact("interfaces", folder).unused_open == ()
    found = fact("interfaces", folder, **{command.replace(" ", "_"): table + row})
    assert found.unused_open is None
    assert any(gap.field == "unused_open" for gap in found.unseen)


@pytest.mark.parametrize("mode", ["dot1q-tunnel", "trunk phone", "access"])
def test_a_desk_with_a_telephone_or_the_end_of_a_tunnel_is_an_access_port(mode: str) -> None:
    status = "Port       Name   Status       Vlan     Duplex Speed  Type\nEt1               connected    20       full   1G     1000BASE-T\n"
    cli = test_device_eos.device(f"interface Ethernet1\n   switchport mode {mode}\n", {"show interfaces status": status})
    assert eos_ports.interfaces(cli).unguarded == ("Ethernet1",)


@pytest.mark.parametrize("mode", ["dot1q-tunnel", "private-vlan host"])
def test_the_same_on_ios(mode: str) -> None:
    text = f"interface GigabitEthernet1/0/1\n switchport mode {mode}\n"
    cli = test_device_ios.device(text, {"show interfaces status": test_device_ios.STATUS})
    assert ios_ports.interfaces(cli).unguarded == ("GigabitEthernet1/0/1",)


def test_redirects_of_ipv6_and_virtual_links_on_ios() -> None:
    port = "interface GigabitEthernet0/1\n ip address 10.0.0.1 255.255.255.0\n no ip redirects\n"
    rows = {row.name: row.on for row in ios_services.device_services(test_device_ios.device(port)).services or ()}
    assert rows["redirects"] is False
    six = ios_services.device_services(test_device_ios.device(f"{port} ipv6 address 2001:db8::1/64\n"))
    assert {row.name: row.on for row in six.services or ()}["redirects"] is True
    process = "router ospf 1\n area 1 virtual-link 10.9.9.9\n area 1 virtual-link 10.9.9.8 message-digest-key 1 md5 7 08\n"
    routing = ios_network.redundancy(test_device_ios.device(process)).routing or ()
    assert [(row.name, row.authenticated) for row in routing] == [
        ("1 virtual-link 10.9.9.9", False),
        ("1 virtual-link 10.9.9.8", True),
    ]


@pytest.mark.parametrize(("methods", "authorised"), [("group tacacs+ local", True), ("group tacacs+ none", False)])
def test_commands_let_through_once_no_server_answers_on_ios(methods: str, authorised: bool) -> None:
    line = f"aaa authorization commands 15 default {methods}\n"
    assert ios_accounts.device_accounts(test_device_ios.device(line, aaa=True)).commands_authorised is authorised


def test_the_worst_word_for_raising_rights_counts_on_asa() -> None:
    assert seen()["device_accounts"]["enable_secret"] == "hash"
    lower = added("enable password 9Sz3ZkJzu8SSYV35 level 5 encrypted")
    assert seen(lower)["device_accounts"]["enable_secret"] == "weak-hash"


# --- everything in two lines ------------------------------------------------------------------------------------------


def test_all_of_tcp_and_all_of_udp_is_every_service() -> None:
    tcp, udp = Words(True, ANY, ANY, False, "tcp"), Words(True, ANY, ANY, False, "udp")
    assert services([tcp, udp]) == [True, True]
    assert services([tcp, udp._replace(destination=("10.0.0.1/32",))]) == [False, False]
    assert services([tcp, udp._replace(permits=False)]) == [False, False]
    assert services([tcp, tcp]) == [False, False]


@pytest.mark.parametrize(
    ("words", "every"),
    [((), True), (("range", "1", "65535"), True), (("gt", "0"), True), (("neq", "23"), True), (("lt", "65535"), True),
     (("eq", "80"), False), (("range", "1024", "65535"), False), (("portgroup", "X"), False), (("gt", "1023"), False)],
)  # fmt: skip
def test_when_ports_are_all_ports(words: tuple[str, ...], every: bool) -> None:
    assert all_ports(words) is every


@pytest.mark.parametrize(
    ("lines", "wide"),
    [
        ((" permit tcp any any\n", " permit udp any any\n"), [True, True]),
        ((" permit tcp any any range 1 65535\n", " permit udp any any gt 0\n"), [True, True]),
        ((" permit tcp any any eq 443\n", " permit udp any any\n"), [False, False]),
        ((" permit tcp any any established\n", " permit udp any any\n"), [False, False]),
        ((" permit tcp any eq 80 any\n", " permit udp any any\n"), [False, False]),
    ],
)
def test_everything_in_two_lines_of_ios(lines: tuple[str, str], wide: list[bool]) -> None:
    text = f"ip access-list extended A\n{''.join(lines)}{test_device_ios.PORT} ip access-group A in\n"
    rows = ios_network.filtering(test_device_ios.device(text)).rules or ()
    assert [row.service_any for row in rows] == wide
