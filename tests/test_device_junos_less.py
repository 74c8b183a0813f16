"""Junos: lines that say less than they seem to."""

from __future__ import annotations

import pytest

from collectors.devices.juniper_junos.access import _ways
from collectors.devices.juniper_junos.filtering import _checked, _recorded
from collectors.devices.juniper_junos.network import _services
from collectors.devices.juniper_junos.reach import units
from collectors.devices.juniper_junos.snmp import _communities
from collectors.devices.juniper_junos.text import Version
from collectors.devices.syntax.junos import parse
from collectors.facts.base import Gaps

ROUTER = Version("mx204", "21.4R3", "21.4")
LAN = "interfaces { ge-0/0/0 { unit 0 { family inet { address 10.1.1.1/24; } } } } "


@pytest.mark.parametrize(
    ("service", "name", "anywhere"),
    [
        ("web-management { http { interface all; } }", "http", True),
        ("web-management { http { interface ge-0/0/0; } }", "http", True),
        ("web-management { http { interface ge-0/0/0.0; } }", "http", True),
        ("rest { http; control { allowed-sources 0.0.0.0/0; } }", "rest http", True),
        ("rest { http; control { allowed-sources [ 0.0.0.0/1 128.0.0.0/1 ]; } }", "rest http", True),
        ("rest { http; control { allowed-sources 10.1.1.9; } }", "rest http", False),
    ],
)
def test_a_page_answers_where_its_limits_let_it(service: str, name: str, anywhere: bool) -> None:
    root = parse(f"{LAN} system {{ services {{ {service} }} }}")
    assert {way.name: way.anywhere for way in _ways(root, ROUTER, Gaps())}[name] is anywhere


def test_a_page_on_another_interface_does_not_answer_here() -> None:
    root = parse(f"{LAN} system {{ services {{ web-management {{ http {{ interface ge-0/0/7; }} }} }} }}")
    assert "http" not in {way.name for way in _ways(root, ROUTER, Gaps())}


@pytest.mark.parametrize(("check", "checked"), [("rpf-check;", True), ("rpf-check { mode loose; }", False), ("", False)])
def test_a_loose_look_at_the_way_back_lets_the_whole_internet_pass(check: str, checked: bool) -> None:
    root = parse(f"interfaces {{ ge-0/0/0 {{ unit 0 {{ family inet {{ {check} address 10.1.1.1/24; }} }} }} }}")
    assert _checked(list(units(root))) is checked


@pytest.mark.parametrize(
    ("said", "recorded"),
    [
        ("security { log { stream S { host { 10.0.0.5; } } } }", True),
        ("security { log { mode event; stream S { host { 10.0.0.5; } } } }", False),
        ("security { log { mode stream; stream S { host { 10.0.0.5; } } } }", True),
        ("security { log { mode stream; } } system { syslog { file a { any any; } } }", False),
        ("security { log { mode event; } } system { syslog { file a { any any; } } }", True),
    ],
)
def test_sessions_are_recorded_by_the_way_that_is_set(said: str, recorded: bool) -> None:
    assert _recorded(parse(said)) is recorded


@pytest.mark.parametrize(
    ("system", "family", "on"),
    [
        ("no-redirects;", "", False),
        ("no-redirects;", "family inet6 { address 2001:db8::1/64; }", True),
        ("no-redirects; no-redirects-ipv6;", "family inet6 { address 2001:db8::1/64; }", False),
        ("no-redirects-ipv6;", "", True),
    ],
)
def test_redirects_of_ipv6_have_a_statement_of_their_own(system: str, family: str, on: bool) -> None:
    root = parse(
        f"system {{ {system} }} interfaces {{ ge-0/0/0 {{ unit 0 {{ family inet {{ address 10.1.1.1/24; }} {family} }} }} }}"
    )
    assert {row.name: row.on for row in _services(root)}["redirects"] is on


@pytest.mark.parametrize(
    ("mask", "anywhere"), [("", False), ("address-mask 255.255.255.0;", False), ("address-mask 0.0.0.0;", True)]
)
def test_a_tag_that_leaves_nobody_out_limits_nothing(mask: str, anywhere: bool) -> None:
    part = parse(
        "v3 { snmp-community 1 { community-name CongDongDai01; security-name s; tag t; } "
        f"target-address n {{ address 10.0.0.5; {mask} tag-list t; }} }}"
    )
    assert [row.anywhere for row in _communities((part,), True, Gaps())] == [anywhere]
