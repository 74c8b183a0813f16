"""Junos: no secret survives, what is no whole configuration is not believed, and filters say who really gets in."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.catalog import device_os
from collectors.devices.juniper_junos.accounts import _encrypted
from collectors.devices.juniper_junos.filtering import _hits
from collectors.devices.juniper_junos.network import _chassis, _cluster, _power
from collectors.devices.juniper_junos.objects import Addresses, Applications
from collectors.devices.juniper_junos.reach import Service, reach
from collectors.devices.juniper_junos.system import _follows, _saved, _status
from collectors.devices.juniper_junos.text import Version, _inherit, _ranges
from collectors.devices.redaction import clean
from collectors.devices.syntax.junos import parse
from collectors.errors import CollectError, Denied, Unparsable, Unsupported
from collectors.model import Platform

OS = device_os(Platform.JUNIPER_JUNOS)
WHOLE = (Path(__file__).parent / "devices" / "juniper_junos--switch-hardened" / "running.txt").read_text("utf-8")
SWITCH = Version("ex4300-48t", "21.4R3", "21.4")
ROUTER = Version("mx204", "21.4R3", "21.4")
FIREWALL = Version("srx345", "21.4R3", "21.4")
SSH = Service("ssh", "tcp", 22)

SECRET = st.text(string.ascii_letters + string.digits + "+/=_!@%^&.-", min_size=9, max_size=60).filter(
    lambda text: text[0].isalnum() and text[-1].isalnum() and not text.isdigit()
)
PLACES = (
    'encrypted-password "$6$saltsalt${}"; ## SECRET-DATA',
    'encrypted-password "{}"; ## SECRET-DATA',
    'secret "$9${}"; ## SECRET-DATA',
    'secret "$8$aes256-gcm$hmac-sha2-256$100${}"; ## SECRET-DATA',
    "secret {};",
    'inactive: secret "{}";',
    'authentication-key "$9${}"; ## SECRET-DATA',
    'authentication-key 1 type md5 value "$9${}"; ## SECRET-DATA',
    "authentication-key 1 type sha256 value {};",
    'hello-authentication-key "{}";',
    'simple-password "{}";',
    'md5 1 key "$9${}";',
    'md5 1 key "{}" start-time 2026-1-1.00:00:00;',
    'pre-shared-key ascii-text "$9${}"; ## SECRET-DATA',
    "pre-shared-key hexadecimal {};",
    'authentication-password "{}";',
    'privacy-key "$9${}";',
    'cak "$9${}"; ## SECRET-DATA',
    "cak {};",
    "community {} {{ authorization read-only; }}",
    'community "{} x" {{ authorization read-only; }}',
    "trap-group {} {{ version v2; }}",
    'community-name "$9${}";',
    '"scp://saoluu@10.0.0.1/x" password "$9${}"; ## SECRET-DATA',
    '"ftp://saoluu:{}@10.0.0.1/x";',
    'description "password {}";',
    'description "snmp community: {} (cũ)";',
    'message "Chào\\nMật khẩu: {}\\nhết";',
    'message "nói \\"password {}\\" thôi";',
    "/* mat khau {} */ host-name x;",
    "/* password\n {} */ host-name x;",
    'ssh-rsa "{}"; ## SECRET-DATA',
)


def placed(place: str, secret: str) -> str:
    said = place.replace("{{", "\0").replace("}}", "\1").replace("{}", secret).replace("\0", "{").replace("\1", "}")
    return f"system {{\n    a {{\n        {said}\n        after z;\n    }}\n}}\n"


@pytest.mark.parametrize("place", PLACES)
@settings(max_examples=30, deadline=None)
@given(secret=SECRET)
def test_a_secret_survives_nowhere(place: str, secret: str) -> None:
    redacted = clean(OS, placed(place, secret))
    assert secret not in redacted
    assert clean(OS, redacted) == redacted


@pytest.mark.parametrize("place", PLACES)
def test_redacting_leaves_a_configuration_that_reads_the_same(place: str) -> None:
    before = parse(placed(place, "Qz7Vx9Km2Wp5")).at("system", "a")
    after = parse(clean(OS, placed(place, "Qz7Vx9Km2Wp5"))).at("system", "a")
    assert before is not None
    assert after is not None
    same = [word for word in before.nodes if "Qz7Vx9Km2Wp5" not in word]
    assert [word for word in after.nodes if "redacted" not in word] == same
    assert after.nodes.keys() >= {"after"}


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("                     ^\nsyntax error, expecting <command>.\n", Unsupported),
        ("unknown command.\n", Unsupported),
        ("error: permission denied: configuration\n", Denied),
        (WHOLE[: len(WHOLE) // 2], Unparsable),
        (WHOLE.replace("    host-name EX-TANG2;", "    host-name EX-TANG3;"), Unparsable),
        (WHOLE.replace("version 21.4R3-S5.4;", ""), Unparsable),
        (WHOLE + "---(more 40%)---", Unparsable),
    ],
)
def test_what_is_no_configuration_is_not_believed(said: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        OS.reading("show configuration | no-more", said, "EX-TANG2")


def test_only_reading_commands_are_permitted() -> None:
    for command in (
        "configure",
        "edit",
        "request system reboot",
        "set cli screen-length 0",
        "start shell",
        "show x\nconfigure",
        "clear log x",
    ):
        assert not OS.permits(command)


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
        "term a { from { source-prefix-list { TU-DONG; } } then accept; }",
        "term a { from { prefix-list { NOC; } } then accept; }",
        "term a { from { address { 10.0.0.0/8; } } then accept; }",
        "term a { filter KHAC; }",
        "term a { from { protocol tcp; destination-port khong-biet; } then accept; }",
    ],
)
def test_a_filter_that_is_not_understood_is_not_seen(terms: str) -> None:
    lists = 'prefix-list TU-DONG { apply-path "interfaces <*> unit <*> family inet address <*>"; }'
    with pytest.raises(CollectError):
        reach(parse(router(terms, lists)), ROUTER, SSH)


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


# --- what state commands say ------------------------------------------------------------------------------------------


class Said:
    """A device that answers everything with the same text."""

    platform = "juniper_junos"
    prompt_name = "x"
    privileged = True
    legacy_crypto = None

    def __init__(self, text: str) -> None:
        self._text = text

    def ask(self, command: str, *, timeout: float = 0.0) -> str:
        return OS.reading(command, self._text, self.prompt_name)


ONE = "Power Power Supply 0                 OK\n"
TWO = ONE + "      Power Supply 1                 OK\n"


@pytest.mark.parametrize(
    ("text", "second"),
    [
        (TWO, True),
        (ONE, False),
        (ONE + "      Power Supply 1                 Absent\n", False),
        # one supply in each of two nodes, or members, is none too many
        (f"node0:\n{ONE}\nnode1:\n{ONE}", False),
        (f"node0:\n{TWO}\nnode1:\n{TWO}", True),
        ("Power FPC 0 Power Supply 0           OK\n      FPC 1 Power Supply 0           OK\n", False),
        ("Temp  PEM 0                          OK         35 degrees C / 95 degrees F\n      PEM 1                          Check\n", False),
        ("Temp  PEM 0                          OK         35 degrees C\n      PEM 1                          OK         35 degrees C\n", True),
    ],
)  # fmt: skip
def test_a_second_power_supply_works_in_each_chassis(text: str, second: bool) -> None:
    assert _power(Said(text)) is second


def test_a_table_without_power_supplies_says_nothing() -> None:
    with pytest.raises(Unparsable):
        _power(Said("Temp  CPU                            OK         41 degrees C\n"))


CLUSTER = """
Cluster ID: 1
Node   Priority Status               Preempt Manual   Monitor-failures

