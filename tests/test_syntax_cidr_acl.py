"""Access lists of NX-OS and EOS: who gets in, what counts as everybody, and what nobody can tell."""

from __future__ import annotations

import pytest

from collectors.devices.cidr_lists import SNMP, SSH, AccessList, Reach, reach, rows, unbound
from collectors.devices.cidr_lists import Bound as At
from collectors.devices.syntax.cidr_acl import admitted, covers, entries, network
from collectors.devices.syntax.indent import parse
from collectors.errors import Unparsable

GROUPS = {"QT": ("10.0.5.0/24",), "RONG": None}


def let_in(*lines: str, service: tuple[str, int] = SSH, standard: bool = False) -> tuple[str, ...] | None:
    return admitted(entries(lines, GROUPS, standard), *service)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["10 permit tcp 10.0.0.0/8 any eq 22"], ("10.0.0.0/8",)),
        (["permit ip host 10.0.0.1 any", "deny ip any any log"], ("10.0.0.1/32",)),
        (["permit ip 10.0.0.0 0.0.0.255 any"], ("10.0.0.0/24",)),
        (["permit tcp addrgroup QT any"], ("10.0.5.0/24",)),
        # another port, another protocol, answers alone: nobody begins with SSH by them
        (["permit tcp any any eq 443", "permit udp any any", "permit icmp any any", "permit tcp any any established"], ()),
        (["permit tcp any any range 1 21", "permit tcp any any lt 22", "permit tcp any any gt 22"], ()),
        # what denies a part does not end the list
        (["deny tcp any any eq telnet", "permit ip 10.0.0.0/8 any"], ("10.0.0.0/8",)),
        (["deny ip any any", "permit ip any any"], ()),
        (["deny ip 0.0.0.0/1 any", "permit ip 10.0.0.0/8 any"], ("10.0.0.0/8",)),
        (["remark permit ip any any", "statistics per-entry"], ()),
        (["permit tcp addrgroup RONG any"], None),
        (["permit tcp addrgroup KHONG-CO any"], None),
    ],
)
def test_whom_a_list_lets_in(lines: list[str], expected: tuple[str, ...] | None) -> None:
    assert let_in(*lines) == expected


@pytest.mark.parametrize(
    "lines",
    [
        ["permit ip any any"],
        ["permit tcp any any eq 22"],
        ["permit 6 any any range 1 65535"],
        ["permit tcp any any neq 80"],
        ["permit tcp any any eq 80 22"],
        ["permit tcp any any portgroup CONG"],
        ["permit ip 0.0.0.0/0 any"],
        ["permit ip 1.2.3.4 255.255.255.255 any"],
        ["permit ip 0.0.0.0/1 any", "permit ip 128.0.0.0/1 any"],
        ["permit ipv6 ::/0 any"],
        ["permit ipv6 ::/1 any", "permit ipv6 8000::/1 any"],
        ["deny tcp any any eq 23", "permit ip any any"],
        ["deny ip any any time-range DEM", "permit ip any any"],
        ["deny ip any host 10.0.0.1", "permit ip any any"],
        ["permit tcp any gt 1023 any eq ssh"],
    ],
)
def test_what_counts_as_everybody(lines: list[str]) -> None:
    assert covers(let_in(*lines)) is True


def test_a_wildcard_with_holes_leaves_it_open() -> None:
    assert network("10.0.0.1", "255.0.255.255") == "10.0.0.1 255.0.255.255"
    assert covers(("10.0.0.1 255.0.255.255",)) is None
    assert covers(("10.0.0.0/8",)) is False
    assert covers(None) is None
    assert covers(()) is False


def test_standard_lists_know_sources_alone() -> None:
    assert let_in("10 permit 10.0.0.0/8", "20 deny any", "30 permit any", standard=True) == ("10.0.0.0/8",)
    assert covers(let_in("permit any", service=SNMP, standard=True)) is True


@pytest.mark.parametrize(
    "line", ["allow ip any any", "permit tcp", "permit ip any", "permit ip 10.0.0.300/8 any", "permit ip x any"]
)
def test_a_line_that_is_none_is_not_passed_over(line: str) -> None:
    with pytest.raises(Unparsable):
        entries([line], GROUPS)


def made(name: str, *lines: str, v6: bool = False) -> AccessList:
    return AccessList(name, v6, entries(lines, GROUPS))


def test_a_door_without_a_list_for_a_family_it_speaks_is_open() -> None:
    lists = {"A": made("A", "permit ip 10.0.0.0/8 any"), "TRONG": made("TRONG"), "G": made("G", "permit ip addrgroup RONG any")}
    assert reach(lists, "A", None, False, SSH) == Reach(False, ("10.0.0.0/8",))
    assert reach(lists, "A", None, True, SSH) == Reach(True, ())
    assert reach(lists, "A", None, True, SSH, both=True) == Reach(False, ("10.0.0.0/8",))
    assert reach(lists, None, None, False, SSH) == Reach(True, ())
    assert reach(lists, "TRONG", None, False, SSH).anywhere is None
    assert reach(lists, "KHONG-CO", None, False, SSH).anywhere is None
    assert reach(lists, "G", None, False, SSH).anywhere is None


def test_a_rule_that_names_an_unknown_group_makes_no_narrow_rule() -> None:
    lists = {"G": made("G", "permit ip addrgroup RONG any"), "A": made("A", "10 permit ip any any log")}
    with pytest.raises(Unparsable, match="names a group"):
        rows(lists, {"G": [At("Vlan1", True, False)]})
    with pytest.raises(Unparsable, match="bound to Vlan1"):
        rows(lists, {"KHONG-CO": [At("Vlan1", True, False)]})
    (row,) = rows(lists, {"A": [At("Vlan1", True, False), At("Vlan2", False, True)]})
    assert (row.source_any, row.destination_any, row.service_any, row.logged) == (True, True, True, True)
    assert (row.source_zones, row.destination_zones) == (("Vlan1",), ("Vlan2",))


def test_a_list_that_only_a_description_names_is_unbound() -> None:
    tree = parse("interface Vlan1\n description A cua Vlan\n ip access-group B in\n")
    assert unbound(("A", "B"), tree.children) == ("A",)
