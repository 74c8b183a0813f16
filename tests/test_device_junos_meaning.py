"""Junos: filters and zones say who gets in, names say what they mean, groups and ranges reach where they apply."""

from __future__ import annotations

import pytest

from collectors.devices.juniper_junos.access import _idle
from collectors.devices.juniper_junos.accounts import _encrypted
from collectors.devices.juniper_junos.filtering import _default, _last_logged
from collectors.devices.juniper_junos.objects import Addresses, Applications
from collectors.devices.juniper_junos.reach import Service, reach, zoned
from collectors.devices.juniper_junos.text import Version, _inherit, _ranges
from collectors.devices.syntax.junos import parse
from collectors.errors import CollectError, Denied, Unparsable, Unsupported
from collectors.facts.base import Gaps

SWITCH = Version("ex4300-48t", "21.4R3", "21.4")
ROUTER = Version("mx204", "21.4R3", "21.4")
FIREWALL = Version("srx345", "21.4R3", "21.4")
SSH = Service("ssh", "tcp", 22)


# --- who gets in ------------------------------------------------------------------------------------------------------


def router(terms: str, lists: str = "", more: str = "") -> str:
    return f"""
        interfaces {{
            ge-0/0/0 {{ unit 0 {{ family inet {{ address 10.1.1.1/24; }} }} }}
            lo0 {{ unit 0 {{ family inet {{ filter {{ input F; }} }} }} }}
            {more}
        }}
        policy-options {{ {lists} prefix-list NOC {{ 10.9.0.0/24; }} }}
        firewall {{ family inet {{ filter F {{ {terms} }} }} }}
    """


NOC = "term noc { from { source-prefix-list { NOC; } protocol tcp; destination-port ssh; } then accept; }"
REST = "term z { then accept; }"


@pytest.mark.parametrize(
    ("terms", "anywhere", "sources"),
    [
        (NOC, False, ("10.9.0.0/24",)),
        (NOC + REST, True, ()),
        (NOC + "term b { from { protocol tcp; destination-port 1-1024; } then { discard; } }" + REST, False, ("10.9.0.0/24",)),
        # refused only for some senders, some destinations, or some ports: the rest still comes in
        (NOC + "term b { from { source-address { 10.0.0.0/8; } protocol tcp; destination-port 22; } then discard; }" + REST, True, ()),
        (NOC + "term b { from { destination-address { 10.1.1.1/32; } protocol tcp; destination-port 22; } then discard; }" + REST, True, ()),
        (NOC + "term b { from { protocol tcp; destination-port telnet; } then discard; }" + REST, True, ()),
        (NOC + "term b { from { protocol udp; } then discard; }" + REST, True, ()),
        (NOC + "term b { from { ttl 5; } then discard; }" + REST, True, ()),
        # a policer, a counter or nothing at all accepts
        ("term a { from { protocol tcp; } then { policer P; } }", True, ()),
        ("term a { then { count C; log; } }", True, ()),
        ("term a { from { protocol tcp; } then { policer P; next term; } }" + NOC, False, ("10.9.0.0/24",)),
        # answers to sessions of its own
        ("term a { from { protocol tcp; tcp-established; } then accept; }" + NOC, False, ("10.9.0.0/24",)),
        ('term a { from { protocol tcp; tcp-flags "(ack | rst)"; } then accept; }' + NOC, False, ("10.9.0.0/24",)),
        # what a first packet bears too
        ('term a { from { protocol tcp; tcp-flags "!ack"; } then accept; }' + NOC, True, ()),
        ('term a { from { protocol tcp; tcp-flags 0x2; } then accept; }' + NOC, True, ()),
        ("term a { from { protocol tcp; tcp-initial; } then accept; }", True, ()),
        # whoever sends chooses the source port
        ("term a { from { protocol tcp; port bgp; } then accept; }", True, ()),
        ("term a { from { protocol tcp; source-port 179; } then accept; }", True, ()),
        # everything but a few networks, two halves, nothing but exceptions
        ("term a { from { source-address { 0.0.0.0/1; 128.0.0.0/1; } } then accept; }", True, ()),
        ("term a { from { source-address { 0.0.0.0/0; 10.0.0.0/8 except; } } then accept; }", True, ()),
        ("term a { from { source-address { 10.0.0.0/8 except; } } then accept; }", True, ()),
        ("term a { from { source-address { 0.0.0.0/0; 10.9.0.0/24 except; } } then reject; }" + REST, False, ("10.9.0.0/24",)),
        ("term a { from { source-address { 0.0.0.0/0 except; 10.9.0.0/24; } } then accept; }", False, ("10.9.0.0/24",)),
        ("term a { from { protocol-except tcp; } then accept; }", False, ()),
        ("term a { from { destination-port-except 22; } then accept; }", False, ()),
        ("inactive: " + NOC + REST, True, ()),
        ("term a { inactive: from { source-prefix-list { NOC; } } then accept; }", True, ()),
        ("", False, ()),
    ],
)  # fmt: skip
def test_a_filter_says_who_gets_in(terms: str, anywhere: bool, sources: tuple[str, ...]) -> None:
    found = reach(parse(router(terms)), ROUTER, SSH)
    assert (found.anywhere, found.sources) == (anywhere, sources)


