"""Cisco IOS: what one line decides. Configurations that must not pass, each authored from the command references."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pytest

from collectors.catalog import device_os
from collectors.devices.cisco_ios import access, accounts, logs, network, ports, services
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


# --- traffic between networks -----------------------------------------------------------------------------------------

WAN = "interface Gi0/0\n description WAN\n ip address 192.0.2.1 255.255.255.0\n"
LAN = "interface Gi0/1\n ip address 10.0.0.1 255.255.255.0\n"


@pytest.mark.parametrize(
    "lines",
    [
        f"{WAN} ip access-group NONE in\n",
        f"ip access-list extended EMPTY\n remark to be written\n{WAN} ip access-group EMPTY in\n",
        f"object-group network ALL\n 0.0.0.0 0.0.0.0\nip access-list extended A\n permit ip object-group ALL any\n{WAN} ip access-group A in\n",
        f"object-group service S\n ip\nip access-list extended A\n permit object-group S any any\n{WAN} ip access-group A in\n",
    ],
    ids=["absent", "empty", "group of addresses", "group of services"],
)
def test_what_lets_everything_through(lines: str) -> None:
    rules = network.filtering(device(lines)).rules
    assert rules
    assert [(rule.action, rule.source_any, rule.destination_any, rule.service_any) for rule in rules] == [
        ("permit", True, True, True)
    ]


@pytest.mark.parametrize(
    "lines",
    [
        f"ip access-list extended A\n permit ip object-group NOBODY any\n{WAN} ip access-group A in\n",
        "class-map type inspect C\n match access-group name NONE\n",
    ],
)
def test_rules_that_cannot_be_resolved_are_not_seen(lines: str) -> None:
    fact = network.filtering(device(lines))
    assert fact.rules is None
    assert "rules" in {entry.field for entry in fact.unseen}


def test_a_line_that_names_one_service_may_hold_a_group_nobody_knows() -> None:
    lines = f"ip access-list extended A\n permit tcp object-group NOBODY any eq 22\n{WAN} ip access-group A in\n"
    (rule,) = network.filtering(device(lines)).rules or ()
    assert not rule.service_any


POLICY = "class-map type inspect C\n match protocol tcp\npolicy-map type inspect P\n class type inspect C\n  inspect\n"
PAIR = "zone security IN\nzone security OUT\nzone-pair security IO source IN destination OUT\n service-policy type inspect P\n"
ZONED = f"{WAN} zone-member security OUT\n{LAN} zone-member security IN\n"


@pytest.mark.parametrize(
    ("lines", "action"),
    [
        (f"{POLICY}{PAIR}{ZONED}", "deny"),
        (f"{POLICY} class class-default\n  drop\n{PAIR}{ZONED}", "deny"),
        (f"{POLICY} class class-default\n  pass\n{PAIR}{ZONED}", None),
        (f"{POLICY}{PAIR}{WAN}{LAN}", "permit"),
        (f"{POLICY}{PAIR}{ZONED}interface Gi0/2\n vrf forwarding MGMT\n ip address 10.9.9.1 255.255.255.0\n", "deny"),
        (
            f"ip access-list extended A\n permit tcp any any eq 25\n{WAN} ip access-group A in\n{LAN} ip access-group A in\n",
            "deny",
        ),
        (f"ip access-list extended A\n permit tcp any any eq 25\n{WAN} ip access-group A in\n ipv6 enable\n", "permit"),
        (
            f"ip access-list extended A\n permit tcp any any eq 25\n{WAN} ip access-group A in\ninterface Di1\n ip address negotiated\n",
            "permit",
        ),
    ],
)
def test_what_happens_to_traffic_no_line_names(lines: str, action: str | None) -> None:
    assert network.filtering(device(lines)).default_action == action


@pytest.mark.parametrize(
    ("lines", "stateful"),
    [
        (f"{POLICY}{PAIR}{ZONED}", True),
        (f"{POLICY.replace('  inspect', '  pass')}{PAIR}{ZONED}", False),
        (f"ip inspect name FW tcp\n{WAN}", False),
        (f"ip inspect name FW tcp\n{WAN} ip inspect FW out\n", True),
    ],
)
def test_whether_connections_are_followed(lines: str, stateful: bool) -> None:
    assert network.filtering(device(lines)).stateful is stateful


@pytest.mark.parametrize(
    ("line", "checked"),
    [
        ("reachable-via rx", True),
        ("reachable-via rx allow-default", True),
        ("reachable-via any", False),
        ("reachable-via any allow-default", False),
    ],
)
def test_a_loose_look_at_sources_stops_no_forged_one(line: str, checked: bool) -> None:
    assert network.filtering(device(f"{WAN} ip verify unicast source {line}\n")).anti_spoofing is checked


def test_a_vlan_or_a_remark_of_the_same_number_binds_no_list() -> None:
    lines = "access-list 10 permit 10.0.0.0 0.0.0.255\ninterface Gi0/3\n description access 10\n switchport access vlan 10\n"
    assert network.filtering(device(lines)).unbound == ("10",)


OSPF = "router ospf 1\n network 10.0.0.0 0.0.0.255 area 0\n area 0 authentication message-digest\n"


@pytest.mark.parametrize(
    ("own", "authenticated"),
    [
        (" ip ospf message-digest-key 1 md5 7 0822455D0A16\n", True),
        ("", False),
        (" ip ospf authentication null\n ip ospf message-digest-key 1 md5 7 0822455D0A16\n", False),
        (" ip ospf authentication\n ip ospf authentication-key 7 0822455D0A16\n", False),
    ],
)
def test_what_an_interface_says_of_ospf_counts_before_its_area(own: str, authenticated: bool) -> None:
    (row,) = network.redundancy(device(f"{LAN}{own}{OSPF}")).routing or ()
    assert row.authenticated is authenticated


@pytest.mark.parametrize(
    ("chain", "authenticated"), [("", False), ("key chain HSRP\n key 1\n  key-string 7 0822455D0A16\n", True)]
)
def test_a_key_chain_that_is_not_there_proves_nothing(chain: str, authenticated: bool) -> None:
    lines = f"{chain}{LAN} standby 1 ip 10.0.0.254\n standby 1 authentication md5 key-chain HSRP\n"
    (gateway,) = network.redundancy(device(lines)).gateways or ()
    assert gateway.authenticated is authenticated


def test_peers_by_range_and_by_ao() -> None:
    lines = "router bgp 65000\n bgp listen range 10.1.0.0/16 peer-group BR\n neighbor 10.0.0.2 remote-as 65001\n neighbor 10.0.0.2 ao KC\n"
    rows = {row.name: row.authenticated for row in network.redundancy(device(lines)).routing or ()}
    assert rows == {"65000 listen 10.1.0.0/16": False, "65000 neighbor 10.0.0.2": True}


def test_a_method_list_that_is_not_there_is_no_local_account() -> None:
    lines = "username a secret 5 $1$mERr$hx5rVt7rPNoS4wqbXKX7m0\n"
    seen = access.device_access(device(lines, aaa=True, vty="line vty 0 4\n transport input ssh\n login authentication NOBODY\n"))
    assert {way.authentication for way in seen.ways or () if way.protocol == "ssh"} == {None}
    web = f"{lines}ip http secure-server\nip http authentication aaa login-authentication NOBODY\n"
    seen = access.device_access(device(web, aaa=True))
    assert {way.authentication for way in seen.ways or () if way.protocol == "https"} == {None}
