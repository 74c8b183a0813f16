"""The JSON of `nft -j list ruleset`, read into chains that can be walked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple

from collectors.errors import Unparsable
from collectors.linux.firewall_walk import (
    BOTH,
    GO_ON,
    UNCLEAR,
    Base,
    Family,
    Hook,
    Packet,
    Rule,
    Rules,
    Table,
    Truth,
    Verdict,
    nobody_in_particular,
)

Key = tuple[str, str]
Sets = Mapping[tuple[str, str, str], list[Any]]
Test = Callable[[Packet], Truth]

_FAMILIES: dict[str, frozenset[Family]] = {"ip": frozenset({"ip"}), "ip6": frozenset({"ip6"}), "inet": BOTH}
_HOOKS: dict[str, Hook] = {"input": "input", "forward": "forward"}
_ENDS = {"accept": "accept", "drop": "drop", "reject": "reject", "return": "return", "queue": "unclear"}
_NO_EFFECT = frozenset(
    {
        "counter",
        "mangle",
        "notrack",
        "set",
        "map",
        "last",
        "secmark",
        "dup",
        "flow",
        "meter",
        "tproxy",
        "continue",
        "ct helper",
        "ct timeout",
        "ct expectation",
    }
)
_LIMITS = frozenset({"limit", "quota", "ct count"})
_OWN_FAMILY: dict[str, Family] = {"ip": "ip", "icmp": "ip", "igmp": "ip", "ip6": "ip6", "icmpv6": "ip6"}
_OTHER_PROTOCOLS = frozenset({"icmp", "icmpv6", "igmp", "sctp", "dccp", "udplite", "esp", "ah", "comp", "gre", "arp"})
_NAMING = frozenset(
    {
        "concat",
        "exthdr",
        "ip option",
        "tcp option",
        "sctp chunk",
        "dccp option",
        "socket",
        "rt",
        "osf",
        "ipsec",
        "|",
        "^",
        "<<",
        ">>",
        "jhash",
        "symhash",
    }
)
_WIDE = 60_000
"""A range of so many ports names none."""

_SAMPLES = (
    Packet("ip", "tcp", ""), Packet("ip6", "udp", ""), Packet("ip", "udp", ""), Packet("ip6", "tcp", ""), Packet("ip", "tcp", "", 1),
)  # fmt: skip

ANY = "any"
"""A value no rule names: some address, some port."""


def parse(text: str) -> tuple[Rules, dict[Key, bool]]:
    """The rules, and for each table whether it holds rules in iptables' own words, which this JSON does not spell out.

    Raises Unparsable for anything that is not what nft writes.
    """
    try:
        listed = json.loads(text)["nftables"]
        if not any("metainfo" in entry for entry in listed):
            raise Unparsable("nft: the answer holds no metainfo")
        return _read(listed)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise Unparsable(f"nft: the answer is not understood ({type(error).__name__})") from None


def _read(listed: list[dict[str, Any]]) -> tuple[Rules, dict[Key, bool]]:
    rules = Rules()
    tables: dict[Key, Table] = {}
    opaque: dict[Key, bool] = {}
    sets: dict[tuple[str, str, str], list[Any]] = {}
    for entry in listed:
        for word, body in entry.items():
            if word == "table" and body["family"] in _FAMILIES:
                tables[body["family"], body["name"]] = Table((body["family"], body["name"]), _FAMILIES[body["family"]])
            elif word in ("set", "map"):
                sets[body["family"], body["table"], body["name"]] = body.get("elem", [])
    for entry in listed:
        if chain := entry.get("chain"):
            _chain(chain, tables, rules)
    for entry in listed:
        if (rule := entry.get("rule")) and (table := tables.get((rule["family"], rule["table"]))):
            key = rule["family"], rule["table"]
            opaque[key] = opaque.get(key, False) or any("xt" in statement for statement in rule["expr"])
            table.chains[rule["chain"]].append(_rule(rule, sets, rules))
    for table in tables.values():
        targets = {
            verdict.chain for chain in table.chains.values() for rule in chain for verdict in rule.verdicts if verdict.chain
        }
        if missing := targets - set(table.chains):
            raise Unparsable(f"nft: a jump to {min(missing)}, which is no chain")
    return rules, opaque


def dormant(text: str) -> frozenset[Key]:
    """(family, table) of the tables that are switched off, from the text form: nft's JSON does not tell, and their chains look alive."""
    found = set()
    table: Key | None = None
    for line in text.splitlines():
        words = line.split()
        if line.startswith("table ") and len(words) >= 3:
            table = words[1], words[2]
        elif table and words[:1] == ["flags"] and line.startswith("\tflags") and "dormant" in line:
            found.add(table)
    return frozenset(found)


