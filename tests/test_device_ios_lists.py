"""Cisco IOS: whom access lists let in, and what they let through. Each authored from the command references."""

from __future__ import annotations

import pytest

from collectors.devices.cisco_ios import access, network
from collectors.errors import Unparsable
from tests.test_device_ios import PORT, VTY, device

# --- whom a list lets in ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "anywhere"),
    [
        ("ip access-list standard M\n permit 10.0.0.0 0.0.0.255\n", False),
        ("ip access-list standard M\n permit 10.0.0.0 0.0.0.255\n deny any log\n permit any\n", False),
        ("ip access-list extended M\n deny tcp any any eq 23\n permit ip any any\n", True),
        ("ip access-list extended M\n deny ip any host 10.0.0.1\n permit ip any any\n", True),
        ("ip access-list standard M\n permit 0.0.0.0 127.255.255.255\n permit 128.0.0.0 127.255.255.255\n", True),
        ("object-group network G\n 0.0.0.0 0.0.0.0\nip access-list extended M\n permit tcp object-group G any eq 22\n", True),
        ("object-group network G\n any\nip access-list extended M\n permit tcp object-group G any eq 22\n", True),
        (
            "object-group network G\n range 0.0.0.0 255.255.255.255\nip access-list extended M\n permit ip object-group G any\n",
            True,
        ),
        ("object-group network G\n host 10.0.0.1\nip access-list extended M\n permit ip object-group G any\n", False),
        (
            "object-group network G\n group-object H\nobject-group network H\n any\nip access-list extended M\n permit ip object-group G any\n",
            True,
        ),
        ("ip access-list extended M\n permit tcp object-group GONE any eq 22\n", None),
        ("object-group network G\n group-object G\nip access-list extended M\n permit ip object-group G any\n", None),
        ("ip access-list standard M\n permit 0.0.0.0 255.255.255.254\n", None),
        ("ip access-list extended M\n permit tcp any any established\n permit tcp host 10.0.0.1 any\n", False),
        ("ip access-list standard M\n", True),
        ("", True),
    ],
)
def test_whom_a_list_lets_in(lines: str, anywhere: bool | None) -> None:
    fact = access.device_access(device(lines))
    assert [way.anywhere for way in fact.ways or () if way.remote] == [anywhere]
    assert any(gap.field == "ways[].anywhere" for gap in fact.unseen) == (anywhere is None)


@pytest.mark.parametrize(
    ("lines", "anywhere"),
    [
        ("ip access-list extended M\n evaluate R\n", False),
        ("ip access-list extended M\n dynamic D permit tcp any any eq 22\n permit tcp host 10.0.0.1 any\n", None),
        ("ip access-list extended M\n dynamic D timeout 60 permit ip any any\n", None),
        ("ipv6 access-list M\n permit ipv6 2001:db8::/64 any\n", True),
        ("ip access-list standard M\n permit any\nipv6 access-list M\n permit ipv6 2001:db8::/64 any\n", True),
        ("ip access-list standard M\n permit 10.0.0.1\nipv6 access-list M\n permit ipv6 any any\n", False),
    ],
)
def test_a_list_of_another_family_or_for_answers_only(lines: str, anywhere: bool | None) -> None:
    fact = access.device_access(device(lines))
    assert [way.anywhere for way in fact.ways or () if way.remote] == [anywhere]


def test_a_list_of_hardware_addresses_is_no_list_of_networks() -> None:
    lines = "access-list 700 permit 0011.2233.4455 0000.0000.0000\naccess-list 200 permit 0x0000 0xFFFF\naccess-list 10 permit 10.0.0.1\n"
    fact = access.device_access(device(lines, vty=VTY.replace("class M", "class 10")))
    assert [way.anywhere for way in fact.ways or () if way.remote] == [False]


