"""NX-OS: no planted secret survives, and what one line decides."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.catalog import device_os
from collectors.devices.cisco_nxos import access, accounts, logs, network, ports, routing, snmp, text
from collectors.devices.redaction import clean
from collectors.devices.witness import DeviceWitness
from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.model import Platform, Target
from collectors.run import collect
from collectors.transports.replay import ReplayDevice

OS = device_os(Platform.CISCO_NXOS)

WITH_SECRET = (
    "username a password 5 $5$ABCDEF${}  role network-admin",
    "username a password 0 {} role network-admin",
    "enable secret 5 $1${} priv-lvl 15",
    'tacacs-server key 7 "{}"',
    "tacacs-server host 10.0.0.1 key {} port 49",
    "tacacs-server host 10.0.0.1 test username u password {} idle-time 5",
    'radius-server host 10.0.0.1 key 7 "{}" authentication accounting',
    'ldap-server host 10.0.0.1 rootDN "cn=x" password 7 {}',
    "snmp-server community {} group network-operator",
    "snmp-server community {} use-ipv4acl A",
    "snmp-server host 10.0.0.1 traps version 2c {}",
    "snmp-server host 10.0.0.1 informs version 1 {} udp-port 1162",
    "snmp-server host 10.0.0.1 {}",
    "snmp-server user a network-admin auth md5 {} priv aes-128 x localizedkey",
    "snmp-server user a network-admin auth sha x priv {} localizedkey engineID 128:0",
    "snmp-server mib community-map {} context c",
    "rmon event 1 log trap {} description FATAL(1) owner PMON@FATAL",
    "ntp authentication-key 1 md5 {} 7",
    "    key-string 7 {}",
    "    key-octet-string 7 {} cryptographic-algorithm AES_256_CMAC",
    "  ip ospf authentication-key 3 {}",
    "  ip ospf message-digest-key 1 md5 0 {}",
    "    message-digest-key 1 md5 3 {}",
    "  ospfv3 authentication ipsec spi 256 md5 3 {}",
    "    password 3 {}",
    "    password {}",
    "  neighbor 10.0.0.1 password 3 {}",
    "ip msdp password 10.0.0.1 3 {}",
    "    authentication text {}",
    "    authentication {}",
    "    authentication md5 key-string 7 {} timeout 10",
    "vtp password {}",
    "scheduler aaa-authentication username u password 7 {}",
    "copy running-config scp://u:{}@10.0.0.1/x",
)


@given(
    st.sampled_from(WITH_SECRET),
    st.text(st.sampled_from("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789*+-.<>[]{}~^&="), min_size=9, max_size=40),
)
def test_no_secret_survives_wherever_it_is_planted(line: str, secret: str) -> None:
    once = clean(OS, f"hostname A\n{line.replace('{}', f'Zq7{secret}')}\nvlan 1\n")
    assert secret not in once
    assert clean(OS, once) == once


@given(st.text(st.sampled_from("0123456789abcdef"), min_size=24, max_size=64))
def test_a_key_that_begins_a_wrapped_line_goes_too(key: str) -> None:
    assert key not in clean(
        OS, f"snmp-server user a network-admin auth md5 0x12345678901234567890 priv\n 0x{key}\n localizedkey\n"
    )


@pytest.mark.parametrize(
    "line",
    [
        "password strength-check",
        "userpassphrase min-length 12 max-length 80",
        "username a password 5 !  role network-operator",
        "username a passphrase  lifetime 90 warntime 14 gracetime 3",
        "ntp server 10.0.0.1 prefer use-vrf management key 1",
        "key chain KC",
        "  key 1",
        "    authentication md5 key-chain KC",
        "  ip ospf authentication message-digest",
        "  ip authentication key-chain eigrp 7 KC",
        "snmp-server user a use-ipv4acl SNMP",
        "snmp-server enable traps snmp authentication",
        "aaa authentication login default group TAC local",
    ],
)
def test_a_line_without_a_secret_stays(line: str) -> None:
    assert clean(OS, line) == line


HEAD = "version 9.3(9)\nhostname N9K\nusername admin password 5 $5$x$y role network-admin\n"
TAIL = "line console\n  exec-timeout 5\nline vty\n  exec-timeout 5\n"
VERSION = "Cisco Nexus Operating System (NX-OS) Software\nSoftware\n  NXOS: version 9.3(9)\n"


def device(lines: str, commands: Mapping[str, str] = MappingProxyType({}), tail: str = TAIL) -> DeviceWitness:
    refusal = "% Invalid command at '^' marker."
    document = {
        "about": "authored",
        "platform": "cisco_nxos",
        "prompt": "N9K",
        "commands": {
            "show version": VERSION,
            "show running-config all": refusal,
            "show running-config": f"{HEAD}{lines}{tail}",
            "show feature": "telnetServer  1  disabled\nsshServer  1  enabled\n",
            "show ssh server": "ssh version 2 is enabled\n",
            "show password strength-check": "Password strength check enabled\n",
            "show environment power": refusal,
            **commands,
        },
    }
    return DeviceWitness(ReplayDevice(document), OS)


REFUSED = "% Invalid command at '^' marker.\n"
OTHERS = dict.fromkeys(
    (
        "show inventory", "show startup-config", "show interface status", "show interface", "show ip arp vrf all",
        "show ipv6 neighbor vrf all", "show mac address-table", "show ntp peer-status", "show nxapi", "show vpc",
    ),
    REFUSED,
)  # fmt: skip


def ways(cli: DeviceWitness) -> list[tuple[str, bool | None]]:
    return [(way.protocol, way.anywhere) for way in access.device_access(cli).ways or () if way.remote]


def test_telnet_is_what_the_table_of_features_says_where_no_line_does() -> None:
    assert [protocol for protocol, _ in ways(device("", {"show feature": "telnetServer 1 enabled\n"}))] == ["ssh", "telnet"]
    assert [protocol for protocol, _ in ways(device("no feature telnet\n", {"show feature": "x"}))] == ["ssh"]
    assert access.device_access(device("", {"show feature": "% Permission denied for the role"})).ways is None


@pytest.mark.parametrize(
    ("lines", "anywhere"),
    [
        ("ip access-list Q\n  10 permit tcp 10.0.0.0/8 any eq 22\n", False),
        ("ip access-list Q\n  10 permit tcp 10.0.0.0/8 any eq 22\ninterface Vlan2\n  ipv6 address 2001:db8::1/64\n", True),
        ("ip access-list Q\n  10 deny tcp any any eq 23\n  20 permit ip any any\n", True),
        ("ip access-list Q\n", None),
        ("", None),
        ("object-group ip address G\nip access-list Q\n  10 permit ip addrgroup G any\n", None),
    ],
)
def test_who_reaches_the_vty(lines: str, anywhere: bool | None) -> None:
    assert ways(device(lines, tail=f"{TAIL}  access-class Q in\n")) == [("ssh", anywhere)]
    assert ways(device(lines, tail=f"{TAIL}  access-class Q out\n")) == [("ssh", True)]


def test_an_idle_limit_that_is_not_written_is_not_guessed_and_zero_never_ends() -> None:
    seen = access.device_access(device("", tail="line console\n  exec-timeout 0\nline vty\n"))
    assert [way.idle_seconds for way in seen.ways or ()] == ["unlimited", None]
    assert "ways[].idle_seconds" in {entry.field for entry in seen.unseen}


def test_a_group_without_a_server_vouches_for_nobody() -> None:
    lines = "aaa group server tacacs+ T\n    use-vrf management\naaa authentication login default group T\naaa accounting default group T\n"
    seen = accounts.device_accounts(device(lines))
    assert (seen.remote_first, seen.accounting) == (False, False)
    server = 'tacacs-server host 10.0.0.1 key 7 "x"\n' + lines.replace("    use", "    server 10.0.0.1\n    use")
    seen = accounts.device_accounts(device(server))
    assert (seen.remote_first, seen.accounting, seen.local_fallback) == (True, True, True)
    seen = accounts.device_accounts(device(f"{server}no aaa authentication login default fallback error local\n"))
    assert seen.local_fallback is False


def test_accounts_that_are_hidden_are_not_none() -> None:
    cli = device("")
    hidden = device("")
    hidden._cli = ReplayDevice(
        {"about": "x", "platform": "cisco_nxos", "prompt": "N9K", "commands": {
            "show version": VERSION, "show running-config all": f"version 9.3(9)\npassword strength-check\n{TAIL}"}}
    )  # fmt: skip
    assert [user.name for user in accounts.device_accounts(cli).users or ()] == ["admin"]
    assert accounts.device_accounts(hidden).users is None
    assert accounts.password_policy(hidden).max_age_days is None


@pytest.mark.parametrize(
    ("line", "yes"), [("", True), ("aaa accounting default local", True), ("aaa accounting default none", False)]
)
def test_commands_are_recorded_on_the_device_too(line: str, yes: bool) -> None:
    assert logs.device_logs(device(f"{line}\n")).changes is yes


def test_a_clock_that_follows_itself_or_is_kept_by_hand_is_not_synchronised() -> None:
    table = "Total peers : 2\n{}10.0.0.1  10.0.0.9  2  64  377  0.001 default\n{}127.127.1.0  0.0.0.0  8  16  377  0.00000\n"
    assert logs.clock(device("ntp server 10.0.0.1\n", {"show ntp peer-status": table.format("*", "=")})).synchronised is True
    assert logs.clock(device("ntp server 10.0.0.1\n", {"show ntp peer-status": table.format("=", "*")})).synchronised is False
    by_hand = device("ntp server 10.0.0.1\nclock protocol none vdc 1\n", {"show ntp peer-status": table.format("*", "=")})
    assert logs.clock(by_hand).synchronised is False
    cut = logs.clock(
        device("ntp server 10.0.0.1\n", {"show ntp peer-status": "Total peers : 2\n*10.0.0.1 0.0.0.0 2 64 377 0.1 x\n"})
    )
    assert (cut.synchronised, cut.servers) == (None, None)


def test_a_user_of_snmp_is_private_only_where_it_is_enforced() -> None:
    user = "snmp-server user a network-operator auth sha 0x1 priv aes-128 0x2 localizedkey\n"
    seen = snmp.snmp_service(device(user)).users or ()
    assert [(row.level, row.auth, row.priv) for row in seen] == [("noAuthNoPriv", "sha1", "aes128")]
    seen = snmp.snmp_service(device(f"{user}snmp-server globalEnforcePriv\n")).users or ()
    assert [row.level for row in seen] == ["authPriv"]
    seen = (
        snmp.snmp_service(
            device("snmp-server globalEnforcePriv\nsnmp-server user a network-operator auth sha 0x1 localizedkey\n")
        ).users
        or ()
    )
    assert [(row.level, row.priv) for row in seen] == [("noAuthNoPriv", "none")]


OSPF = "router ospf 1\n  area 0.0.0.0 authentication message-digest\ninterface Ethernet1/1\n  ip router ospf 1 area 0.0.0.0\n"


@pytest.mark.parametrize(
    ("lines", "authenticated"),
    [
        (f"{OSPF}  ip ospf message-digest-key 1 md5 3 abc\n", True),
        (OSPF, False),
        (f"{OSPF}  ip ospf message-digest-key 1 md5 3 abc\n  ip ospf authentication null\n", False),
        (f"{OSPF}  ip ospf message-digest-key 1 md5 3 abc\n  ip ospf authentication\n", False),
        (f"{OSPF}  ip ospf authentication key-chain K\n", False),
        (f"key chain K\n  key 1\n{OSPF}  ip ospf authentication key-chain K\n", False),
        (f"key chain K\n  key 1\n    key-string 7 x\n{OSPF}  ip ospf authentication key-chain K\n", True),
        (f"{OSPF}  ip ospf message-digest-key 1 md5 3 abc\ninterface Ethernet1/2\n  ip router ospf 1 area 0\n", False),
        (f"{OSPF}  ip ospf passive-interface\n", None),
    ],
)
def test_ospf_is_authenticated_on_every_interface_or_not_at_all(lines: str, authenticated: bool | None) -> None:
    assert [row.authenticated for row in routing.redundancy(device(lines)).routing or ()] == [authenticated]


def test_a_peer_of_bgp_takes_over_the_password_of_its_template_unless_it_says_no() -> None:
    lines = "router bgp 1\n  template peer T\n    password 3 abc\n  neighbor 10.0.0.1\n    inherit peer T\n  neighbor 10.0.0.2\n    inherit peer T\n    no password\n  neighbor 10.0.0.3\n    inherit peer KHONG-CO\n"
    assert [row.authenticated for row in routing.redundancy(device(lines)).routing or ()] == [True, False, False]


def test_a_configuration_of_another_device_is_none() -> None:
    with pytest.raises(Unparsable, match="is that of N9X"):
        text.config(device("hostname N9X\n"))


def test_profiles_that_are_applied_and_not_written_out_hide_everything() -> None:
    with pytest.raises(Unsupported, match="profile"):
        text.config(device("configure profile P\n  vlan 9\napply profile P\n"))


def test_another_system_is_not_taken_for_this_one() -> None:
    for said in ("Cisco IOS Software\n", f"{VERSION}  system image file is: /bootflash/aci-n9000-dk9.14.0.1h.bin\n"):
        with pytest.raises(CollectError):
            text.show_version(device("", {"show version": said}))
    with pytest.raises(Unsupported):
        text.major(device("", {"show version": VERSION.replace("9.3(9)", "11.1(1)")}))


def test_a_job_of_the_scheduler_is_no_configuration() -> None:
    tree = text.tree_of(
        "feature telnet\nscheduler job name X\nno feature telnet\nline vty\n  exec-timeout 1\n\nend-job\nline vty\n"
    )
    assert tree.flag("feature telnet") is True
    assert [line.text for line in tree.children] == ["feature telnet", "scheduler job name X", "end-job", "line vty"]
    with pytest.raises(Unparsable, match="never ends"):
        text.tree_of("scheduler job name X\nno feature telnet\n")


def test_a_line_that_parts_a_socket_is_no_interface() -> None:
    lines = "interface breakout module 1 port 10 map 10g-4x\ninterface Ethernet1/10/1\n  switchport mode trunk\n  no shutdown\n"
    table = "Port          Name               Status    Vlan      Duplex  Speed   Type\nEth1/10/1     --                 connected trunk     full    10G     x\n"
    found = ports.interfaces(device(lines, {"show interface status": table}))
    assert [(port.name, port.mode, port.up) for port in found.ports or ()] == [("Ethernet1/10/1", "trunk", True)]
    assert found.native_vlan_default is True
    tagged = ports.interfaces(device(f"vlan dot1Q tag native\n{lines}", {"show interface status": table}))
    assert tagged.native_vlan_default is False


@pytest.mark.parametrize(("shut", "enabled"), [("  shutdown\n", False), ("  no shutdown\n", True), ("", None)])
def test_a_port_whose_module_is_missing_is_open_only_where_something_says_so(shut: str, enabled: bool | None) -> None:
    table = "Port          Name               Status    Vlan      Duplex  Speed   Type\nEth1/1        --                 xcvrAbsen 1         auto    auto    --\n"
    refusal = "% Permission denied for the role\n"
    found = ports.interfaces(
        device(f"interface Ethernet1/1\n{shut}", {"show interface status": table, "show interface": refusal})
    )
    assert [port.enabled for port in found.ports or ()] == [enabled]
    assert found.unused_open == (("Ethernet1/1",) if enabled else None if enabled is None else ())


def test_a_user_of_snmp_without_a_group_has_the_role_of_its_account() -> None:
    line = "snmp-server user admin auth md5 0x1 priv 0x1 localizedkey engineID 128:0:0:9:3\n"
    assert [(row.name, row.write, row.priv) for row in snmp.snmp_service(device(line)).users or ()] == [("admin", True, "des")]


def test_lines_about_a_part_of_switching_do_not_end_it() -> None:
    lines = "interface Ethernet1/1\n  switchport\n  no switchport port-security\n  switchport access vlan 5\n  no shutdown\n  no shutdown lan\ninterface Ethernet1/2\n  switchport\n  switchport port-security maximum 2\n  shutdown\n  no shutdown lan\n"
    table = "Port          Name               Status    Vlan      Duplex  Speed   Type\nEth1/1        --                 connected 5         full    10G     x\n"
    found = ports.interfaces(device(lines, {"show interface status": table}))
    seen = [(port.mode, port.enabled, port.port_security) for port in found.ports or ()]
    assert seen == [("access", True, False), ("access", False, False)]
    assert found.unguarded == ("Ethernet1/1",)


def test_roles_decide_once_somebody_has_a_lesser_one() -> None:
    assert accounts.device_accounts(device("")).commands_authorised is False
    assert accounts.device_accounts(device("username a password 5 $5$x$y role network-operator\n")).commands_authorised is True
    assert accounts.device_accounts(device("username a password 5 ! role network-operator\n")).commands_authorised is False


@settings(max_examples=15)
@given(st.text(st.sampled_from("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789+-./"), min_size=9, max_size=30))
def test_no_secret_gets_into_a_fact_wherever_it_is_planted(secret: str) -> None:
    planted = [line.replace("{}", f"Zq7{secret}") for line in WITH_SECRET]
    outer, inner = [line for line in planted if line[0] != " "], [line for line in planted if line[0] == " "]
    lines = "\n".join([*outer, "interface Ethernet1", *inner, "router bgp 1", *inner, ""])
    snapshot = collect(Target(name="x", via="replay"), device(lines, OTHERS)._cli)
    assert {record.outcome for record in snapshot.records} == {"seen"}
    assert secret not in snapshot.model_dump_json()


@pytest.mark.parametrize(("state", "shut", "rules"), [("  state enabled\n", True, ["A"]), ("", None, [])])
def test_an_interface_takes_over_its_port_profile_once_that_is_enabled(state: str, shut: bool | None, rules: list[str]) -> None:
    lines = f"ip access-list A\n  10 permit ip any any\nport-profile type ethernet P\n  ip access-group A in\n  shutdown\n{state}interface Ethernet1/1\n  inherit port-profile P\n"
    cli = device(lines, {"show interface status": REFUSED, "show interface": REFUSED})
    assert [row.list for row in network.filtering(cli).rules or ()] == rules
    assert [port.enabled for port in ports.interfaces(cli).ports or ()] == [None if shut is None else not shut]


def test_eigrp_must_be_authenticated_in_each_family() -> None:
    lines = "key chain K\n  key 1\n    key-string 7 x\nrouter eigrp 7\ninterface Vlan1\n  ip router eigrp 7\n  ip authentication mode eigrp 7 md5\n  ip authentication key-chain eigrp 7 K\n"
    assert [row.authenticated for row in routing.redundancy(device(lines)).routing or ()] == [True]
    assert [row.authenticated for row in routing.redundancy(device(f"{lines}  ipv6 router eigrp 7\n")).routing or ()] == [False]