Redundancy group: 0 , Failover count: 1
node0  100      primary              no      no       None
node1  50       {0}            no      no       None

Redundancy group: 1 , Failover count: 1
node0  100      {2}              no      no       None
node1  50       {1}            no      no       {3}
"""


@pytest.mark.parametrize(
    ("said", "cluster", "up"),
    [
        (("secondary", "secondary", "primary", "None"), "active-standby", True),
        (("secondary", "primary", "secondary", "None"), "active-standby", True),
        (("lost", "lost", "primary", "n/a"), "active-standby", False),
        (("secondary", "secondary", "primary", "IF"), "active-standby", False),
        (("secondary", "secondary-hold", "primary", "None"), "active-standby", False),
    ],
)
def test_the_other_node_is_ready(said: tuple[str, ...], cluster: str, up: bool) -> None:
    assert _cluster(Said(CLUSTER.format(*said))) == (cluster, up)


def test_both_nodes_lead_a_group() -> None:
    more = "\nRedundancy group: 2 , Failover count: 1\nnode0  1  secondary  no  no  None\nnode1  2  primary  no  no  None\n"
    assert _cluster(Said(CLUSTER.format("secondary", "secondary", "primary", "None") + more)).cluster == "active-active"


def test_a_device_alone_has_no_partner() -> None:
    assert _cluster(Said("error: Chassis cluster is not enabled.\n")) == ("none", None)
    assert _chassis(Said("0 (FPC 0)  Prsnt    AA1 ex4300 128 Master* N VC\n")) == ("none", None)
    assert _chassis(Said("0 (FPC 0)  Prsnt    AA1 ex4300\n1 (FPC 1)  NotPrsnt AA2 ex4300\n")) == ("stack", False)
    with pytest.raises(Unparsable):
        _chassis(Said("Virtual Chassis ID: 1\n"))


def test_sessions_of_both_nodes_count_for_a_policy() -> None:
    rows = " Index   From zone        To zone           Name           Policy count  Action\n 1       a      b      p     {}     Permit\n"
    assert _hits(Said(f"node0:\n{rows.format(7)}\nnode1:\n{rows.format(0)}")) == {("a", "b", "p"): 7}
    with pytest.raises(Unparsable):
        _hits(Said("error: something else\n"))


@pytest.mark.parametrize(
    ("text", "follows"),
    [
        ("status=0615 leap_none, sync_ntp, 1 event, x,\nstratum=3, refid=10.0.0.5, offset=1.0,", True),
        ("status=0615 leap_none, sync_ntp, 1 event, x,\nstratum=16, refid=10.0.0.5, offset=1.0,", False),
        ("status=0544 leap_none, sync_local, 4 events,\nstratum=11, refid=LOCAL(0), offset=0.0,", False),
        ("status=0544 leap_none, sync_ntp, 4 events,\nstratum=11, refid=127.127.1.0, offset=0.0,", False),
        ("status=c011 leap_alarm, sync_unspec, 1 event,\nstratum=16, refid=INIT, offset=0.0,", False),
        ("ntpq: read: Connection refused\n", False),
    ],
)
def test_a_clock_follows_another_one(text: str, follows: bool) -> None:
    assert _follows(_status(Said(text))) is follows


def test_a_commit_that_waits_to_be_confirmed_is_not_saved() -> None:
    line = "0   2026-10-12 08:15:41 UTC by tqm via cli"
    assert _saved(Said(f"{line}\n1   2026-09-12 08:15:41 UTC by tqm via cli\n")) is True
    assert _saved(Said(f"{line} commit confirmed, rollback in 10mins\n")) is False
    with pytest.raises(Unparsable):
        _saved(Said("no commit information\n"))
