"""Arista EOS: no planted secret survives, and what one line decides."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.catalog import device_os
from collectors.devices.arista_eos import access, accounts, logs, network, ports, routing, snmp, system, text
from collectors.devices.redaction import clean
from collectors.devices.witness import DeviceWitness
from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.model import Platform, Target
from collectors.run import collect
from collectors.transports.replay import ReplayDevice

OS = device_os(Platform.ARISTA_EOS)

WITH_SECRET = (
    "username a privilege 15 role network-admin secret sha512 $6${}",
    "username a role network-admin secret 0 {}",
    "username a secret 5 $1${}",
    "enable password sha512 $6${}",
    "enable secret 5 $1${}",
    "aaa root secret sha512 $6${}",
    "tacacs-server key 7 {}",
    "tacacs-server host 10.0.0.1 vrf MGMT key 7 {}",
    "radius-server host 10.0.0.1 vrf MGMT auth-port 1812 key {}",
    "snmp-server community {} ro A",
    "snmp-server community {} view V rw",
    "snmp-server host 10.0.0.1 version 2c {}",
    "snmp-server host 10.0.0.1 vrf MGMT informs version 1 {}",
    "snmp-server host 10.0.0.1 {}",
    "snmp-server user u G v3 localized f5717f444ca880a1c300 auth sha {} priv aes x",
    "snmp-server user u G v3 auth sha512 x priv aes256 {}",
    "ntp authentication-key 1 sha1 7 {}",
    "   ip ospf authentication-key 7 {}",
    "   ip ospf message-digest-key 1 sha512 7 {}",
    "   ospfv3 authentication ipsec spi 34 sha1 passphrase 7 {}",
    "   neighbor 10.0.0.1 password 7 {}",
    "   neighbor SPINE password {}",
    "      neighbor 10.0.0.1 password 7 {}",
    "   vrrp 1 authentication text {}",
    "   vrrp 1 authentication {}",
    "   vrrp 1 peer authentication ietf-md5 key-string 7 {}",
    "   isis authentication key 7 {}",
    "   authentication key 7 {}",
    "   authentication key-id 1 algorithm sha-256 key 7 {}",
    "   secret 1 7 {} receive-lifetime infinite transmit-lifetime infinite",
    "   key 0abc01 7 {}",
    "   exec /usr/bin/TerminAttr -cvaddr=10.0.0.1:9910 -cvauth=key,{} -cvvrf=MGMT",
    "Aboot password (encrypted): $1${}",
    "copy startup-config scp://u:{}@10.0.0.1/x",
)


@given(
    st.sampled_from(WITH_SECRET),
    st.text(st.sampled_from("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789+-./<>[]{}~^&="), min_size=9, max_size=40),
)
def test_no_secret_survives_wherever_it_is_planted(line: str, secret: str) -> None:
    once = clean(OS, f"hostname A\n{line.replace('{}', f'Zq7{secret}')}\nvlan 1\n")
    assert secret not in once
    assert clean(OS, once) == once


@pytest.mark.parametrize(
    "line",
    [
        "   password minimum length 12",
        "   password policy P",
        "username a role network-operator secret *",
        "username a ssh-key ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQDk a@b",
        "ntp server vrf MGMT 10.0.0.1 prefer key 1",
        "ntp trusted-key 1",
        "   ip ospf authentication message-digest",
        "   key-exchange curve25519-sha256",
        "   mac hmac-sha2-512-etm@openssh.com",
        "   no enable password",
        "   certificate eapi.crt key eapi.key",
        "snmp-server ipv4 access-list SNMP vrf MGMT",
    ],
)
def test_a_line_without_a_secret_stays(line: str) -> None:
    assert clean(OS, line) == line


def device(lines: str, commands: Mapping[str, str] = MappingProxyType({}), version: str = "4.28.3M") -> DeviceWitness:
    refusal = "% Invalid input\n"
    document = {
        "about": "authored",
        "platform": "arista_eos",
        "prompt": "SW",
        "commands": {
            "show version": f"Arista DCS-7050\nSoftware image version: {version}\nSystem MAC address: 001c.7300.0001\n",
            "show running-config all": refusal,
            "show running-config": f"! device: SW (DCS-7050, EOS-{version})\n!\nhostname SW\nusername admin role network-admin secret 5 $1$x\n{lines}end\n",
            "show management ssh": refusal,
            "show environment power": refusal,
            "show system environment power": refusal,
            "show interfaces status": refusal,
            **commands,
        },
    }
    return DeviceWitness(ReplayDevice(document), OS)


REFUSED = "% Invalid input\n"
OTHERS = dict.fromkeys(
    (
        "show boot-config", "show running-config diffs", "show ip arp vrf all", "show ipv6 neighbors vrf all",
        "show mac address-table", "show management api http-commands", "show mlag", "show ntp status", "show ntp associations",
    ),
    REFUSED,
)  # fmt: skip
LIST = "ip access-list Q\n   10 permit tcp 10.0.0.0/8 any eq ssh https\n"
EAPI = "management api http-commands\n   no shutdown\n"
STATE = "Enabled:            Yes\nHTTPS server:       running, set to use port 443\nHTTP server:        {}, set to use port 80\nVRFs:               {}\nSSL Profile:        {}\nTLS Protocols:      1.0 1.1 1.2\n"


def ways(cli: DeviceWitness) -> list[tuple[str, str, bool | None]]:
    return [(way.name, way.protocol, way.anywhere) for way in access.device_access(cli).ways or () if way.remote]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("", [("ssh", "ssh", True)]),
        ("management ssh\n   shutdown\n", []),
        (f"{LIST}management ssh\n   ip access-group Q in\n", [("ssh", "ssh", False)]),
        (
            f"{LIST}interface Vlan1\n   ipv6 address 2001:db8::1/64\nmanagement ssh\n   ip access-group Q in\n",
            [("ssh", "ssh", True)],
        ),
        (
            f"{LIST}management ssh\n   ip access-group Q vrf M in\n   vrf M\n      no shutdown\n",
            [("ssh", "ssh", True), ("ssh vrf M", "ssh", False)],
        ),
        (
            f"{LIST}management ssh\n   ip access-group Q in\n   shutdown\n   vrf M\n      no shutdown\n",
            [("ssh vrf M", "ssh", False)],
        ),
        ("management ssh\n   vrf default\n      shutdown\n   vrf M\n      no shutdown\n", [("ssh vrf M", "ssh", True)]),
        ("management ssh\n   vrf M\n", [("ssh", "ssh", True)]),
        ("management ssh\n   ip access-group KHONG-CO in\n", [("ssh", "ssh", None)]),
        (f"{LIST}system control-plane\n   ip access-group Q in\n", [("ssh", "ssh", False)]),
        (f"{LIST}system control-plane\n   ip access-group Q vrf M in\n", [("ssh", "ssh", True)]),
        (
            f"{LIST}interface Vlan1\n   ipv6 address 2001:db8::1/64\nsystem control-plane\n   ip access-group Q in\n",
            [("ssh", "ssh", True)],
        ),
        ("management telnet\n   no shutdown\n", [("ssh", "ssh", True), ("telnet", "telnet", True)]),
        ("management telnet\n   no shutdown\n   shutdown\n", [("ssh", "ssh", True)]),
        ("management api gnmi\n   transport grpc G\n", [("ssh", "ssh", True), ("gnmi G", "api", True)]),
        ("management api gnmi\n   transport grpc G\n      shutdown\n", [("ssh", "ssh", True)]),
    ],
)
def test_where_a_service_answers_and_whom_its_list_admits(lines: str, expected: list[tuple[str, str, bool | None]]) -> None:
    assert ways(device(lines)) == expected


def test_before_4_19_a_list_without_a_vrf_guards_the_default_one_alone() -> None:
    lines = f"{LIST}management ssh\n   ip access-group Q in\n   vrf M\n      no shutdown\n"
    assert ways(device(lines, version="4.18.8M")) == [("ssh", "ssh", False), ("ssh vrf M", "ssh", True)]
    assert ways(device(lines)) == [("ssh", "ssh", False), ("ssh vrf M", "ssh", False)]


def test_the_command_api_says_itself_what_it_serves() -> None:
    said = {"show management api http-commands": STATE.format("running", "M,default", "none")}
    cli = device(f"{EAPI}management ssh\n   shutdown\n", said)
    assert ways(cli) == [
        ("eapi vrf M", "http", True),
        ("eapi", "http", True),
        ("eapi vrf M", "https", True),
        ("eapi", "https", True),
    ]
    assert access.device_access(cli).least_tls == "1.0"
    profile = "management security\n   ssl profile P\n      tls versions 1.2 1.3\n"
    said = {"show management api http-commands": STATE.format("shutdown", "default", "P, valid")}
    assert access.device_access(device(f"{profile}{EAPI}", said)).least_tls == "1.2"
    # on by the configuration, and no word of which protocols: nothing is claimed of any way
    assert access.device_access(device(EAPI, {"show management api http-commands": "% Invalid input\n"})).ways is None


def test_outside_the_table_of_releases_no_default_is_claimed() -> None:
    seen = access.device_access(device("", version="5.1.0F"))
    assert (seen.ways, seen.ssh_enabled, seen.ssh_v1) == (None, None, None)
    with pytest.raises(Unsupported):
        ports.interfaces(device("", version="5.1.0F"))


@pytest.mark.parametrize(
    ("lines", "may"),
    [
        ("role R\n   10 permit command .*\n", True),
        ("role R\n   10 deny mode exec command configure.*\n   20 permit command .*\n", False),
        ("role R\n   10 permit command show .*\n", False),
        ("role R\n   10 deny mode config command .*\n   20 permit mode exec command configure\n", True),
        ("role R\n   10 permit command (\n", None),
        ("", None),
    ],
)
def test_a_role_may_configure_by_its_first_rule_that_speaks_of_it(lines: str, may: bool | None) -> None:
    assert accounts.administrator(text.tree_of(lines), "R") is may


def test_accounts_that_are_hidden_are_not_none() -> None:
    cli = device("")
    hidden = device("")
    hidden._cli = ReplayDevice(
        {"about": "x", "platform": "arista_eos", "prompt": "SW", "commands": {
            "show running-config all": "% Invalid input\n", "show running-config": "! device: SW (x, EOS-4.28.3M)\nend\n"}}
    )  # fmt: skip
    assert [user.name for user in accounts.device_accounts(cli).users or ()] == ["admin"]
    assert accounts.device_accounts(hidden).users is None


@pytest.mark.parametrize(
    ("lines", "changes"),
    [
        ("aaa accounting commands all default start-stop group tacacs+\ntacacs-server host 10.0.0.1 key 7 x\n", True),
        ("aaa accounting commands all default start-stop logging\n", True),
        ("aaa accounting commands all default start-stop logging\nno logging buffered\n", False),
        ("aaa accounting commands all default start-stop logging\nno logging buffered\nlogging host 10.0.0.1\n", True),
        (
            "aaa accounting commands all default start-stop logging\nno logging buffered\nlogging host 10.0.0.1\nlogging trap errors\n",
            False,
        ),
        ("aaa accounting commands 0-14 default start-stop logging\n", False),
        ("aaa accounting exec default start-stop logging\n", False),
        ("", False),
    ],
)
def test_changes_are_recorded_where_their_records_reach_somebody(lines: str, changes: bool) -> None:
    assert logs.device_logs(device(lines)).changes is changes


@pytest.mark.parametrize(
    ("status", "synchronised"),
    [
        ("synchronised to NTP server (10.0.0.1) at stratum 3\n", True),
        ("synchronised to NTP server (127.127.1.0) at stratum 11\n", False),
        ("synchronised to local net at stratum 11\n", False),
        ("unsynchronised\n", False),
        ("khong hieu\n", None),
    ],
)
def test_a_clock_that_follows_itself_is_not_synchronised(status: str, synchronised: bool | None) -> None:
    cli = device("ntp server 10.0.0.1\n", {"show ntp status": status, "show ntp associations": "% Invalid input\n"})
    assert logs.clock(cli).synchronised is synchronised


@pytest.mark.parametrize(
    ("lines", "anywhere"),
    [
        ("snmp-server community abcdefgh ro\n", True),
        (f"{LIST}snmp-server community abcdefgh ro Q\n", False),
        (
            "ip access-list S\n   permit udp 10.0.0.0/8 any eq snmp\nsnmp-server community abcdefgh ro\nsnmp-server ipv4 access-list S\n",
            False,
        ),
        (
            "ip access-list S\n   permit udp 10.0.0.0/8 any eq snmp\nsnmp-server community abcdefgh ro\nsnmp-server ipv4 access-list S vrf M\nsnmp-server vrf M\n",
            True,
        ),
        (
            "ip access-list S\n   permit udp 10.0.0.0/8 any eq snmp\nsnmp-server community abcdefgh ro\nsnmp-server ipv4 access-list S vrf M\nsnmp-server vrf M\nno snmp-server vrf default\n",
            False,
        ),
        ("snmp-server community abcdefgh ro\nno snmp-server vrf default\n", False),
    ],
)
def test_who_may_ask_over_snmp(lines: str, anywhere: bool) -> None:
    assert snmp.snmp_service(device(lines)).anywhere is anywhere


OSPF = "router ospf 1\n   network 10.0.0.0/8 area 0\ninterface Vlan1\n   ip address 10.0.0.1/24\n"


@pytest.mark.parametrize(
    ("lines", "authenticated"),
    [
        (OSPF, False),
        (f"{OSPF}   ip ospf authentication message-digest\n", False),
        (f"{OSPF}   ip ospf authentication\n   ip ospf authentication-key 7 x\n", False),
        (f"{OSPF}   ip ospf authentication message-digest\n   ip ospf message-digest-key 1 md5 7 x\n", True),
        (
            f"{OSPF}   ip ospf authentication message-digest\n   ip ospf message-digest-key 1 md5 7 x\ninterface Vlan2\n   ip address 10.9.0.1/24\n",
            False,
        ),
        (f"{OSPF}   shutdown\n", None),
    ],
)
def test_ospf_is_authenticated_on_every_interface_or_not_at_all(lines: str, authenticated: bool | None) -> None:
    assert [row.authenticated for row in routing.redundancy(device(lines)).routing or ()] == [authenticated]


def test_a_member_of_a_port_channel_switches_as_that_does() -> None:
    lines = "interface Port-Channel1\n   switchport mode trunk\ninterface Ethernet1\n   channel-group 1 mode active\ninterface Ethernet2\ninterface Ethernet3\n   no switchport\n"
    found = ports.interfaces(device(lines))
    assert [(port.name, port.mode) for port in found.ports or ()] == [
        ("Port-Channel1", "trunk"), ("Ethernet1", "trunk"), ("Ethernet2", "access"), ("Ethernet3", "routed"),
    ]  # fmt: skip
    assert (found.unused_open, found.unguarded, found.native_vlan_default) == (None, ("Ethernet2",), True)


@pytest.mark.parametrize(
    ("lines", "guarded"),
    [
        ("dot1x system-auth-control\ninterface Ethernet1\n   dot1x pae authenticator\n   dot1x port-control auto\n", True),
        ("dot1x system-auth-control\ninterface Ethernet1\n   dot1x port-control auto\n", False),
        (
            "dot1x system-auth-control\ninterface Ethernet1\n   dot1x pae authenticator\n   dot1x port-control force-authorized\n",
            False,
        ),
        ("interface Ethernet1\n   dot1x pae authenticator\n   dot1x port-control auto\n", False),
        ("interface profile P\n   command switchport port-security\ninterface Ethernet1\n   profile P\n", True),
        (
            "interface profile P\n   command switchport port-security\ninterface Ethernet1\n   profile P\n   no switchport port-security\n",
            False,
        ),
    ],
)
def test_what_guards_a_port(lines: str, guarded: bool) -> None:
    assert ports.interfaces(device(lines)).unguarded == (() if guarded else ("Ethernet1",))


def test_interface_defaults_close_what_says_nothing() -> None:
    lines = "interface defaults\n   ethernet\n      shutdown\ninterface Ethernet1\ninterface Ethernet2\n   no shutdown\ninterface Management1\n"
    found = ports.interfaces(device(lines)).ports or ()
    assert [(port.name, port.enabled) for port in found] == [("Ethernet1", False), ("Ethernet2", True), ("Management1", True)]


def test_a_traffic_policy_hides_the_rules() -> None:
    assert network.filtering(device("interface Ethernet1\n   traffic-policy input P\n")).rules is None


@pytest.mark.parametrize(
    ("said", "saved"), [("", True), ("\n", True), ("--- flash:/startup-config\n+++ x\n@@ -1 +1 @@\n", False), ("% Error\n", None)]
)
def test_saved_is_what_the_device_says_of_differences(said: str, saved: bool | None) -> None:
    assert system.configuration(device("", {"show running-config diffs": said})).saved is saved


def test_scripts_and_code_are_no_configuration() -> None:
    tree = text.tree_of(
        "event-handler E\n   action bash\nno aaa root\nmanagement telnet\n   no shutdown\nEOF\n   delay 1\nrouter general\n   control-functions\n      code unit U\nmanagement ssh\nEOF\n!\nvlan 1\n"
    )
    assert [line.text for line in tree.children] == ["event-handler E", "router general", "vlan 1"]
    assert [line.text for line in tree.children[0].children] == ["action bash", "delay 1"]
    with pytest.raises(Unparsable, match="no EOF"):
        text.tree_of("event-handler E\n   action bash\nno aaa root\n")


def test_another_system_is_not_taken_for_this_one() -> None:
    for said in ("Cisco IOS Software\n", "Arista Networks\n"):
        with pytest.raises(CollectError):
            text.show_version(device("", {"show version": said}))


def test_at_the_console_an_account_without_a_password_is_asked_nothing() -> None:
    open_door = access.device_access(device("username admin privilege 15 role network-admin nopassword\n")).ways or ()
    assert [way.authentication for way in open_door] == ["none", "local"]
    assert [way.authentication for way in access.device_access(device("")).ways or ()] == ["local", "local"]


@pytest.mark.parametrize("network_line", ["network 10.0.0.0/8 area 0", "network 10.0.0.0 0.255.255.255 area 0.0.0.0"])
def test_ospf_finds_its_interfaces_however_networks_are_written(network_line: str) -> None:
    lines = f"router ospf 1\n   {network_line}\ninterface Vlan1\n   ip address 10.0.0.1/24\n"
    assert [row.authenticated for row in routing.redundancy(device(lines)).routing or ()] == [False]


def test_a_role_that_forbids_forbids_nothing_until_commands_are_authorised() -> None:
    user = "username a role network-operator secret 5 $1$x\n"
    seen = accounts.device_accounts(device(user))
    assert [row.administrator for row in seen.users or ()] == [True, None]
    assert seen.commands_authorised is False
    seen = accounts.device_accounts(device(f"{user}aaa authorization commands all default local\n"))
    assert [row.administrator for row in seen.users or ()] == [True, False]
    assert seen.commands_authorised is True
    everybody = accounts.device_accounts(device("aaa authorization commands all default local\n"))
    assert everybody.commands_authorised is False


@settings(max_examples=15)
@given(st.text(st.sampled_from("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789+-./"), min_size=9, max_size=30))
def test_no_secret_gets_into_a_fact_wherever_it_is_planted(secret: str) -> None:
    planted = [line.replace("{}", f"Zq7{secret}") for line in WITH_SECRET]
    outer, inner = [line for line in planted if line[0] != " "], [line for line in planted if line[0] == " "]
    lines = "\n".join([*outer, "interface Ethernet1", *inner, "router bgp 1", *inner, ""])
    snapshot = collect(Target(name="x", via="replay"), device(lines, OTHERS)._cli)
    assert {record.outcome for record in snapshot.records} == {"seen"}
    assert secret not in snapshot.model_dump_json()


def test_lists_of_a_profile_filter_where_it_is_taken_over() -> None:
    lines = "ip access-list A\n   10 permit ip any any\ninterface profile P\n   command ip access-group A in\ninterface Ethernet1\n   no switchport\n   ip address 10.0.0.1/24\n   profile P\n"
    seen = network.filtering(device(lines))
    assert [(row.list, row.source_zones) for row in seen.rules or ()] == [("A", ("Ethernet1",))]
    assert (seen.default_action, seen.unbound) == ("deny", ())


@pytest.mark.parametrize(("line", "encrypted"), [("", False), ("      ssl profile TLS\n", True)])
def test_grpc_without_a_profile_of_tls_is_in_the_clear(line: str, encrypted: bool) -> None:
    fact = access.device_access(device(f"management api gnmi\n   transport grpc default\n{line}"))
    assert [way.encrypted for way in fact.ways or () if way.protocol == "api"] == [encrypted]
