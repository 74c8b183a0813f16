"""Cisco ASA: a line that would make accounts, records, ports and neighbours look better than they are does not.

Each case takes the configuration of the hardened device, changes one thing, and says what may then be seen.
"""

from __future__ import annotations

import pytest

from tests.asa_changed import WHOLE, added, recording, seen

# --- accounts ---------------------------------------------------------------------------------------------------------


def test_an_account_for_the_vpn_still_logs_on_and_is_no_proved_non_administrator() -> None:
    line = ("pbkdf2 privilege 0\n", "pbkdf2 privilege 15\n")
    row = next(user for user in seen(line)["device_accounts"]["users"] if user["name"] == "canbo01")
    assert (row["enabled"], row["administrator"]) == (True, None)
    free = ("aaa authorization exec authentication-server auto-enable\n", "")
    row = next(user for user in seen(line, free)["device_accounts"]["users"] if user["name"] == "canbo01")
    assert row["administrator"] is True


@pytest.mark.parametrize(
    ("words", "secret"),
    [
        ("nopassword privilege 15", "none"),
        ("password oB2JzQm8r1FvX5Kt encrypted privilege 15", "weak-hash"),
        ("password 0x1234567890abcdef nt-encrypted", "weak-hash"),
        ("password BiMat2026 privilege 15", "clear"),
        ("privilege 15", None),
    ],
)
def test_how_a_password_is_kept(words: str, secret: str | None) -> None:
    users = seen(added(f"username them {words}"))["device_accounts"]["users"]
    assert next(user["secret"] for user in users if user["name"] == "them") == secret


@pytest.mark.parametrize(
    ("edit", "first"),
    [
        (("aaa authentication http console TAC LOCAL\n", ""), False),
        (("aaa authentication ssh console TAC LOCAL\n", "aaa authentication ssh console LOCAL\n"), False),
        (added("telnet 10.99.0.0 255.255.255.0 quantri"), False),
        (("aaa-server TAC (quantri) host 10.10.1.4\n key *****\n", ""), None),
        (
            (" service-type remote-access\n", " service-type remote-access\n ssh authentication publickey ab:cd:ef:01 hashed\n"),
            None,
        ),
    ],
)
def test_a_server_is_asked_first_on_every_way(edit: tuple[str, str], first: bool | None) -> None:
    assert seen(edit)["device_accounts"]["remote_first"] is first


def test_a_group_without_a_server_accounts_for_nothing() -> None:
    found = seen(("aaa accounting command TAC\n", "aaa accounting command CU\n"), added("aaa-server CU protocol tacacs+"))
    assert found["device_accounts"]["accounting"] is False
    assert found["device_accounts"]["servers"] is None
    found = seen(("aaa authorization command TAC LOCAL\n", "aaa authorization command CU\n"))["device_accounts"]
    assert found["commands_authorised"] is False


def test_nobody_falls_back_on_accounts_that_are_not_there() -> None:
    lines = [line for line in WHOLE.splitlines(keepends=True) if line.startswith("username ") and " password " in line]
    edits = [(line, "") for line in lines]
    assert seen(*edits)["device_accounts"]["local_fallback"] is False


@pytest.mark.parametrize(
    ("answer", "encrypted"),
    [
        ("Password Encryption: Enabled\nMaster key hash: Not set(saved)\n", False),
        ("Password Encryption: Disabled\nMaster key hash: 0x17ffbda1 0x2a2b3c4d(saved)\n", False),
        ("Password Encryption: Enabled\n", None),
        ("ERROR: % Invalid input detected at '^' marker.\n", None),
    ],
)
def test_encryption_without_a_master_key_is_none(answer: str, encrypted: bool | None) -> None:
    found = seen(show_password_encryption=answer)["device_accounts"]
    assert found["passwords_encrypted"] is encrypted
    assert [server["encrypted_key"] for server in found["servers"]] == [encrypted]


# --- records, SNMP, clock, configuration ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edits", "logons"),
    [
        ([("logging enable\n", "")], False),
        ([added("no logging message 605005")], False),
        ([added("logging message 605004 level debugging")], False),
        ([added("logging class auth buffered critical")], None),
        ([added("logging rate-limit 1 60 message 605004")], None),
        ([("logging trap informational\n", "logging trap debugging-it\n"), ("logging buffered informational\n", "")], None),
        ([("logging trap informational\n", ""), ("logging buffered informational\n", "logging buffered warnings\n")], False),
    ],
)
def test_logons_are_recorded_by_the_messages_that_are_written(edits: list[tuple[str, str]], logons: bool | None) -> None:
    assert seen(*edits)["device_logs"]["logons"] is logons