@pytest.mark.parametrize("head", ["line 0/0/0 0/0/12", "line 33 48", "line aux 0", "line tty 1"])
def test_a_serial_line_that_answers_over_telnet_is_a_way_in(head: str) -> None:
    fact = access.device_access(device("access-list 10 permit 10.0.0.1\n", vty=f"{head}\n no exec\n transport input all\n{VTY}"))
    assert {way.protocol for way in fact.ways or () if way.remote and way.name == head.removeprefix("line ")} == {
        "ssh",
        "telnet",
        "rlogin",
    }
    quiet = access.device_access(device("", vty=f"{head}\n no exec\n{VTY}"))
    assert {way.protocol for way in quiet.ways or () if way.remote} == {"ssh"}


def test_a_list_for_those_who_leave_takes_none_away_from_those_who_come() -> None:
    vty = "line vty 0 4\n access-class 10 in\n access-class 11 out\n transport input ssh\n login local\n"
    fact = access.device_access(device("access-list 10 permit 10.0.0.1\naccess-list 11 deny any\n", vty=vty))
    assert [way.sources for way in fact.ways or () if way.remote] == [("10.0.0.1",)]


def test_a_list_of_ipv6_guards_no_page_of_ipv4() -> None:
    lines = "ip http secure-server\nip http access-class ipv6 SIX\nipv6 access-list SIX\n permit ipv6 2001:db8::/64 any\n"
    fact = access.device_access(device(lines))
    assert [way.anywhere for way in fact.ways or () if way.protocol == "https"] == [True]


# --- lists at interfaces ----------------------------------------------------------------------------------------------


def _rules(lines: str) -> list[tuple[str, bool]] | None:
    """(list, it permits everything) of each row."""
    rows = network.filtering(device(lines)).rules
    return None if rows is None else [(row.list, row.source_any and row.destination_any and row.service_any) for row in rows]


def test_a_list_common_to_many_ports_filters_too() -> None:
    lists = "ip access-list extended C\n permit ip any any\nip access-list extended A\n permit tcp any any eq 443\n"
    assert _rules(f"{lists}{PORT} ip access-group common C A in\n") == [("C", True), ("A", False)]
    assert _rules(f"{lists}{PORT} ip access-group common C in\n") == [("C", True)]
    fact = network.filtering(device(f"{lists}{PORT} ip access-group common A in\n"))
    assert fact.default_action == "permit"
    assert fact.unbound == ("C",)


def test_a_line_that_binds_in_unknown_words_leaves_nothing_said() -> None:
    with pytest.raises(Unparsable):
        network.filtering(device(f"ip access-list extended A\n permit ip any any\n{PORT} ip access-group A sideways\n"))


@pytest.mark.parametrize(
    ("entry", "wide"),
    [
        ("permit ip any any reflect R timeout 300", True),
        ("permit ip any any time-range GIO-HANH-CHINH", True),
        ("permit ip any any log SO-1", True),
        ("permit tcp any any reflect R", False),
        ("permit ip any any dscp ef", False),
        ("evaluate R", False),
    ],
)
def test_words_that_narrow_nothing(entry: str, wide: bool) -> None:
    assert _rules(f"ip access-list extended A\n {entry}\n{PORT} ip access-group A in\n") == [("A", wide)]


def test_whom_lock_and_key_lets_in_is_not_told() -> None:
    assert _rules(f"ip access-list extended A\n dynamic D timeout 5 permit ip any any\n{PORT} ip access-group A in\n") is None


def test_lists_of_two_families_with_one_name_are_two() -> None:
    lists = "ip access-list extended A\n permit tcp any any eq 443\nipv6 access-list A\n permit ipv6 any any\n"
    six = " ipv6 address 2001:db8::1/64\n"
    assert _rules(f"{lists}{PORT} ip access-group A in\n") == [("A", False)]
    assert _rules(f"{lists}{PORT}{six} ipv6 traffic-filter A in\n") == [("A", True)]
    fact = network.filtering(device(f"{lists}{PORT}{six} ip access-group A in\n"))
    assert (fact.default_action, fact.unbound) == ("permit", ("A",))


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
