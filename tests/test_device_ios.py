"""Cisco IOS: what one line decides. Configurations that must not pass, each authored from the command references."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pytest

from collectors.catalog import device_os
from collectors.devices.cisco_ios import access, accounts, logs, ports, services
from collectors.devices.witness import DeviceWitness
from collectors.facts.device_logs import DeviceLogs
from collectors.facts.interfaces import Port
from collectors.model import Platform
from collectors.transports.replay import ReplayDevice

OS = device_os(Platform.CISCO_IOS)
REFUSAL = "     ^\n% Invalid input detected at '^' marker.\n"
VTY = "line vty 0 4\n access-class M in\n transport input ssh\n login local\n"
NO_WEB = "no ip http server\nno ip http secure-server\n"
PORT = "interface GigabitEthernet0/1\n ip address 10.0.0.1 255.255.255.0\n"


def device(lines: str, commands: Mapping[str, str] = MappingProxyType({}), aaa: bool = False, vty: str = VTY) -> DeviceWitness:
    configuration = f"version 15.2\nhostname R1\n{'' if aaa else 'no '}aaa new-model\n{NO_WEB}{lines}line con 0\n{vty}end\n"
    document = {
        "about": "authored",
        "platform": "cisco_ios",
        "prompt": "R1",
        "commands": {
            "show privilege": "Current privilege level is 15\n",
            "show version": "Cisco IOS Software, C2900 Software, Version 15.2(4)M7, RELEASE SOFTWARE (fc2)\n",
            "show running-config all": REFUSAL,
            "show running-config view full": REFUSAL,
            "show running-config": configuration,
            "show ip ssh": "SSH Enabled - version 2.0\nAuthentication timeout: 60 secs; Authentication retries: 3\n",
            "show interfaces status": REFUSAL,
            "show ip interface brief": REFUSAL,
            "show snmp user": "",
            "show cdp": REFUSAL,
            "show lldp": REFUSAL,
            "show vstack config": REFUSAL,
            **commands,
        },
    }
    return DeviceWitness(ReplayDevice(document), OS)


# --- who is asked -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "vty", "console"),
    [
        ("", "local", "none"),
        ("aaa authentication login default local\n", "local", "local"),
        ("aaa authentication login default group tacacs+ none\n", "none", "none"),
        ("aaa authentication login default local none\n", "none", "none"),
        ("aaa authentication login default group tacacs+ local\n", "remote", "remote"),
    ],
)
def test_a_method_none_lets_somebody_in_unasked(lines: str, vty: str, console: str) -> None:
    fact = access.device_access(device(lines, aaa=True))
    assert {way.remote: way.authentication for way in fact.ways or ()} == {True: vty, False: console}


def test_a_list_of_algorithms_that_goes_on_below_is_not_seen() -> None:
    ssh = "SSH Enabled - version 2.0\nEncryption Algorithms:aes256-ctr,aes128-ctr,\naes128-cbc\nMAC Algorithms:hmac-sha2-256\n"
    fact = access.device_access(device("", {"show ip ssh": ssh}))
    assert (fact.ssh_ciphers, fact.ssh_macs) == (None, ("hmac-sha2-256",))


def test_a_dial_in_of_any_kind_takes_pptp() -> None:
    fact = access.device_access(device("vpdn enable\nvpdn-group 1\n accept-dialin\n  protocol any\n  virtual-template 1\n"))
    assert [vpn.kind for vpn in fact.vpns or ()] == ["pptp"]


@pytest.mark.parametrize(
    ("lines", "encrypted"),
    [
        ("netconf-yang\n", True),
        ("restconf\n", True),
        ("gnxi\ngnxi server\n", False),
        ("gnxi\ngnxi secure-server\n", True),
        ("gnmi-yang\ngnmi-yang server\ngnmi-yang secure-server\n", False),
        ("gnxi\n", None),
    ],
)
def test_whether_an_api_is_encrypted(lines: str, encrypted: bool | None) -> None:
    fact = access.device_access(device(lines))
    assert [way.encrypted for way in fact.ways or () if way.protocol == "api"] == [encrypted]
    assert any(gap.field == "ways[].encrypted" for gap in fact.unseen) == (encrypted is None)


def test_a_method_list_that_is_not_there_is_no_local_account() -> None:
    lines = "username a secret 5 $1$mERr$hx5rVt7rPNoS4wqbXKX7m0\n"
    seen = access.device_access(device(lines, aaa=True, vty="line vty 0 4\n transport input ssh\n login authentication NOBODY\n"))
    assert {way.authentication for way in seen.ways or () if way.protocol == "ssh"} == {None}
    web = f"{lines}ip http secure-server\nip http authentication aaa login-authentication NOBODY\n"
    seen = access.device_access(device(web, aaa=True))
    assert {way.authentication for way in seen.ways or () if way.protocol == "https"} == {None}


# --- SNMP -------------------------------------------------------------------------------------------------------------


def test_a_line_of_snmp_that_is_taken_back_closes_no_agent() -> None:
    fact = services.snmp_service(device("snmp-server community Kh0ngD0an9 RO\nno snmp-server ifindex persist\n"))
    assert (fact.enabled, fact.anywhere) == (True, True)


def test_a_group_of_addresses_nobody_knows_is_not_known_to_be_narrow() -> None:
    lines = "ip access-list extended S\n permit udp object-group GONE any\nsnmp-server group G v3 priv access S\n"
    fact = services.snmp_service(device(lines))
    assert fact.anywhere is None
    assert any(gap.field == "anywhere" for gap in fact.unseen)


@pytest.mark.parametrize("address", ["address negotiated", "unnumbered Loopback0"])
def test_an_interface_without_an_address_of_its_own_answers_for_others_too(address: str) -> None:
    fact = services.device_services(device(f"interface Dialer1\n ip {address}\n"))
    assert {row.name: row.on for row in fact.services or ()}["proxy-arp"] is True


# --- ports ------------------------------------------------------------------------------------------------------------

STATUS = (
    "Port      Name               Status       Vlan       Duplex  Speed Type\n"
    "Gi1/0/1                      connected    10         a-full a-1000 10/100/1000BaseTX\n"
)


def _port(lines: str, globally: str = "") -> Port:
    text = f"{globally}interface GigabitEthernet1/0/1\n{lines}"
    fact = ports.interfaces(device(text, {"show interfaces status": STATUS}))
    assert fact.ports
    return fact.ports[0]


@pytest.mark.parametrize(
    ("lines", "mode"),
    [
        (" no switchport port-security\n switchport port-security maximum 2\n", "dynamic"),
        (" switchport mode access\n no switchport nonegotiate\n", "access"),
        (" no switchport\n", "routed"),
    ],
)
def test_what_makes_a_port_routed(lines: str, mode: str) -> None:
    assert _port(lines).mode == mode


@pytest.mark.parametrize(
    ("globally", "lines", "asked"),
    [
        ("dot1x system-auth-control\n", " authentication port-control auto\n dot1x pae authenticator\n", True),
        ("", " authentication port-control auto\n dot1x pae authenticator\n", False),
        ("", " authentication port-control auto\n mab\n", True),
        ("dot1x system-auth-control\n", " authentication port-control auto\n authentication open\n", False),
        ("dot1x system-auth-control\n", " access-session port-control auto\n mab\n", False),
        ("dot1x system-auth-control\n", " access-session port-control auto\n access-session closed\n mab\n", True),
    ],
)
def test_when_a_port_asks_who_is_there(globally: str, lines: str, asked: bool) -> None:
    assert _port(" switchport mode access\n" + lines, globally).authenticated is asked


ASKED = " switchport mode access\n authentication port-control auto\n dot1x pae authenticator\n"


@pytest.mark.parametrize(
    "line",
    [
        " authentication event fail action authorize vlan 900\n",
        " authentication event fail retry 2 action authorize vlan 900\n",
        " authentication event no-response action authorize vlan 900\n",
        " authentication event server dead action authorize\n",
        " authentication event server dead action authorize vlan 900\n",
        " authentication event server dead action authorize voice\n",
        " dot1x guest-vlan 900\n",
        " dot1x auth-fail vlan 900\n",
        " dot1x critical\n",
        " mab\n authentication order mab dot1x\n",
        " service-policy type control subscriber GONE\n",
    ],
)
def test_a_port_that_lets_in_whom_nobody_vouched_for_does_not_pass(line: str) -> None:
    text = f"dot1x system-auth-control\ninterface GigabitEthernet1/0/1\n{ASKED}{line}"
    fact = ports.interfaces(device(text, {"show interfaces status": STATUS}))
    assert [port.authenticated for port in fact.ports or ()] == [None]
    assert fact.unguarded is None
    assert {"ports[].authenticated", "unguarded"} <= {gap.field for gap in fact.unseen}


@pytest.mark.parametrize(
    "line",
    [
        " authentication event fail action next-method\n mab\n authentication order dot1x mab\n",
        " authentication event server dead action reinitialize vlan 900\n",
        " authentication event server alive action reinitialize\n",
    ],
)
def test_what_lets_nobody_in_takes_nothing_away(line: str) -> None:
    assert _port(ASKED + line, "dot1x system-auth-control\n").authenticated is True


@pytest.mark.parametrize(
    ("lines", "guarded"),
    [
        (" spanning-tree portfast\n", True),
        (" spanning-tree portfast disable\n", False),
        (" spanning-tree portfast\n spanning-tree bpdufilter enable\n", False),
        (" spanning-tree bpduguard enable\n spanning-tree bpdufilter enable\n", False),
        (" spanning-tree bpduguard enable\n", True),
    ],
)
def test_when_a_port_shuts_a_switch_out(lines: str, guarded: bool) -> None:
    assert _port(" switchport mode access\n" + lines, "spanning-tree portfast bpduguard default\n").bpdu_guard is guarded


# --- accounts ---------------------------------------------------------------------------------------------------------

SERVER = "tacacs server T\n address ipv4 10.0.0.9\n key 7 0822455D0A16\n"


@pytest.mark.parametrize(
    ("lines", "first", "fallback"),
    [
        (f"{SERVER}username a secret 9 $9$x\naaa authentication login default group tacacs+ local\n", True, True),
        ("username a secret 9 $9$x\naaa authentication login default group tacacs+ local\n", False, True),
        (
            f"{SERVER}aaa group server tacacs+ G\nusername a secret 9 $9$x\naaa authentication login default group G local\n",
            False,
            True,
        ),
        (
            f"{SERVER}aaa group server tacacs+ G\n server name T\nusername a secret 9 $9$x\naaa authentication login default group G local\n",
            True,
            True,
        ),
        (f"{SERVER}aaa authentication login default group tacacs+ local\n", True, False),
    ],
)
def test_a_group_asks_somebody_once_a_server_is_in_it(lines: str, first: bool, fallback: bool) -> None:
    fact = accounts.device_accounts(device(lines, aaa=True))
    assert (fact.remote_first, fact.local_fallback) == (first, fallback)


@pytest.mark.parametrize(
    ("lines", "line", "both"),
    [
        (
            "authorization commands 15 default group tacacs+ local\naaa accounting commands 15 default stop-only group tacacs+\n",
            "",
            True,
        ),
        ("authorization commands 15 X group tacacs+ local\naaa accounting commands 15 X stop-only group tacacs+\n", "", False),
        (
            "authorization commands 15 X group tacacs+ local\naaa accounting commands 15 X stop-only group tacacs+\n",
            " authorization commands 15 X\n accounting commands 15 X\n",
            True,
        ),
    ],
)
def test_a_list_no_line_names_decides_nothing(lines: str, line: str, both: bool) -> None:
    told = device(f"{SERVER}aaa {lines}", aaa=True, vty=f"line vty 0 4\n{line} transport input ssh\n")
    fact = accounts.device_accounts(told)
    assert (fact.commands_authorised, fact.accounting, logs.device_logs(told).changes) == (both, both, both)


def test_rights_nobody_is_asked_for() -> None:
    lines = "enable secret 9 $9$x\naaa authentication enable default group tacacs+ none\n"
    assert accounts.device_accounts(device(lines, aaa=True)).enable_secret == "none"


@pytest.mark.parametrize(
    ("line", "encrypted"),
    [
        ("crypto isakmp key Kh0ngD0an address 203.0.113.5", False),
        ("crypto isakmp key 6 hGdMDZUJ address 203.0.113.5", True),
        ("crypto ikev2 keyring K\n peer P\n  pre-shared-key local Kh0ngD0an", False),
        ("crypto ikev2 keyring K\n peer P\n  pre-shared-key local 6 hGdMDZUJ", True),
        ("crypto keyring K\n pre-shared-key address 203.0.113.5 key Kh0ngD0an", False),
        ("crypto keyring K\n pre-shared-key address 203.0.113.5 key 6 hGdMDZUJ", True),
        ("crypto isakmp policy 1\n authentication pre-share", True),
    ],
)
def test_keys_that_the_service_leaves_readable(line: str, encrypted: bool) -> None:
    assert accounts.device_accounts(device(f"service password-encryption\n{line}\n")).passwords_encrypted is encrypted


# --- logs and clock ---------------------------------------------------------------------------------------------------


def _logs(lines: str) -> DeviceLogs:
    return logs.device_logs(device(f"logging host 10.0.0.5\nlogging buffered 65536\n{lines}"))


def test_what_is_switched_off_reaches_nobody() -> None:
    off = _logs("no logging on\n")
    assert (off.enabled, off.hosts, off.buffer) == (False, (), False)
    silent = _logs("no logging trap\n")
    assert (silent.hosts, silent.level, silent.buffer) == ((), None, True)


def test_a_part_of_a_buffer_that_is_taken_back_leaves_the_buffer() -> None:
    assert _logs("no logging buffered xml\n").buffer is True


@pytest.mark.parametrize(("every", "all_of_them"), [("", True), (" every 1", True), (" every 5", False)])
def test_log_ons_of_which_some_are_noted(every: str, all_of_them: bool) -> None:
    assert _logs(f"login on-failure log{every}\nlogin on-success log\n").logons is all_of_them


@pytest.mark.parametrize(("key", "checked"), [("ntp authentication-key 1 md5 104D000A0618 7\n", True), ("", False)])
def test_a_key_of_the_clock_that_is_not_there(key: str, checked: bool) -> None:
    lines = f"{key}ntp authenticate\nntp trusted-key 1\nntp server 10.0.0.3 key 1\n"
    told = device(lines, {"show ntp status": REFUSAL, "show ntp associations": REFUSAL})
    assert logs.clock(told).authenticated is checked
