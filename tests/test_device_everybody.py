"""Everybody, however a list or an administrator cuts them up."""

from __future__ import annotations

import pytest

from collectors.devices.cisco_ios import network as ios
from collectors.devices.fortinet_fortios.access import hosts_of
from collectors.devices.syntax.cidr_acl import ANY, Words, covers, covers_all, sides
from collectors.devices.syntax.fortios import parse as fortios
from collectors.devices.syntax.vrp import parse
from collectors.devices.syntax.vrp_acl import rules, sources
from collectors.devices.vocabulary import every_address, everybody, network
from tests import test_device_ios
from tests.test_device_fortios import looked

QUARTERS = tuple(f"{first}.0.0.0/2" for first in (0, 64, 128, 192))
EIGHTHS = tuple(f"{first}.0.0.0/3" for first in range(0, 256, 32))


@pytest.mark.parametrize(
    ("nets", "wide", "whole"),
    [
        (QUARTERS, True, True),
        (EIGHTHS, True, True),
        (("0.0.0.0/2", "64.0.0.0/3", "96.0.0.0/3", "128.0.0.0/1"), True, True),
        (EIGHTHS[:-1], True, False),
        (("0.0.0.0/1",), True, False),
        (QUARTERS[:1], False, False),
        (("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"), False, False),
        (("2000::/4", "3000::/4"), True, False),
        (("::/1", "8000::/1"), True, True),
        (("2001:db8::/32", "fc00::/7"), False, False),
        (("0.0.0.0/2", "::/0"), True, True),
        ((), False, False),
    ],
)
def test_everybody_however_it_is_cut_up(nets: tuple[str, ...], wide: bool, whole: bool) -> None:
    assert everybody(map(network, nets)) is wide
    assert every_address(map(network, nets)) is whole
    assert covers(nets) is wide
    assert covers_all(nets) is whole


def test_lines_that_permit_count_together_and_those_that_refuse_do_not() -> None:
    quarters = [Words(True, (net,), ANY, True) for net in QUARTERS]
    narrow = Words(True, ANY, ("10.0.0.1/32",), True)
    assert sides([*quarters, narrow]) == [(True, True)] * 4 + [(True, False)]
    assert sides([*quarters[:1], narrow]) == [(False, True), (True, False)]
    assert sides([line._replace(permits=False) for line in quarters]) == [(False, True)] * 4
    assert sides([line._replace(every_service=False) for line in quarters]) == [(False, True)] * 4
    assert sides([Words(False, ("0.0.0.0/1",), ANY, True)]) == [(False, True)]
    assert sides([Words(True, None, ANY, True), *quarters[:3]])[0] == (True, True)


def test_four_lines_of_ios_that_permit_everybody_together() -> None:
    lines = "".join(f" permit ip {first}.0.0.0 63.255.255.255 any\n" for first in (0, 64, 128, 192))
    port = "interface GigabitEthernet0/1\n ip address 10.0.0.1 255.255.255.0\n ip access-group A in\n"
    fact = ios.filtering(test_device_ios.device(f"ip access-list extended A\n{lines}{port}"))
    assert [(row.source_any, row.destination_any, row.service_any) for row in fact.rules or ()] == [(True, True, True)] * 4


def test_rules_of_vrp_that_let_everybody_in_together() -> None:
    quarters = "".join(f" rule {at} permit source {first}.0.0.0 63.255.255.255\n" for at, first in enumerate((0, 64, 128, 192)))
    assert sources(rules(parse(f"#\nacl number 2000\n{quarters}#\n").children[0])) is None
    assert sources(rules(parse("#\nacl number 2000\n rule 5 permit source 0.0.0.0 63.255.255.255\n#\n").children[0])) == (
        "0.0.0.0/2",
    )


def test_trusted_hosts_that_are_everybody_together_are_none() -> None:
    def hosts(*said: str) -> tuple[str, ...]:
        lines = "".join(f"        set trusthost{at} {words}\n" for at, words in enumerate(said, 1))
        tree = fortios(f"config system admin\n    edit a\n{lines}    next\nend\n")
        return hosts_of(tree.children["system admin"].entries["a"])

    assert hosts("0.0.0.0 128.0.0.0", "128.0.0.0 128.0.0.0") == ()
    assert hosts(*(f"{first}.0.0.0 192.0.0.0" for first in (0, 64, 128, 192))) == ()
    assert hosts("10.0.0.0 255.0.0.0") == ("10.0.0.0/8",)


@pytest.mark.parametrize(
    ("side", "wide"),
    [
        ('set srcaddr "Q0" "Q1" "Q2" "Q3"', True),
        ('set srcaddr "NHOM"', True),
        ('set srcaddr "Q0"', False),
        ('set srcaddr "DAI"', True),
        ('set srcaddr "MOT"\n        set srcaddr-negate enable', True),
        ('set srcaddr "all"\n        set srcaddr-negate enable', False),
        ('set srcaddr "MOT"', False),
    ],
)
def test_names_of_fortios_are_everybody_together(side: str, wide: bool) -> None:
    quarters = "".join(
        f'    edit "Q{at}"\n        set subnet {first}.0.0.0 192.0.0.0\n    next\n' for at, first in enumerate((0, 64, 128, 192))
    )
    span = (
        '    edit "DAI"\n        set type iprange\n        set start-ip 1.0.0.0\n        set end-ip 223.255.255.255\n    next\n'
    )
    one = '    edit "MOT"\n        set subnet 10.9.9.9 255.255.255.255\n    next\n'
    group = 'config firewall addrgrp\n    edit "NHOM"\n        set member "Q0" "Q1" "Q2"\n    next\nend\n'
    policy = (
        f'config firewall policy\n    edit 900\n        {side}\n        set dstaddr "all"\n        set action accept\n'
        '        set service "ALL"\n    next\nend\n'
    )
    found = looked(f"config firewall address\n{quarters}{span}{one}end\n{group}{policy}").by_fact["filtering"]
    assert found.data is not None, found.reason
    assert [row["source_any"] for row in found.data["rules"] if row["name"] == "900"] == [wide]
