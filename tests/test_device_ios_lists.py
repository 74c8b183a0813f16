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