def test_without_logging_nothing_is_sent_and_no_level_counts() -> None:
    found = seen(("logging enable\n", ""))["device_logs"]
    assert (found["enabled"], found["hosts"], found["buffer"], found["level"]) == (False, [], False, None)
    found = seen(("logging trap informational\n", ""), ("logging buffered informational\n", ""))["device_logs"]
    assert (found["hosts"], found["level"], found["logons"]) == ([], None, False)


def test_what_the_levels_refuse_must_be_written_too() -> None:
    assert seen(added("no logging message 106006"))["filtering"]["default_logged"] is False


def test_a_line_on_traps_does_not_turn_the_agent_off() -> None:
    more = added("snmp-server host quantri 10.10.1.8 community ***** version 2c\nno snmp-server enable traps ipsec start")
    found = seen(more)["snmp_service"]
    assert (found["enabled"], found["v1_v2c"]) == (True, True)
    assert seen(more, added("no snmp-server enable"))["snmp_service"]["v1_v2c"] is False


def test_a_group_of_askers_may_hold_everybody() -> None:
    group = (
        "object network AI-CUNG-DUOC\n subnet 0.0.0.0 0.0.0.0\nsnmp-server host-group quantri AI-CUNG-DUOC poll version 3 giamsat"
    )
    assert seen(added(group))["snmp_service"]["anywhere"] is True
    gone = "snmp-server host-group quantri KHONG-CO poll version 3 giamsat"
    assert seen(added(gone))["snmp_service"]["anywhere"] is None


def test_the_least_level_of_a_group_counts() -> None:
    assert seen(added("snmp-server group GIAM-SAT v3 noauth"))["snmp_service"]["users"][0]["level"] == "noAuthNoPriv"


def test_a_clock_that_follows_itself_follows_nothing() -> None:
    status = "Clock is synchronized, stratum 4, reference is 127.127.1.1\n"
    assert seen(show_ntp_status=status)["clock"]["synchronised"] is False
    for edit in (("ntp trusted-key 1\n", ""), ("ntp authenticate\n", ""), (" key 1 source quantri", " source quantri")):
        assert seen(edit)["clock"]["authenticated"] is False


def test_saved_is_proved_by_the_whole_text_or_not_at_all() -> None:
    readable = WHOLE.replace("*****", "KhoaDocDuoc1")
    same = [(WHOLE, readable)]
    assert seen()["configuration"]["saved"] is None
    assert seen(*same, show_startup_config=readable)["configuration"]["saved"] is True
    other = readable.replace("console timeout 10", "console timeout 30")
    assert seen(*same, show_startup_config=other)["configuration"]["saved"] is False
    assert seen(*same, show_startup_config=readable.replace("KhoaDocDuoc1", "KhoaKhac22"))["configuration"]["saved"] is not True
    assert seen(*same, show_startup_config=readable[:2000])["configuration"]["saved"] is None


def test_a_configuration_of_nobody_is_no_configuration() -> None:
    assert "device_access" not in seen(("hostname FW-SO-TTTT\n", ""))
    assert "device_access" not in seen(("hostname FW-SO-TTTT\n", "hostname KHAC\n"))


# --- ports, neighbours ------------------------------------------------------------------------------------------------


def test_a_port_that_no_table_names_is_not_a_closed_one() -> None:
    table = recording()["commands"]["show interface ip brief"]
    without = "".join(line for line in table.splitlines(keepends=True) if not line.startswith("GigabitEthernet1/3 "))
    assert seen(show_interface_ip_brief=without)["interfaces"]["unused_open"] is None
    more = table + "GigabitEthernet1/9         unassigned      YES unset  up                    up\n"
    assert seen(show_interface_ip_brief=more)["interfaces"]["unused_open"] is None
    assert seen(show_interface_ip_brief=table)["interfaces"]["unused_open"] == []


def test_sockets_of_a_chassis_or_of_the_system_space_are_not_ours_to_count() -> None:
    version = recording()["commands"]["show version"]
    assert seen(show_version=version.replace("ASA5516", "FPR4K-SM-12"))["interfaces"]["unused_open"] is None
    assert seen(show_mode="Security context mode: multiple\n")["interfaces"]["unused_open"] is None


OSPF = " ospf message-digest-key 1 md5 *****\n ospf authentication message-digest\n"