def _chain(body: dict[str, Any], tables: dict[Key, Table], rules: Rules) -> None:
    table = tables.get((body["family"], body["table"]))
    if table is None:
        return
    table.chains[body["name"]] = []
    if body.get("type") == "filter" and body.get("hook") in _HOOKS:
        policy = body.get("policy", "accept")
        if policy not in ("accept", "drop"):
            raise Unparsable(f"nft: chain {body['name']} has policy {policy}")
        rules.bases.append(Base(table, body["name"], _HOOKS[body["hook"]], int(body.get("prio", 0)), Verdict(policy)))


def _rule(body: dict[str, Any], sets: Sets, rules: Rules) -> Rule:
    tests: list[Test] = []
    families = BOTH
    verdict = GO_ON
    logs = False
    for statement in body["expr"]:
        (word, content), *more = statement.items()
        if more:
            raise Unparsable("nft: a statement of two words")
        if word == "match":
            families &= _families(content)
            rules.interfaces |= _interfaces(content, sets, body)
            tests.append(_match(content, sets, body, rules))
        elif word == "vmap":
            return _verdict_map(content, tests, families, sets, body, rules)._replace(logs=logs)
        elif word in _LIMITS or _limited(word, content):
            tests.append(lambda _: Truth.SOMETIMES)
        elif word in ("jump", "goto"):
            verdict = Verdict(word, content["target"])
        elif word in _ENDS:
            verdict = Verdict(_ENDS[word])  # type: ignore[arg-type]
        elif word == "log":
            logs = True
        elif word not in _NO_EFFECT:
            # xt, or a statement newer than this program: what it matches or does cannot be told
            tests.append(lambda _: Truth.UNCLEAR)
            verdict = UNCLEAR if verdict is GO_ON else verdict

    return Rule(lambda packet: _all(tests, packet), lambda _: verdict, (verdict,), families, logs)


def _limited(word: str, content: Any) -> bool:
    """A set or meter may carry a limit of its own per element."""
    inner = content.get("stmt", ()) if word in ("set", "map", "meter") else ()
    return any(
        _LIMITS & set(statement) for statement in (inner if isinstance(inner, list) else [inner]) if isinstance(statement, dict)
    )


def _all(tests: list[Test], packet: Packet) -> Truth:
    return min((test(packet) for test in tests), default=Truth.YES)


def _verdict_map(
    content: dict[str, Any], tests: list[Test], families: frozenset[Family], sets: Sets, body: dict[str, Any], rules: Rules
) -> Rule:
    data = content["data"]
    pairs = sets.get((body["family"], body["table"], data[1:]), []) if isinstance(data, str) else data["set"]
    choices = [(_Right.of(_bare(key), sets, body, rules), _verdict(value)) for key, value in pairs]

    def chosen(packet: Packet) -> tuple[Truth, Verdict]:
        for key, verdict in choices:
            truth = _compare("==", _value(content["key"], packet), key)
            if truth is Truth.UNCLEAR:
                return truth, UNCLEAR  # which of the verdicts it will be cannot be told
            if truth is not Truth.NO:
                return truth, verdict
        return Truth.NO, GO_ON

    for packet in _SAMPLES:
        chosen(packet)

    def matches(packet: Packet) -> Truth:
        return min(_all(tests, packet), chosen(packet)[0])

    return Rule(matches, lambda packet: chosen(packet)[1], tuple(verdict for _, verdict in choices), families)