@pytest.mark.parametrize(
    "terms",
    [
        "term a { from { source-prefix-list { KHONG-CO; } } then accept; }",
        "term a { from { prefix-list { NOC; } } then accept; }",
        "term a { from { address { 10.0.0.0/8; } } then accept; }",
        "term a { filter KHAC; }",
        "term a { from { protocol tcp; destination-port khong-biet; } then accept; }",
    ],
)
def test_a_filter_that_is_not_understood_is_not_seen(terms: str) -> None:
    with pytest.raises(CollectError):
        reach(parse(router(terms)), ROUTER, SSH)


@pytest.mark.parametrize(
    ("path", "sources"),
    [
        ("interfaces <*> unit <*> family inet address <*>", ("10.1.1.0/24",)),
        ("interfaces <ge-*> unit 0 family inet address <*>", ("10.1.1.0/24",)),
        ("snmp client-list <*> <*>", ("10.8.0.0/24",)),
        ("snmp client-list <*> <10.9*>", None),
        ("system ntp server <*>", None),
    ],
)
def test_a_list_made_of_other_statements_is_followed(path: str, sources: tuple[str, ...] | None) -> None:
    """One that turns out empty is not taken for a list that lets in nobody."""
    term = "term a { from { source-prefix-list { TU-DONG; } } then accept; }"
    text = router(term, f'prefix-list TU-DONG {{ apply-path "{path}"; }}') + "snmp { client-list A { 10.8.0.0/24; may-chu; } }"
    found = reach(parse(text), ROUTER, SSH)
    assert (found.anywhere, found.sources) == ((False, sources) if sources else (True, ()))


@pytest.mark.parametrize(
    ("more", "anywhere"),
    [
        ("ge-0/0/1 { unit 0 { family inet6 { address 2001:db8::1/64; } } }", True),
        ("ge-0/0/1 { unit 0 { family inet6; } }", False),
        ("ge-0/0/1 { disable; unit 0 { family inet6 { address 2001:db8::1/64; } } }", False),
        ("inactive: ge-0/0/1 { unit 0 { family inet6 { address 2001:db8::1/64; } } }", False),
    ],
)
def test_ipv6_needs_a_filter_of_its_own(more: str, anywhere: bool) -> None:
    assert reach(parse(router(NOC, more=more)), ROUTER, SSH).anywhere is anywhere


def test_a_loopback_of_an_instance_takes_the_place_of_the_devices() -> None:
    more = "ge-0/0/1 { unit 0 { family inet { address 10.2.2.1/24; } } }"
    text = router(NOC, more=more) + "routing-instances { V { interface ge-0/0/1.0; %s } }"
    assert reach(parse(text % ""), ROUTER, SSH).anywhere is False
    bare = text.replace("lo0 {", "lo0 { unit 7 { family inet { address 10.7.7.7/32; } }")
    assert reach(parse(bare % "interface lo0.7;"), ROUTER, SSH).anywhere is True


