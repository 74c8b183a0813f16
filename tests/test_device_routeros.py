"""RouterOS: who gets through an input chain, and names that stand for everybody."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from collectors.catalog import device_os
from collectors.devices.mikrotik_routeros.access import judged
from collectors.devices.mikrotik_routeros.addresses import any_address, interfaces_of, outside_name, speaks_v6
from collectors.devices.mikrotik_routeros.chains import Chains, Probe
from collectors.devices.mikrotik_routeros.filtering import _default, _last, _rules
from collectors.devices.mikrotik_routeros.ports import _bpdu_guard, _snooping, _unguarded, bridges, members
from collectors.devices.mikrotik_routeros.records import LOGGED_ON, REFUSED, _least
from collectors.devices.mikrotik_routeros.records import _rules as _rules_of_logging
from collectors.devices.mikrotik_routeros.text import Config, Release, seconds
from collectors.devices.syntax.routeros import parse
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.interfaces import Port
from collectors.model import Platform, Snapshot, Target
from collectors.run import collect
from collectors.transports.replay import ReplayDevice

OS = device_os(Platform.MIKROTIK_ROUTEROS)
SSH = Probe("ip", "tcp", 22)
LISTS = """\
/interface list
set [ find name=all ] exclude="" include="" name=all
add exclude="" include="" name=WAN
add exclude="" include="" name=LAN
add exclude=WAN include=LAN name=MGMT
/interface list member
add disabled=no interface=ether1 list=WAN
add disabled=no interface=bridge list=LAN
add disabled=yes interface=ether9 list=LAN
/ip firewall address-list
add address=10.1.0.0/24 disabled=no list=ADMIN
add address=10.2.0.0/24 disabled=yes list=ADMIN
add address=0.0.0.0/1 disabled=no list=HALVES
add address=128.0.0.0-255.255.255.255 disabled=no list=HALVES
add address=1.2.3.4 disabled=no list=KNOCK
"""


def config(rules: str, more: str = "", version: str = "7.16.1") -> Config:
    number = tuple(int(part) for part in version.split("."))
    return Config(parse(f"{LISTS}{more}\n/ip firewall filter\n{rules}\n"), Release(version, number, {}))


def anywhere(rules: str, more: str = "", probe: Probe = SSH) -> bool | None:
    return judged(list(Chains(config(rules, more), "ip").admitted(probe))).anywhere


DROP = "add action=drop chain=input"


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("", True),
        (DROP, False),
        (f"{DROP} disabled=yes", True),
        (f"# no interface\n{DROP}", True),
        (f"{DROP} protocol=udp", True),
        (f"{DROP} protocol=tcp", False),
        (f"{DROP} protocol=6 dst-port=20-25,80", False),
        (f"{DROP} protocol=tcp dst-port=!22", True),
        (f"{DROP} protocol=!udp", False),
        (f"{DROP} limit=5,5:packet", True),
        (f"{DROP} src-address=10.0.0.0/8", True),
        (f"{DROP} src-address=!10.0.0.0/8", False),
        (f"{DROP} src-address=!0.0.0.0/0", True),
        (f"{DROP} src-address-list=!ADMIN", False),
        (f"{DROP} src-address-list=!HALVES", True),
        (f"{DROP} src-address-list=!ADMIN limit=1,1:packet", True),
        (f"{DROP} src-address-list=!NOWHERE", None),
        (f"{DROP} src-address=!10.0.0.0/8 in-interface=ether1", True),
        (f"{DROP} in-interface=ether1", True),
        (f"{DROP} in-interface-list=!LAN", None),
        (f"{DROP} in-interface-list=all", False),
        (f"{DROP} in-interface=all-ethernet", True),
        (f"{DROP} in-interface-list=!all", True),
        (f"{DROP} connection-state=invalid", True),
        (f"{DROP} connection-state=new", False),
        (f"{DROP} connection-state=!established,related", False),
        (f"{DROP} dst-address-type=local", True),
        (f"{DROP} something-new=yes", True),
        ("add action=reject chain=input reject-with=icmp-admin-prohibited", False),
        ("add action=drop chain=forward", True),
        (f"add action=accept chain=input\n{DROP}", True),
        (f"add action=accept chain=input connection-state=established,related,untracked\n{DROP}", False),
        (f"add action=accept chain=input src-address=10.0.0.1\n{DROP}", False),
        (f"add action=accept chain=input src-address=!10.0.0.1\n{DROP}", True),
        (f"add action=accept chain=input src-address-list=ADMIN\n{DROP}", False),
        (f"add action=accept chain=input src-address-list=HALVES\n{DROP}", True),
        (f"add action=accept chain=input src-address=0.0.0.0/0 protocol=tcp dst-port=22\n{DROP}", True),
        (f"add action=accept chain=input protocol=tcp dst-port=22 limit=5,5:packet\n{DROP}", True),
        (f"add action=accept chain=input protocol=tcp src-port=1024-65535\n{DROP}", True),
        (f"add action=accept chain=input protocol=tcp port=22\n{DROP}", True),
        (f"add action=accept chain=input in-interface=bridge\n{DROP}", None),
        (f"add action=accept chain=input in-interface=bridge src-address-list=ADMIN\n{DROP}", False),
        (f"add action=accept chain=input src-mac-address=00:11:22:33:44:55\n{DROP}", None),
        (f"add action=accept chain=input ipsec-policy=in,ipsec\n{DROP}", False),
        (f"add action=accept chain=input dst-address=127.0.0.1\n{DROP}", False),
        (f"add action=accept chain=input dst-address=10.0.0.1\n{DROP}", True),
        (f"add action=accept chain=input something-new=yes\n{DROP}", None),
        (f"add action=accept chain=input src-address-list=NOWHERE\n{DROP}", None),
        # what a rule or the raw table fills is nobody's fixed list
        (f"add action=add-src-to-address-list address-list=KNOCK chain=input\nadd action=accept chain=input src-address-list=KNOCK\n{DROP}", None),
        # jumps
        (f"add action=jump chain=input jump-target=x\n{DROP}\nadd action=accept chain=x src-address=10.0.0.1", False),
        (f"add action=jump chain=input jump-target=x\n{DROP}\nadd action=accept chain=x", True),
        ("add action=jump chain=input jump-target=x\nadd action=drop chain=x", False),
        ("add action=jump chain=input jump-target=x disabled=yes\nadd action=drop chain=x", True),
        ("add action=jump chain=input jump-target=x src-address=10.0.0.0/8\nadd action=drop chain=x", True),
        ("add action=jump chain=input jump-target=x\nadd action=return chain=x src-address=10.0.0.1\nadd action=drop chain=x", False),
        ("add action=jump chain=input jump-target=x\nadd action=return chain=x\nadd action=drop chain=x", True),
        (f"add action=jump chain=input jump-target=nowhere\n{DROP}", False),
    ],
)  # fmt: skip
def test_who_may_try_ssh(rules: str, expected: bool | None) -> None:
    assert anywhere(rules) is expected


ACCEPT_UNTRACKED = f"add action=accept chain=input connection-state=established,untracked\n{DROP}"


@pytest.mark.parametrize(
    ("more", "rules", "expected"),
    [
        ("/ip firewall raw\nadd action=notrack chain=prerouting", ACCEPT_UNTRACKED, True),
        ("/ip firewall raw\nadd action=notrack chain=prerouting disabled=yes", ACCEPT_UNTRACKED, False),
        ("/ip firewall connection tracking\nset enabled=no", ACCEPT_UNTRACKED, True),
        ("/ip firewall connection tracking\nset enabled=no", f"{DROP} connection-state=new", True),
        ("/ip ipsec identity\nadd disabled=no peer=p", f"add action=accept chain=input ipsec-policy=in,ipsec\n{DROP}", None),
        ("#error exporting /ip/firewall/mangle (timeout)", f"add action=accept chain=input src-address-list=ADMIN\n{DROP}", None),
        (
            "/ppp profile\nset *0 address-list=ADMIN name=default",
            f"add action=accept chain=input src-address-list=ADMIN\n{DROP}",
            None,
        ),
    ],
)
def test_what_other_menus_make_of_the_same_rules(more: str, rules: str, expected: bool | None) -> None:
    assert anywhere(rules, more) is expected


def test_jumps_in_a_circle_and_unknown_actions_are_told() -> None:
    with pytest.raises(Unparsable, match="circle"):
        anywhere(
            "add action=jump chain=input jump-target=a\nadd action=jump chain=a jump-target=b\nadd action=jump chain=b jump-target=a"
        )
    with pytest.raises(Unparsable, match="unknown action"):
        anywhere("add action=teleport chain=input")
    with pytest.raises(Unparsable, match="interface list"):
        anywhere(f"{DROP} in-interface-list=!NOWHERE", probe=Probe("ip", "tcp", 22, "ether1"))


def test_one_interface_among_all_of_a_kind_is_not_told() -> None:
    found = Chains(config(f"add action=accept chain=input in-interface=all-ppp\n{DROP}"), "ip").admitted(
        SSH._replace(interface="ppp1")
    )
    assert [who.vague for who in found] == [True]


@pytest.mark.parametrize(("interface", "expected"), [("ether1", False), ("bridge", True), ("ether9", False)])
def test_from_one_interface(interface: str, expected: bool) -> None:
    found = Chains(config(f"{DROP} in-interface-list=!LAN"), "ip").admitted(Probe("ip", "tcp", 22, interface))
    assert bool(found) is expected


def test_addresses_that_come_to_everybody() -> None:
    assert any_address(["0.0.0.0/0"])
    assert any_address(["::/0"])
    assert any_address(["0.0.0.0/1", "10.0.0.1", "128.0.0.0/1"])
    assert any_address(["0.0.0.0-255.255.255.255"])
    assert any_address(["0.0.0.1-255.255.255.255"])
    assert any_address(["64.0.0.0/2", "128.0.0.0/1"])
    assert any_address(["2000::/3"])
    assert any_address(["128.0.0.0/1"])  # its sister stands in some other line
    assert any_address(["0.0.0.0/2", "64.0.0.0/3", "96.0.0.0/3"])
    assert not any_address(["0.0.0.0/2", "2001:db8::/32", "vnpt.example"])
    assert not any_address([])


def test_lists_within_lists() -> None:
    conf = config("")
    assert interfaces_of(conf, "LAN") == {"bridge"}
    assert interfaces_of(conf, "MGMT") == {"bridge"}
    assert interfaces_of(conf, "all") is None
    assert interfaces_of(conf, "none") == frozenset()


@pytest.mark.parametrize(
    "more",
    [
        "/interface detect-internet\nset detect-interface-list=all lan-interface-list=LAN wan-interface-list=none internet-interface-list=none",
        "/ppp profile\nset *0 interface-list=LAN name=default",
    ],
)
def test_a_list_the_router_fills_by_itself_is_not_told(more: str) -> None:
    assert interfaces_of(config("", more), "LAN") is None
    assert interfaces_of(
        config("", more.replace("=all", "=none").replace("interface-list=LAN", "interface-list=none")), "LAN"
    ) == {"bridge"}


def test_what_the_switch_chip_routes_meets_no_filter() -> None:
    assert _last(config(FORWARD, "/interface ethernet switch\nset 0 l3-hw-offloading=no name=switch1"), "ip") == ("deny", False)
    with pytest.raises(Unsupported, match="switch chip"):
        _last(config(FORWARD, "/interface ethernet switch\nset 0 l3-hw-offloading=yes name=switch1"), "ip")


def test_a_bridge_whose_ports_are_all_trusted_watches_nobody() -> None:
    bridge = (
        "/interface bridge\nadd dhcp-snooping=yes name=b\n/interface bridge port\nadd bridge=b interface=ether1 trusted=yes\n"
    )
    assert _snooping(config("", bridge)) == ()
    assert _snooping(config("", f"{bridge}add bridge=b interface=ether2 trusted=no")) == ("b",)


@pytest.mark.parametrize(("mode", "guarded"), [("rstp", True), ("none", False)])
def test_a_guard_of_bpdus_needs_spanning_tree(mode: str, guarded: bool) -> None:
    conf = config(
        "",
        f"/interface bridge\nadd name=b protocol-mode={mode}\n/interface bridge port\nadd bpdu-guard=yes bridge=b interface=ether1\n",
    )
    assert _bpdu_guard(bridges(conf)["b"], members(conf)["ether1"]) is guarded


def test_ports_that_hang_under_another_are_not_told_to_be_guarded() -> None:
    port = Port(name="ether3", physical=True, enabled=True, mode=None)
    old = "/interface ethernet\nset 0 master-port=none name=ether2\nset 1 master-port={} name=ether3"
    assert _unguarded(config("", old.format("none")), (port,), Gaps()) == ()
    with pytest.raises(Unsupported, match="master-port"):
        _unguarded(config("", old.format("ether2")), (port,), Gaps())


@pytest.mark.parametrize("name", ["WAN", "ether1-WAN", "WAN2-VNPT", "wan_1", "Internet", "ISP1", "Untrust"])
def test_names_that_lead_out(name: str) -> None:
    assert outside_name(name)


@pytest.mark.parametrize("name", ["LAN", "bridge", "wander", "misp", "ether1", "SWAN"])
def test_names_that_do_not(name: str) -> None:
    assert not outside_name(name)


def test_ipv6() -> None:
    assert speaks_v6(config("", "/ipv6 settings\nset disable-ipv6=no")) is True
    assert speaks_v6(config("", "/ipv6 settings\nset disable-ipv6=yes")) is False
    assert speaks_v6(config("")) is None
    assert speaks_v6(config("", version="6.49.10")) is False
    assert speaks_v6(config("", "/ipv6 nd\nset disabled=no", version="6.49.10")) is True


ACTIONS = """\
/system logging action
set 0 name=memory target=memory
set 2 name=echo target=echo
set 3 bsd-syslog=no name=remote remote=10.0.0.5 target=remote
add name=nowhere remote=0.0.0.0 target=remote
/system logging
"""


def logging_rules(*lines: str) -> list[Any]:
    return _rules_of_logging(config("", ACTIONS + "".join(f"add disabled=no {line}\n" for line in lines)))


@pytest.mark.parametrize(
    ("line", "logged_on", "refused"),
    [
        ("action=memory topics=info", True, False),
        ("action=memory topics=info,!account", False, False),
        ("action=memory topics=system,info", True, False),
        ("action=memory topics=error", False, True),
        ("action=memory topics=critical", False, True),
        ('action=memory topics=""', True, True),
        ("action=memory topics=!debug", True, True),
        ("action=memory topics=info regex=login", False, False),
        ("action=memory topics=firewall", False, False),
    ],
)
def test_topics_of_log_ons(line: str, logged_on: bool, refused: bool) -> None:
    (rule,) = logging_rules(line)
    assert (rule.takes(LOGGED_ON), rule.takes(REFUSED)) == (logged_on, refused)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("topics=critical", "topics=error", "topics=warning", "topics=info"), "informational"),
        (("topics=critical", "topics=error", "topics=info"), "error"),
        (("topics=error", "topics=warning", "topics=info"), None),
        (("topics=system,critical", "topics=error"), None),
        (('topics=""',), "debug"),
        (("topics=!debug",), "informational"),
        (("topics=critical", "topics=error", "topics=warning", "topics=info,!account"), "warning"),
        (("topics=critical", "topics=error", "topics=warning", "topics=info,!debug"), "informational"),
        (("topics=critical regex=x", "topics=error"), None),
    ],
)
def test_the_least_severity_that_is_taken_without_a_hole(lines: tuple[str, ...], expected: str | None) -> None:
    assert _least(logging_rules(*(f"action=memory {line}" for line in lines))) == expected


def test_a_rule_of_logging_without_its_action_is_not_understood() -> None:
    with pytest.raises(Unparsable):
        logging_rules("action=gone topics=info")


FORWARD = "add action=drop chain=forward"


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("", ("permit", False)),
        (FORWARD, ("deny", False)),
        (f"{FORWARD} log=yes", ("deny", True)),
        (f"{FORWARD} disabled=yes", ("permit", False)),
        (f"# inactive\n{FORWARD}", ("permit", False)),
        (f"{FORWARD} in-interface-list=WAN", ("permit", False)),
        (f"{FORWARD} in-interface-list=all", ("deny", False)),
        (f"add action=log chain=forward\n{FORWARD}", ("deny", True)),
        (f"add action=accept chain=forward\n{FORWARD}", ("permit", False)),
        ("add action=reject chain=forward", ("reject", False)),
        ("add action=jump chain=forward jump-target=x\nadd action=drop chain=x log=yes", ("deny", True)),
        ("add action=jump chain=forward jump-target=x\nadd action=return chain=x src-address=10.0.0.1\nadd action=drop chain=x", ("permit", False)),
        (f"add action=jump chain=forward jump-target=x\nadd action=return chain=x\n{FORWARD}", ("deny", False)),
    ],
)  # fmt: skip
def test_what_happens_to_the_rest(rules: str, expected: tuple[str, bool]) -> None:
    assert _last(config(rules), "ip") == expected


def test_the_weaker_family_decides() -> None:
    assert _default([("deny", True), ("permit", False)]) == "permit"
    assert _default([("deny", True), ("reject", False)]) == "deny"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("action=accept", ("permit", True, True, True)),
        ("action=accept connection-state=established,related", ("other", True, True, True)),
        ("action=accept connection-state=established,new", ("permit", True, True, True)),
        ("action=accept connection-state=!invalid", ("permit", True, True, True)),
        ("action=accept src-address=0.0.0.0/0 dst-address=!10.0.0.0/8 protocol=tcp", ("permit", True, True, False)),
        ("action=accept src-address-list=HALVES dst-address-list=ADMIN", ("permit", True, False, True)),
        ("action=accept src-address-list=!ADMIN", ("permit", True, True, True)),
        ("action=accept ipsec-policy=in,ipsec", ("permit", False, True, True)),
        ("action=accept connection-nat-state=dstnat", ("permit", True, False, True)),
        ("action=tarpit protocol=tcp dst-port=23", ("deny", True, True, False)),
        ("action=fasttrack-connection", ("other", True, True, True)),
    ],
)
def test_rows_of_rules(rule: str, expected: tuple[str, bool, bool, bool]) -> None:
    (row,) = _rules(config(f"add chain=forward {rule}"), "ip")
    assert (row.action, row.source_any, row.destination_any, row.service_any) == expected


def test_a_list_that_nothing_is_in_is_not_narrow() -> None:
    with pytest.raises(Unparsable, match="nothing is in it"):
        list(_rules(config("add action=accept chain=forward src-address-list=NOWHERE"), "ip"))


@pytest.mark.parametrize(
    ("word", "expected"), [("10m", 600), ("1w2d3h4m5s", 788645), ("00:10:00", 600), ("1d00:00:01", 86401), ("0s", 0)]
)
def test_times(word: str, expected: int) -> None:
    assert seconds(word) == expected


@pytest.mark.parametrize("word", ["", "none", "10", "m10", "10m extra"])
def test_no_times(word: str) -> None:
    with pytest.raises(Unparsable):
        seconds(word)


# --- a menu that is not shown ---------------------------------------------------------------------------------------


FOLDER = Path(__file__).parent / "devices" / "mikrotik_routeros--router-messy-6.48"


def looked(export: str) -> Snapshot:
    told = yaml.load((FOLDER / "transcript.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader)
    told["commands"] = {
        command: export if command.startswith("/export verbose") else said for command, said in told["commands"].items()
    }
    return collect(Target(name="x", via="replay"), ReplayDevice(told, FOLDER))


def agrees(before: Any, after: Any) -> bool:
    """The same, or less of it: None where something was."""
    if isinstance(after, dict):
        return all(agrees(before[key], value) for key, value in after.items())
    if isinstance(after, list):
        return len(before) == len(after) and all(map(agrees, before, after))
    return after is None or before == after


def test_a_menu_of_one_thing_that_is_not_shown_makes_no_value_of_its_own() -> None:
    """Each of the menus whose absence is no answer is taken out: what was seen before stays, or becomes None with a reason."""
    text = (FOLDER / "verbose.rsc").read_text("utf-8")
    before = looked(text)
    single = [name for name, section in parse(text).sections.items() if [item.selector for item in section.items] == [""]]
    single = [name for name in single if parse(text).sections[name].items[0].verb == "set"]
    assert len(single) > 20
    wrong = []
    for name in single:
        after = looked(re.sub(rf"(?m)^/{re.escape(name)}\n(?:(?!/)[^\n]*\n)*?(?=/|# rasoat)", "", text, count=1))
        for record in after.records:
            assert record.outcome != "bug", record.reason
            old = before.by_fact[record.fact].data or {}
            for field, value in (record.data or {}).items():
                if field not in ("unseen", "services", "unknown", "addresses") and not agrees(old[field], value):
                    wrong.append((name, record.fact, field, value))
    assert wrong == []