def _verdict(value: dict[str, Any]) -> Verdict:
    (word, content), *_ = value.items()
    if word in ("jump", "goto"):
        return Verdict(word, content["target"])  # type: ignore[arg-type]
    return GO_ON if word == "continue" else Verdict(_ENDS[word])  # type: ignore[arg-type]


def _match(content: dict[str, Any], sets: Sets, body: dict[str, Any], rules: Rules) -> Test:
    op, left = content["op"], content["left"]
    right = _Right.of(content["right"], sets, body, rules)
    for packet in _SAMPLES:
        _compare(op, _value(left, packet), right)  # what cannot be read shows now, not while judging
    return lambda packet: _compare(op, _value(left, packet), right)


def _value(left: Any, packet: Packet) -> set[str] | str | int | Truth:
    """What the expression is for the packet: some words, a port, ANY, or a Truth where no comparison is needed."""
    (word, content), *_ = left.items()
    if word == "&":
        return _masked(content, packet)
    if word == "payload":
        return _payload(content, packet)
    if word == "meta":
        return _meta(content["key"], packet)
    if word == "ct":
        known: dict[str, set[str]] = {"state": {"new"}, "direction": {"original"}, "status": set()}
        return known.get(content["key"], _named(packet))
    if word == "fib":
        if content["result"] == "type":
            return {"local"} if "daddr" in content["flags"] else {"unicast"}
        return {"True"}  # the way back to the sender exists
    if word == "numgen":
        return Truth.SOMETIMES
    if word == "concat" and packet.port is not None:
        return Truth.UNCLEAR
    return ANY if word in _NAMING else Truth.UNCLEAR


def _payload(content: dict[str, Any], packet: Packet) -> set[str] | str | int | Truth:
    protocol, name = content.get("protocol"), content.get("field")
    if packet.port is not None and protocol is None:
        return Truth.UNCLEAR  # bytes at some place in the packet: they may well be the port
    if protocol in _OTHER_PROTOCOLS or (protocol in ("tcp", "udp") and protocol != packet.protocol):
        return Truth.NO
    if protocol in ("ip", "ip6"):
        if protocol != packet.family:
            return Truth.NO
        if name in ("protocol", "nexthdr"):
            return {packet.protocol}
        # a destination may well be this machine's own address; other fields a stranger chooses himself
        return ANY if name == "saddr" else _named(packet)
    if name == "dport" and packet.port is not None:
        return packet.port
    return {"syn"} if (protocol, name) == ("tcp", "flags") else _named(packet)


def _meta(key: str, packet: Packet) -> set[str] | str | Truth:
    known: dict[str, set[str]] = {
        "nfproto": {"ipv4" if packet.family == "ip" else "ipv6"}, "protocol": {packet.family}, "l4proto": {packet.protocol},
        "iifname": {packet.interface}, "iif": {packet.interface}, "pkttype": {"host", "unicast"},
    }  # fmt: skip
    return known.get(key, _named(packet))


def _named(packet: Packet) -> str | Truth:
    """A mark, a group of interfaces, an original port: no rule means a stranger by it, unless one asks who reaches a port."""
    return ANY if packet.port is None else Truth.UNCLEAR


def _masked(content: list[Any], packet: Packet) -> set[str] | str | Truth:
    value = _value(content[0], packet)
    if isinstance(value, int) and not isinstance(value, Truth):
        return Truth.UNCLEAR
    if not isinstance(value, set):
        return value
    mask = {str(item) for item in _items(content[1])}
    return value & mask


class _Right(NamedTuple):
    """What a value is compared with; sets may hold a hundred thousand addresses, so they are looked through once."""

    items: list[Any]
    wide: bool

    @classmethod
    def of(cls, right: Any, sets: Sets, body: dict[str, Any], rules: Rules) -> _Right:
        items = _elements(right, sets, body)
        for item in items:
            if (ends := _numbers(item)) is not None:
                rules.ports(*ends)
        return cls(items, any(_wide(item) for item in items))