def test_a_management_port_of_a_switch_is_not_taken_for_filtered() -> None:
    text = router(NOC, more="me0 { unit 0 { family inet { address 10.3.3.3/24; %s } } }")
    with pytest.raises(Unsupported):
        reach(parse(text % ""), SWITCH, SSH)
    assert reach(parse(text % "filter { input F; }"), SWITCH, SSH).anywhere is False


def test_a_device_without_an_address_is_not_taken_for_closed() -> None:
    with pytest.raises(Unsupported):
        reach(parse("interfaces { ge-0/0/0 { unit 0 { family ethernet-switching; } } }"), SWITCH, SSH)


@pytest.mark.parametrize(
    ("zone", "member", "opened"),
    [
        ("system-services { ssh; }", "", True),
        ("system-services { all; }", "", True),
        ("system-services { any-service; }", "", True),
        ("system-services { all; ssh { except; } }", "", False),
        ("system-services { ping; }", "", False),
        ("", "", False),
        # what stands at the interface takes the place of what stands at the zone
        ("system-services { ssh; }", "host-inbound-traffic { system-services { ping; } }", False),
        ("system-services { ping; }", "host-inbound-traffic { system-services { ssh; } }", True),
        ("inactive: system-services { ssh; }", "", False),
    ],
)
def test_a_zone_says_what_it_lets_in(zone: str, member: str, opened: bool) -> None:
    text = f"""
        security {{ zones {{ security-zone A {{ host-inbound-traffic {{ {zone} }} interfaces {{ ge-0/0/0.0 {{ {member} }} }} }} }} }}
        interfaces {{ ge-0/0/0 {{ unit 0 {{ family inet {{ address 10.1.1.1/24; }} }} }} }}
    """
    tree = parse(text.replace("{  }", "{ x; }"))
    assert bool(reach(tree, FIREWALL, SSH).units) is opened
    assert reach(tree, ROUTER, SSH).anywhere is True


# --- what names mean --------------------------------------------------------------------------------------------------

BOOK = parse("""
    security {
        address-book {
            global {
                address A 0.0.0.0/0; address B 0.0.0.0/1; address C 128.0.0.0/1; address D 10.0.0.0/8; address E 2000::/3;
                address F { range-address 0.0.0.1 { to { 255.255.255.254; } } }
                address G { wildcard-address 0.0.0.0/0.0.0.0; }
                address H { dns-name www.example.vn; }
                address-set HAI { address B; address C; }
                address-set LONG { address-set HAI; }
                address-set RONG { description x; }
                address-set VONG { address-set VONG; }
            }
            RIENG { address D 0.0.0.0/0; attach { zone Z; } }
        }
    }
    applications {
        application MOI { protocol tcp; destination-port 0-65535; }
        application MOT { protocol tcp; destination-port 1-65535; }
        application KHONG-CONG { protocol udp; }
        application IP { protocol 0; }
        application HEP { protocol tcp; destination-port 443; }
        application TERM { term a protocol tcp destination-port 22-22; term b protocol udp; }
        application junos-ssh { inactivity-timeout 60; }
        application-set BO { application HEP; application-set BO2; }
        application-set BO2 { application MOI; }
    }
""")


@pytest.mark.parametrize(
    ("names", "zones", "excluded", "wide"),
    [
        (["any"], [], False, True),
        (["any-ipv6"], [], False, True),
        (["any"], [], True, False),
        (["A"], [], False, True),
        (["B", "C"], [], False, True),
        (["HAI"], [], False, True),
        (["LONG"], [], False, True),
        (["F"], [], False, True),
        (["G"], [], False, True),
        (["E"], [], False, True),
        (["D"], [], False, False),
        (["D"], ["Z"], False, True),
        (["D"], [], True, True),
        (["H"], [], False, False),
        (["RONG"], [], False, False),
    ],
)
def test_an_address_is_everybody_whatever_its_name(names: list[str], zones: list[str], excluded: bool, wide: bool) -> None:
    assert Addresses(BOOK).wide(names, zones, excluded) is wide