@pytest.mark.parametrize(
    ("edits", "proved"),
    [
        ([(OSPF, "")], [False]),
        ([(OSPF, " ospf message-digest-key 1 md5 *****\n")], [True]),
        ([(OSPF, " ospf message-digest-key 1 md5 *****\n ospf authentication null\n")], [False]),
        ([(OSPF, " ospf authentication-key *****\n ospf authentication\n")], [False]),
        ([(OSPF, " ospf authentication key-chain KHOA\n")], [None]),
        ([(" network 10.20.0.0 255.255.255.0 area 0\n", " network 0.0.0.0 0.0.0.0 area 0\n")], [False, True, False, False]),
        ([(" network 10.20.0.0 255.255.255.0 area 0\n", " network 10.77.0.0 255.255.255.0 area 0\n")], [None]),
        ([(" network 10.20.0.0 255.255.255.0 area 0\n", " network 10.20.0.0 255.255.255.0 area 0\n area 0 virtual-link 10.9.9.9\n")], [True, False]),
        ([(" ip address 10.20.0.1 255.255.255.0 standby 10.20.0.2 \n", " ip address dhcp setroute \n")], [None]),
        ([(" ip address 172.16.10.1 255.255.255.0 standby 172.16.10.2 \n", " ip unnumbered Loopback0\n")], [True, None]),
    ],
)  # fmt: skip
def test_ospf_interface_by_interface(edits: list[tuple[str, str]], proved: list[bool | None]) -> None:
    assert [row["authenticated"] for row in seen(*edits)["redundancy"]["routing"]] == proved


@pytest.mark.parametrize(
    ("lines", "proved"),
    [
        (" ipv6 ospf 6 area 0\n", False),
        (" ipv6 ospf 6 area 0\n ipv6 ospf authentication ipsec spi 300 sha1 *****\n", True),
        (" ipv6 ospf 6 area 0\n ipv6 ospf authentication null\n", False),
        (" ipv6 ospf 6 area 0\n ipv6 ospf encryption null\n", False),
        (" ipv6 ospf 6 area 1\n", True),
    ],
)
def test_ospf_of_ipv6_interface_by_interface(lines: str, proved: bool) -> None:
    process = "ipv6 router ospf 6\n area 1 encryption ipsec spi 301 esp null sha1 *****"
    rows = seen(added(process), (" nameif dmz\n", f" nameif dmz\n{lines}"))["redundancy"]["routing"]
    assert [row["authenticated"] for row in rows if row["protocol"] == "ospfv3"] == [proved]


def test_eigrp_rip_bgp_and_isis_neighbour_by_neighbour() -> None:
    def others(more: str, *edits: tuple[str, str]) -> dict[str, bool | None]:
        rows = seen(added(more), *edits)["redundancy"]["routing"]
        return {f"{row['protocol']} {row['name']}": row["authenticated"] for row in rows if row["protocol"] != "ospf"}

    eigrp = "router eigrp 9\n network 10.0.0.0\n network 172.16.0.0"
    keyed = (" nameif dmz\n", " nameif dmz\n authentication key eigrp 9 ***** key-id 1\n authentication mode eigrp 9 md5\n")
    assert others(eigrp, keyed) == {"eigrp 9 inside": False, "eigrp 9 dmz": True, "eigrp 9 quantri": False}
    assert others(f"{eigrp}\n passive-interface default\n no passive-interface dmz", keyed) == {"eigrp 9 dmz": True}
    half = (" nameif dmz\n", " nameif dmz\n authentication key eigrp 9 ***** key-id 1\n")
    assert others(eigrp, half)["eigrp 9 dmz"] is False
    assert others("router rip\n network 172.16.0.0\n version 2") == {"rip dmz": False}
    bgp = """router bgp 65001
 address-family ipv4 unicast
  neighbor 10.1.1.1 remote-as 65002
  neighbor 10.1.1.1 password *****
  neighbor 10.1.1.2 remote-as 65003
 address-family ipv4 vrf KHACH
  neighbor 10.1.1.1 remote-as 65002"""
    assert others(bgp) == {
        "bgp 65001 ipv4 unicast 10.1.1.1": True,
        "bgp 65001 ipv4 unicast 10.1.1.2": False,
        "bgp 65001 ipv4 vrf KHACH 10.1.1.1": False,
    }
    assert others("router isis\n net 49.0001.0000.0000.0001.00") == {"isis isis": False}
    assert seen(added("router openfabric X"))["redundancy"]["routing"] is None


def test_failover_is_what_runs_and_the_other_unit_must_be_ready() -> None:
    text = recording()["commands"]["show failover"]
    assert seen(show_failover="Failover Off\nFailover unit Primary\n")["redundancy"]["cluster"] == "none"
    failed = text.replace("Secondary - Standby Ready", "Secondary - Failed")
    assert seen(show_failover=failed)["redundancy"]["peer_up"] is False
    gone = text.partition("        Other host")[0]
    assert seen(show_failover=gone)["redundancy"]["peer_up"] is None


def test_the_shell_of_an_ftd_that_knows_no_such_command_is_no_answer() -> None:
    found = seen(show_failover="Syntax error: Illegal command line\n", show_mode="Syntax error: Illegal command line\n")
    assert found["redundancy"]["cluster"] is None
    assert found["interfaces"]["unused_open"] is None
