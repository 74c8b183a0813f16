"""The firewall fact: what recorded cases cannot say. A rule set is built here in the words of nft or iptables and judged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.errors import CollectError, Unparsable
from collectors.linux import firewall_iptables, firewall_nft
from collectors.linux.firewall_walk import Family, Rules, default, logged, packets, reached
from collectors.transports.replay import ReplayShell

CASES = Path(__file__).parent / "cases/firewall"


def default_of(rules: Rules, family: Family = "ip", uplinks: tuple[str, ...] = ("eth0",)) -> str:
    return default(rules.bases, "input", packets(family, uplinks, rules.interfaces)).kind


def save(*rules: str, policy: str = "DROP", chains: tuple[str, ...] = ()) -> Rules:
    """The filter table of iptables-save with these rules."""
    lines = ["*filter", f":INPUT {policy} [0:0]", *(f":{chain} - [0:0]" for chain in chains), *rules, "COMMIT"]
    return firewall_iptables.parse("\n".join(lines) + "\n", "ip")


def nft(*rules: list[Any], policy: str = "drop", family: str = "inet", **sets: list[Any]) -> Rules:
    """One base chain on the input hook with these rules."""
    place = {"family": family, "table": "t", "handle": 1}
    listed: list[dict[str, Any]] = [{"metainfo": {"version": "1.0.6"}}, {"table": {"family": family, "name": "t", "handle": 1}}]
    listed += [{"set": {**place, "name": name, "type": "ifname", "elem": elements}} for name, elements in sets.items()]
    listed += [{"chain": {**place, "name": "in", "type": "filter", "hook": "input", "prio": 0, "policy": policy}}]
    listed += [{"rule": {**place, "chain": "in", "expr": expr}} for expr in rules]
    return firewall_nft.parse(json.dumps({"nftables": listed}))[0]


def match(left: dict[str, Any], right: Any, op: str = "==") -> dict[str, Any]:
    return {"match": {"op": op, "left": left, "right": right}}


ACCEPT: dict[str, Any] = {"accept": None}
DPORT = {"payload": {"protocol": "tcp", "field": "dport"}}
IIF = {"meta": {"key": "iifname"}}
STATE = {"ct": {"key": "state"}}


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT", "drop"),
        ("-A INPUT -j ACCEPT", "accept"),
        ("-A INPUT -p tcp -j ACCEPT", "accept"),
        ("-A INPUT -p icmp -j ACCEPT", "drop"),
        ("-A INPUT -i lo -j ACCEPT", "drop"),
        ("-A INPUT ! -i lo -j ACCEPT", "accept"),
        ("-A INPUT -i eth0 -j ACCEPT", "accept"),
        ("-A INPUT -i eth+ -j ACCEPT", "accept"),
        ("-A INPUT -i wg0 -j ACCEPT", "drop"),
        ("-A INPUT -s 10.0.0.0/8 -j ACCEPT", "drop"),
        ("-A INPUT -s 0.0.0.0/0 -j ACCEPT", "accept"),
        ("-A INPUT -p udp -m udp --dport 1:65535 -j ACCEPT", "accept"),
        ("-A INPUT -p tcp -m multiport --dports 80,443,8000:8100 -j ACCEPT", "drop"),
        ("-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "drop"),
        ("-A INPUT -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT", "accept"),
        ("-A INPUT -m conntrack ! --ctstate INVALID -j ACCEPT", "accept"),
        ("-A INPUT -m limit --limit 10/sec -j ACCEPT", "accept"),
        ("-A INPUT -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT", "accept"),
        ("-A INPUT -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT", "drop"),
        ("-A INPUT -m set --match-set admins src -j ACCEPT", "drop"),
        ("-A INPUT -m recent --rcheck --seconds 60 --name knock --rsource -j ACCEPT", "drop"),
        ('-A INPUT -m comment --comment "let -j DROP in" -j ACCEPT', "accept"),
        ("-A INPUT -m addrtype --dst-type LOCAL -j ACCEPT", "accept"),
        ("-A INPUT -m addrtype --dst-type BROADCAST -j ACCEPT", "drop"),
        ("-A INPUT -m newthing --shiny 7 -j ACCEPT", "unclear"),
        ("-A INPUT -m newthing --shiny 7 -j DROP", "drop"),
        ("-A INPUT -j NFQUEUE --queue-num 0", "unclear"),
        ("-A INPUT -j SOMEEXTENSION", "unclear"),
        ("-A INPUT -j LOG --log-prefix x", "drop"),
        ("-A INPUT -j REJECT --reject-with icmp-port-unreachable", "reject"),
    ],
)
def test_one_iptables_rule_under_a_policy_of_drop(rule: str, kind: str) -> None:
    assert default_of(save(rule)) == kind


def test_return_in_a_chain_falls_back_to_the_caller_and_goto_does_not() -> None:
    jump = save("-A INPUT -j side", "-A INPUT -j DROP", "-A side -j RETURN", policy="ACCEPT", chains=("side",))
    goto = save("-A INPUT -g side", "-A INPUT -j DROP", "-A side -s 10.0.0.1/32 -j ACCEPT", policy="ACCEPT", chains=("side",))
    assert (default_of(jump), default_of(goto)) == ("drop", "accept")


def test_a_return_that_happens_sometimes_leads_to_an_open_policy() -> None:
    assert default_of(save("-A INPUT -m limit --limit 5/s -j RETURN", "-A INPUT -j DROP", policy="ACCEPT")) == "accept"
    assert default_of(save("-A INPUT -m newthing --shiny 1 -j RETURN", "-A INPUT -j DROP", policy="ACCEPT")) == "unclear"


def test_without_a_default_route_every_named_interface_is_a_door() -> None:
    rules = save("-A INPUT -i eth1 -j ACCEPT")
    assert default_of(rules, uplinks=("eth0",)) == "drop"
    assert default_of(rules, uplinks=()) == "accept"


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ([match(DPORT, 22), ACCEPT], "drop"),
        ([match(DPORT, {"range": [1, 65535]}), ACCEPT], "accept"),
        ([match(DPORT, 22, "!="), ACCEPT], "accept"),
        ([match(DPORT, 1024, ">"), ACCEPT], "accept"),
        ([match(DPORT, 1024, "<"), ACCEPT], "drop"),
        ([match(STATE, ["established", "related"], "in"), ACCEPT], "drop"),
        ([match(STATE, {"set": ["new", "established"]}), ACCEPT], "accept"),
        ([match(STATE, "invalid", "!="), ACCEPT], "accept"),
        ([match({"ct": {"key": "status"}}, "dnat", "in"), ACCEPT], "drop"),
        ([match(IIF, "lo"), ACCEPT], "drop"),
        ([match(IIF, "lo", "!="), ACCEPT], "accept"),
        ([match(IIF, "eth*"), ACCEPT], "accept"),
        ([match(IIF, "@trusted"), ACCEPT], "accept"),
        ([match({"meta": {"key": "nfproto"}}, "ipv6"), ACCEPT], "drop"),
        ([match({"meta": {"key": "l4proto"}}, {"set": ["icmp", "ipv6-icmp"]}), ACCEPT], "drop"),
        ([match({"meta": {"key": "l4proto"}}, {"set": ["tcp", "udp"]}), ACCEPT], "accept"),
        ([match({"payload": {"protocol": "ip", "field": "saddr"}}, {"prefix": {"addr": "10.0.0.0", "len": 8}}), ACCEPT], "drop"),
        ([match({"payload": {"protocol": "ip6", "field": "saddr"}}, "fe80::1", "!="), ACCEPT], "drop"),
        ([match({"&": [{"payload": {"protocol": "tcp", "field": "flags"}}, ["fin", "syn"]]}, "syn"), ACCEPT], "accept"),
        ([match({"fib": {"result": "type", "flags": ["daddr"]}}, "local"), ACCEPT], "accept"),
        ([match({"fib": {"result": "oif", "flags": ["saddr", "iif"]}}, False), ACCEPT], "drop"),
        ([match({"numgen": {"mode": "random", "mod": 2}}, 0), ACCEPT], "accept"),
        ([match({"something new": {}}, 1), ACCEPT], "unclear"),
        ([{"vmap": {"key": STATE, "data": {"set": [["established", ACCEPT], ["new", ACCEPT]]}}}], "accept"),
        ([{"vmap": {"key": STATE, "data": {"set": [["established", ACCEPT], ["invalid", {"drop": None}]]}}}], "drop"),
        ([{"vmap": {"key": DPORT, "data": {"set": [[22, ACCEPT], [80, ACCEPT]]}}}], "drop"),
        ([{"limit": {"rate": 10, "per": "second"}}, ACCEPT], "accept"),
        ([{"counter": {"packets": 0, "bytes": 0}}, {"log": None}], "drop"),
        ([{"queue": {"num": 0}}], "unclear"),
        ([{"xt": None}, ACCEPT], "unclear"),
        ([{"xt": {"type": "target", "name": "REJECT"}}], "unclear"),
    ],
)
def test_one_nft_rule_under_a_policy_of_drop(rule: list[Any], kind: str) -> None:
    assert default_of(nft(rule, trusted=["eth0", "lo"])) == kind


def test_every_base_chain_must_let_the_packet_in() -> None:
    rules = nft([ACCEPT])
    rules.bases += save("-A INPUT -s 10.0.0.0/8 -j ACCEPT").bases
    assert default_of(rules) == "drop"
    assert default_of(rules, "ip6") == "accept"


def test_a_chain_of_another_type_or_hook_decides_nothing() -> None:
    place = {"family": "inet", "table": "t", "handle": 1}
    chains = [{**place, "name": "a", "type": "nat", "hook": "input", "prio": 0, "policy": "drop"}]
    chains += [{**place, "name": "b", "type": "filter", "hook": "output", "prio": 0, "policy": "drop"}]
    text = json.dumps(
        {"nftables": [{"metainfo": {}}, {"table": {"family": "inet", "name": "t"}}, *({"chain": chain} for chain in chains)]}
    )
    assert firewall_nft.parse(text)[0].bases == []


@pytest.mark.parametrize(
    "text",
    [
        "-A INPUT -j ACCEPT\n", "*filter\n:INPUT DROP [0:0]\n", "*filter\n:INPUT MAYBE [0:0]\nCOMMIT\n", "*filter\n:INPUT DROP [0:0]\nhello\nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A OTHER -j ACCEPT\nCOMMIT\n", '*filter\n:INPUT DROP [0:0]\n-A INPUT -m comment --comment "open\nCOMMIT\n',
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -g NOWHERE\nCOMMIT\n", "*filter\n*nat\nCOMMIT\n",
    ],
)  # fmt: skip
def test_text_that_iptables_save_does_not_write_is_refused(text: str) -> None:
    with pytest.raises(Unparsable):
        firewall_iptables.parse(text, "ip")


def test_chains_that_go_round_in_a_circle_are_refused() -> None:
    rules = save("-A INPUT -j a", "-A a -j b", "-A b -j a", chains=("a", "b"))
    with pytest.raises(Unparsable):
        default_of(rules)


FIREWALLD = next(
    run["out"]
    for run in ReplayShell.load(CASES / "debian12--firewalld-public-zone/transcript.yaml")._runs.values()
    if "-j" in run["argv"]
)


@given(st.integers(0, len(FIREWALLD) - 3))
def test_a_cut_rule_set_is_never_believed(length: int) -> None:
    with pytest.raises(Unparsable):
        firewall_nft.parse(FIREWALLD[:length])


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


@given(JUNK, JUNK, st.sampled_from(["match", "vmap", "jump", "limit", "set", "payload"]))
def test_junk_in_a_rule_is_an_error_or_an_answer_but_no_crash(left: Any, right: Any, word: str) -> None:
    statement = match(left, right) if word == "match" else {word: right}
    try:
        kind = default_of(nft([statement, ACCEPT], policy="drop"))
    except CollectError:
        return
    assert kind in ("accept", "drop", "reject", "unclear")


@given(st.lists(st.text(alphabet=st.characters(codec="ascii", exclude_characters="\n\r"), max_size=30), max_size=5))
def test_junk_lines_of_iptables_save_are_an_error_or_rules_but_no_crash(lines: list[str]) -> None:
    try:
        kind = default_of(save(*(f"-A INPUT {line}" for line in lines)))
    except CollectError:
        return
    assert kind in ("accept", "drop", "reject", "unclear")


ROW = st.sampled_from(["-p tcp --dport 22", "-s 10.0.0.0/8", "-i lo", "-m limit --limit 1/s", "-m newthing --x 1", "", "-p udp"])
TARGET = st.sampled_from(["ACCEPT", "DROP", "REJECT", "RETURN", "LOG"])


@given(st.lists(st.tuples(ROW, TARGET), max_size=6), st.sampled_from(["ACCEPT", "DROP"]))
def test_one_more_rule_that_accepts_everything_first_is_always_open(rows: list[tuple[str, str]], policy: str) -> None:
    rules = [f"-A INPUT {row} -j {target}" for row, target in rows]
    assert default_of(save("-A INPUT -j ACCEPT", *rules, policy=policy)) == "accept"


# --- ports that strangers reach, records of what is refused ---------------------------------------------------------

SADDR = {"payload": {"protocol": "ip", "field": "saddr"}}
DADDR = {"payload": {"protocol": "ip", "field": "daddr"}}


def end_at(port: int, rules: Rules, family: Family = "ip") -> str:
    strangers = [one for one in packets(family, ("eth0",), rules.interfaces) if one.protocol == "tcp"]
    return reached(rules, [port], strangers)[port]


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT", "accept"),
        ("-A INPUT -p tcp -m tcp --dport 2222 -j ACCEPT", "drop"),
        ("-A INPUT -p udp -m udp --dport 22 -j ACCEPT", "drop"),
        ("-A INPUT -p tcp -m multiport --dports 80,20:25 -j ACCEPT", "accept"),
        ("-A INPUT -p tcp -m tcp ! --dport 22 -j ACCEPT", "drop"),
        ("-A INPUT -p tcp -m tcp ! --dport 80 -j ACCEPT", "accept"),
        # a stranger chooses the port he comes from
        ("-A INPUT -p tcp -m tcp --sport 20 -j ACCEPT", "unclear"),
        ("-A INPUT -p tcp -m conntrack --ctstate ESTABLISHED -m tcp --sport 20 -j ACCEPT", "drop"),
        ("-A INPUT -p tcp -m conntrack --ctorigdstport 2222 -j ACCEPT", "unclear"),
        ("-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT", "drop"),
        ("-A INPUT -s 0.0.0.0/1 -p tcp -m tcp --dport 22 -j ACCEPT", "accept"),
        ("-A INPUT ! -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT", "accept"),
        ("-A INPUT -p tcp -m iprange --src-range 10.0.0.1-10.0.0.9 -m tcp --dport 22 -j ACCEPT", "drop"),
        ("-A INPUT -p tcp -m iprange --src-range 1.0.0.0-223.255.255.255 -m tcp --dport 22 -j ACCEPT", "accept"),
        ("-A INPUT -d 192.0.2.10/32 -p tcp -m tcp --dport 22 -j ACCEPT", "unclear"),
        ("-A INPUT -d 224.0.0.251/32 -p tcp -m tcp --dport 22 -j ACCEPT", "drop"),
        ("-A INPUT -p tcp -m set --match-set admins src -m tcp --dport 22 -j ACCEPT", "unclear"),
        ("-A INPUT -p tcp -m geoip --source-country VN -m tcp --dport 22 -j ACCEPT", "unclear"),
        ("-A INPUT -m mark --mark 0x1 -p tcp -m tcp --dport 22 -j ACCEPT", "unclear"),
        ("-A INPUT -m set --match-set friends src -p tcp -m tcp --dport 80 -j ACCEPT", "drop"),
    ],
)
def test_who_reaches_the_port_of_ssh_by_iptables(rule: str, kind: str) -> None:
    assert end_at(22, save(rule)) == kind


def test_a_list_that_may_keep_strangers_out_does_not_call_the_port_closed() -> None:
    blocked = "-A INPUT -p tcp -m set --match-set blocked src -m tcp --dport 22 -j DROP"
    assert end_at(22, save(blocked, "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT")) == "accept"


@pytest.mark.parametrize(
    ("expr", "kind"),
    [
        ([match(DPORT, 22), ACCEPT], "accept"),
        ([match(DPORT, {"range": [20, 25]}), ACCEPT], "accept"),
        ([match(DPORT, {"set": [80, {"range": [20, 25]}]}), ACCEPT], "accept"),
        ([match(DPORT, 22, "!="), ACCEPT], "drop"),
        ([match(DPORT, 1024, "<"), ACCEPT], "accept"),
        ([match(DPORT, 1024, ">="), ACCEPT], "drop"),
        ([match(DPORT, "ssh"), ACCEPT], "unclear"),
        ([match({"payload": {"protocol": "th", "field": "dport"}}, 22), ACCEPT], "accept"),
        ([match({"payload": {"base": "th", "offset": 16, "len": 16}}, 22), ACCEPT], "unclear"),
        ([match({"concat": [SADDR, DPORT]}, {"set": [{"concat": ["10.0.0.1", 22]}]}), ACCEPT], "unclear"),
        ([match(SADDR, {"prefix": {"addr": "10.0.0.0", "len": 8}}), match(DPORT, 22), ACCEPT], "drop"),
        ([match(SADDR, {"prefix": {"addr": "128.0.0.0", "len": 1}}), match(DPORT, 22), ACCEPT], "accept"),
        ([match(SADDR, {"range": ["1.0.0.0", "223.255.255.255"]}), match(DPORT, 22), ACCEPT], "accept"),
        ([match(DADDR, "192.0.2.10"), match(DPORT, 22), ACCEPT], "unclear"),
        ([match({"meta": {"key": "mark"}}, 1), match(DPORT, 22), ACCEPT], "unclear"),
        ([match({"meta": {"key": "iiftype"}}, "ether"), match(DPORT, 22), ACCEPT], "unclear"),
        ([match({"ct": {"key": "proto-dst", "dir": "original"}}, 2222), ACCEPT], "unclear"),
        ([match({"payload": {"protocol": "tcp", "field": "sport"}}, 20), ACCEPT], "unclear"),
        ([match({"payload": {"protocol": "ip6", "field": "saddr"}}, "2001:db8::1"), match(DPORT, 22), ACCEPT], "drop"),
        ([{"vmap": {"key": DPORT, "data": {"set": [[80, {"drop": None}], [22, ACCEPT]]}}}], "accept"),
        ([{"vmap": {"key": DPORT, "data": {"set": [["ssh", {"drop": None}]]}}}], "unclear"),
    ],
)  # fmt: skip
def test_who_reaches_the_port_of_ssh_by_nft(expr: list[Any], kind: str) -> None:
    assert end_at(22, nft(expr)) == kind


def test_a_verdict_map_whose_key_cannot_be_read_closes_nothing() -> None:
    by_service = [{"vmap": {"key": DPORT, "data": {"set": [["ssh", {"drop": None}]]}}}]
    assert end_at(22, nft(by_service, policy="accept")) == "accept"


def test_elements_of_a_set_count() -> None:
    rule = [match(SADDR, "@admins"), match(DPORT, 22), ACCEPT]
    assert end_at(22, nft(rule, admins=["10.0.0.7", {"prefix": {"addr": "10.1.0.0", "len": 16}}])) == "drop"
    assert end_at(22, nft(rule, admins=[{"prefix": {"addr": "0.0.0.0", "len": 1}}])) == "accept"


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 5), st.booleans()), max_size=6), st.booleans())
def test_ports_between_two_edges_fare_alike(parts: list[tuple[int, int, bool]], opened: bool) -> None:
    """One walk per stretch gives the same as one per port."""
    rules = save(
        *(f"-A INPUT -p tcp -m tcp --dport {low}:{low + more} -j {'ACCEPT' if yes else 'DROP'}" for low, more, yes in parts),
        policy="ACCEPT" if opened else "DROP",
    )
    strangers = [one for one in packets("ip", ("eth0",), rules.interfaces) if one.protocol == "tcp"]
    assert reached(rules, range(1, 70), strangers) == {port: end_at(port, rules) for port in range(1, 70)}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (save("-A INPUT -j LOG"), True),
        (save("-A INPUT -m limit --limit 3/min -j LOG"), True),
        (save("-A INPUT -j NFLOG --nflog-group 1"), True),
        (save("-A INPUT -p tcp -j LOG"), False),
        (save("-A INPUT -p tcp -m tcp --dport 22 -j LOG"), False),
        (save("-A INPUT -m conntrack --ctstate INVALID -j LOG"), False),
        (save("-A INPUT -j DROP", "-A INPUT -j LOG"), False),
        (save("-A INPUT -j L", "-A L -j LOG", "-A L -j DROP", chains=("L",)), True),
        (save("-A INPUT -m unheard --of x -j L", "-A L -j LOG", chains=("L",)), None),
        (save("-A INPUT -j LOG", policy="ACCEPT"), False),
        (nft([{"log": {"prefix": "no: "}}]), True),
        (nft([{"log": None}, {"drop": None}]), True),
        (nft([match(DPORT, 22), {"log": None}]), False),
        (nft(), False),
    ],
)
def test_what_is_refused_is_written_down_first(rules: Rules, expected: bool | None) -> None:
    assert logged(rules.bases, packets("ip", ("eth0",), rules.interfaces)) is expected