@pytest.mark.parametrize("name", ["KHONG-CO", "VONG"])
def test_an_address_nobody_defines_is_not_narrow(name: str) -> None:
    with pytest.raises(Unparsable):
        Addresses(BOOK).wide([name], [], False)


@pytest.mark.parametrize(
    ("name", "wide"),
    [("any", True), ("junos-tcp-any", True), ("MOI", True), ("MOT", True), ("KHONG-CONG", True), ("IP", True), ("TERM", True), ("BO", True),
     ("HEP", False), ("junos-https", False), ("junos-ssh", False)],
)  # fmt: skip
def test_an_application_is_everything_whatever_its_name(name: str, wide: bool) -> None:
    assert Applications(BOOK, BOOK).wide([name]) is wide


def test_an_application_nobody_defines_is_not_narrow() -> None:
    with pytest.raises(Unparsable):
        Applications(BOOK, BOOK).wide(["KHONG-CO"])


# --- groups, ranges, keys ---------------------------------------------------------------------------------------------


def test_groups_apply_where_they_are_named_and_not_where_they_are_refused() -> None:
    tree = parse("""
        groups {
            G { system { services { ssh { root-login allow; } telnet; } login { class C { idle-timeout 5; } } } interfaces { <ge-*> { mtu 9000; } } }
            T { system { services { ftp; } } }
        }
        apply-groups G;
        system { services { apply-groups T; ssh { root-login deny; } } login { apply-groups-except G; user a; } }
        interfaces { ge-0/0/0 { unit 0; } xe-0/0/0 { unit 0; } }
    """)
    _inherit(tree)
    assert tree.word("system", "services", "ssh", "root-login") == "deny"
    assert tree.has("system", "services", "telnet")
    assert tree.has("system", "services", "ftp")
    assert tree.at("system", "login", "class") is None
    assert tree.word("interfaces", "ge-0/0/0", "mtu") == "9000"
    assert tree.at("interfaces", "xe-0/0/0", "mtu") is None


def test_a_group_that_is_not_shown_leaves_nothing_believed() -> None:
    with pytest.raises(Unsupported):
        _inherit(parse('apply-groups "${node}"; groups { node0 { system { host-name a; } } }'))


def test_ranges_of_interfaces_reach_each_member_and_patterns_are_not_guessed() -> None:
    tree = parse(
        "interfaces { interface-range R { member ge-0/0/9; member-range ge-0/0/1 to ge-0/0/2; disable; } ge-0/0/2 { mtu 1; } }"
    )
    _ranges(tree, resolved=False)
    assert all(tree.has("interfaces", f"ge-0/0/{at}", "disable") for at in (1, 2, 9))
    pattern = 'interfaces { interface-range R { member "ge-*/0/1"; disable; } }'
    with pytest.raises(Unparsable):
        _ranges(parse(pattern), resolved=False)
    _ranges(parse(pattern), resolved=True)


@pytest.mark.parametrize(
    ("text", "encrypted"),
    [
        ('system { tacplus-server { 10.0.0.1 { secret "$9$abcdefgh"; } } }', True),
        ('system { tacplus-server { 10.0.0.1 secret "$8$aes256-gcm$x"; } }', True),
        ("system { tacplus-server { 10.0.0.1 { secret ro-rang; } } }", False),
        ('security { ike { policy P { pre-shared-key ascii-text "ro rang"; } } }', False),
        ('system { archival { configuration { archive-sites { "ftp://a:b@10.0.0.1/"; } } } }', False),
        ("system { login { password { minimum-length 8; } class C { permissions [ view secret ]; } } }", True),
        ("system { authentication-order [ tacplus password ]; }", True),
    ],
)
def test_a_key_that_stands_there_readable_is_seen(text: str, encrypted: bool) -> None:
    assert _encrypted(parse(text)) is encrypted


def test_hidden_keys_say_nothing_of_how_they_stand_there() -> None:
    with pytest.raises(Denied):
        _encrypted(parse("system { tacplus-server { 10.0.0.1 { secret /* SECRET-DATA */; } } }"))