def _compare(op: str, value: set[str] | str | int | Truth, right: _Right) -> Truth:
    if isinstance(value, Truth):
        return value
    items = right.items
    if isinstance(value, int):
        return _port(op, value, items)
    if value == ANY:
        if op in ("<", ">", "<=", ">="):
            return _ordered(op, items[0])
        found = right.wide
    elif not value:  # no bit is set
        found = items in ([], [0]) and op != "in"
    else:
        found = any(_same(word, item) for word in value for item in items)
    truth = Truth.YES if found else Truth.NO
    return truth.flipped() if op == "!=" else truth


def _port(op: str, port: int, items: list[Any]) -> Truth:
    ranges = [_numbers(item) for item in items]
    known = [ends for ends in ranges if ends is not None]
    if op in ("<", ">", "<=", ">="):
        if len(known) != 1:
            return Truth.UNCLEAR
        bound = known[0][0]
        holds = {"<": port < bound, ">": port > bound, "<=": port <= bound, ">=": port >= bound}[op]
        return Truth.YES if holds else Truth.NO
    found = any(first <= port <= last for first, last in known)
    if not found and len(known) < len(ranges):
        return Truth.UNCLEAR
    return Truth.YES if found != (op == "!=") else Truth.NO


def _numbers(item: Any) -> tuple[int, int] | None:
    """A port or a range of ports; None for what is neither: addresses, names."""
    if item == "*":
        return 0, 65535
    if isinstance(item, int) and not isinstance(item, bool):
        return item, item
    low, high = item["range"] if isinstance(item, dict) and "range" in item else (None, None)
    return (low, high) if isinstance(low, int) and isinstance(high, int) else None


def _same(word: str, item: Any) -> bool:
    return fnmatchcase(word, item) if isinstance(item, str) and item.endswith("*") else word == str(item)


def _ordered(op: str, bound: Any) -> Truth:
    if not isinstance(bound, int):
        return Truth.UNCLEAR
    covered = bound if op.startswith("<") else 65535 - bound
    return Truth.YES if covered >= _WIDE else Truth.NO


def _elements(right: Any, sets: Sets, body: dict[str, Any]) -> list[Any]:
    if isinstance(right, str) and right.startswith("@"):
        return [_bare(item) for item in sets.get((body["family"], body["table"], right[1:]), [])]
    return _items(right)


def _items(right: Any) -> list[Any]:
    if isinstance(right, dict) and "set" in right:
        right = right["set"]
    return [_bare(item) for item in right] if isinstance(right, list) else [_bare(right)]


def _bare(item: Any) -> Any:
    return item["elem"]["val"] if isinstance(item, dict) and "elem" in item else item


def _wide(item: Any) -> bool:
    if item == "*":
        return True
    if isinstance(item, dict) and "prefix" in item:
        network = ip_network(f"{item['prefix']['addr']}/{item['prefix']['len']}", strict=False)
        return nobody_in_particular(str(network[0]), str(network[-1]))
    if isinstance(item, dict) and "range" in item:
        low, high = item["range"]
        if isinstance(low, int) and isinstance(high, int):
            return high - low >= _WIDE
        return _address(low) and _address(high) and nobody_in_particular(low, high)
    return False


def _address(text: Any) -> bool:
    try:
        return isinstance(text, str) and bool(ip_address(text))
    except ValueError:
        return False


def _families(content: dict[str, Any]) -> frozenset[Family]:
    left = content["left"]
    if payload := left.get("payload") if isinstance(left, dict) else None:
        own = _OWN_FAMILY.get(payload.get("protocol"))
        return frozenset({own}) if own else BOTH
    if isinstance(left, dict) and left.get("meta", {}).get("key") in ("nfproto", "protocol") and content["op"] in ("==", "in"):
        return {"ipv4": _FAMILIES["ip"], "ip": _FAMILIES["ip"], "ipv6": _FAMILIES["ip6"], "ip6": _FAMILIES["ip6"]}.get(
            str(content["right"]), BOTH
        )
    return BOTH


def _interfaces(content: dict[str, Any], sets: Sets, body: dict[str, Any]) -> set[str]:
    left = content["left"]
    if not isinstance(left, dict) or left.get("meta", {}).get("key") not in ("iif", "iifname"):
        return set()
    return {item for item in _elements(content["right"], sets, body) if isinstance(item, str)}