def test_zones_of_two_logical_systems_are_two_though_they_share_a_name() -> None:
    zone = "security { zones { security-zone A { %s interfaces { ge-0/0/%d.0; } } } }"
    port = "interfaces { ge-0/0/%d { unit 0 { family inet { address 10.1.%d.1/24; } } } }"
    opened = "host-inbound-traffic { system-services { ssh; } }"
    text = zone % ("", 0) + port % (0, 0) + "logical-systems { L { " + zone % (opened, 1) + port % (1, 1) + " } }"
    assert [unit.name for unit in reach(parse(text), FIREWALL, SSH).units] == ["ge-0/0/1.0"]
    other = zone % (opened, 0) + port % (0, 0) + "logical-systems { L { " + zone % ("", 1) + port % (1, 1) + " } }"
    assert [unit.name for unit in reach(parse(other), FIREWALL, SSH).units] == ["ge-0/0/0.0"]


def test_packets_that_pass_outside_flows_meet_no_zone() -> None:
    mode = "security { forwarding-options { family { %s { mode packet-based; } } } }"
    assert zoned(parse("security { policies; }"), FIREWALL)
    assert not zoned(parse(mode % "mpls"), FIREWALL)
    with pytest.raises(Unsupported):
        zoned(parse(mode % "inet6"), FIREWALL)
    with pytest.raises(Unsupported):
        _default(parse("firewall { family { inet { filter F { term t { then { packet-mode; accept; } } } } } }"))


def test_the_worst_scope_says_what_happens_by_default() -> None:
    assert _default(parse("security { policies { from-zone a; } }")) == "deny"
    assert (
        _default(
            parse(
                "security { policies { default-policy deny-all; } } tenants { T { security { policies { default-policy { permit-all; } } } } }"
            )
        )
        == "permit"
    )


REFUSING = "policy Z { match { source-address any; destination-address any; application any; %s } then { %s } }"


@pytest.mark.parametrize(
    ("policy", "logged"),
    [
        (REFUSING % ("", "deny; log { session-init; }"), True),
        (REFUSING % ("", "reject; log session-init;"), True),
        (REFUSING % ("", "deny; log { session-close; }"), False),
        (REFUSING % ("", "deny;"), False),
        (REFUSING % ("", "permit; log { session-init; }"), False),
        (REFUSING % ("from-zone a;", "deny; log { session-init; }"), False),
        ("inactive: " + REFUSING % ("", "deny; log { session-init; }"), False),
    ],
)
def test_what_no_policy_names_is_written_down(policy: str, logged: bool) -> None:
    stream = "log { stream S { host 10.0.0.1; } }"
    text = "security { %s policies { from-zone a { to-zone b { policy p; } } global { %s } } }"
    assert _last_logged(parse(text % (stream, policy))) is logged
    assert _last_logged(parse(text % ("", policy))) is False


@pytest.mark.parametrize(
    ("login", "root_too", "seconds"),
    [
        ("class C { idle-timeout 5; } user a { class C; }", False, 300),
        ("class C { idle-timeout 5; } user a { class C; } user b { class super-user; }", False, "unlimited"),
        ("class C { idle-timeout 0; } user a { class C; }", False, "unlimited"),
        ("class C; user a { class C; }", False, "unlimited"),
        ("class C { inactive: idle-timeout 5; } user a { class C; }", False, "unlimited"),
        ("class C { idle-timeout 5; } class D { idle-timeout 20; } user a { class C; } user b { class D; }", False, 1200),
        ("class C { idle-timeout 5; } user a { class C; }", True, "unlimited"),
        ("class C { idle-timeout 5; } user a { class C; }", None, None),
        ("class C { idle-timeout 5; }", False, None),
    ],
)
def test_the_longest_silence_of_any_account_counts(login: str, root_too: bool | None, seconds: object) -> None:
    assert _idle(parse(f"system {{ login {{ {login} }} }}"), Gaps(), root_too) == seconds
