"""Aruba AOS-S: traffic between networks, stacks, gateways, routing protocols."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from collectors.devices.aruba_aoss.text import config, unquoted
from collectors.devices.syntax.cidr_acl import ANY, Nets, Words, network, sides
from collectors.devices.syntax.indent import Node
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.filtering import Filtering, FilterRule
from collectors.facts.redundancy import Gateway, Redundancy, Routing
from collectors.transports.base import DeviceCli

_NAME = r"(\"[^\"]*\"|\S+)"
_LIST = re.compile(rf"(ip|ipv6) access-list (?:(standard|extended) )?{_NAME}$")
_APPLY = re.compile(rf"(ip access-group|ipv6 access-group) {_NAME} (in|out|vlan|vlan-in|vlan-out|connection-rate-filter)$")
_PORTS = ("eq", "gt", "lt", "neq", "range")


class Entry(NamedTuple):
    """One line of a list."""

    number: str
    action: str
    protocol: str
    source: Nets
    destination: Nets
    narrowed: bool
    """It names ports, types or flags."""
    logged: bool

    @property
    def service_any(self) -> bool:
        return self.protocol in ("ip", "ipv6") and not self.narrowed


def filtering(cli: DeviceCli) -> Filtering:
    """Packet lists bound to VLANs and ports."""
    gaps = Gaps()
    tree = config(cli)
    lists = gaps.attempt("rules", lambda: _lists(tree))
    bound = _bound(tree)
    rules = None if lists is None else gaps.attempt("rules", lambda: tuple(_rules(lists, bound)))
    gaps.note(("anti_spoofing", "dos_protection"), "unsupported", "a switch's ports are not marked as leading outside")
    if rules:
        gaps.note(
            ("rules[].hits", "rules[].inspected"), "unsupported", "counters are not asked, and packet lists look into nothing"
        )
    return Filtering(
        stateful=False,
        default_action="deny" if _all_filtered(tree) else "permit",
        rules=rules,
        unbound=_unbound(tree),
        zones=(),
        unseen=gaps.unseen,
    )


def _lists(tree: Node) -> Mapping[str, tuple[Entry, ...]]:
    found: dict[str, list[Entry]] = {}
    for node in tree.children:
        if head := _LIST.match(node.text):
            entries = (_entry(child.text, standard=head[2] == "standard", v6=head[1] == "ipv6") for child in node.children)
            found.setdefault(unquoted(head[3]), []).extend(entry for entry in entries if entry)
    return {name: tuple(entries) for name, entries in found.items()}


def _entry(line: str, *, standard: bool, v6: bool) -> Entry | None:
    words = line.split()
    number = words.pop(0) if words[0].isdecimal() else ""
    if not words or words[0] in ("remark", "exit"):
        return None
    if words[0] not in ("permit", "deny") or len(words) < 2:
        raise Unparsable(f"access list: cannot place {line[:80]!r}")
    rest = words[1:]
    protocol = ("ipv6" if v6 else "ip") if standard else rest.pop(0)
    source = _nets(rest, v6)
    narrowed = _took_ports(rest)
    destination = ANY if standard else _nets(rest, v6)
    narrowed = _took_ports(rest) or narrowed
    more = [word for word in rest if word != "log"]
    return Entry(number, words[0], protocol, source, destination, narrowed or bool(more), "log" in rest)


def _nets(rest: list[str], v6: bool) -> Nets:
    """Takes one address away from the front."""
    if not rest:
        raise Unparsable("access list: an address is missing")
    word = rest.pop(0)
    if word == "any":
        return ANY
    if word == "host":
        if not rest:
            raise Unparsable("access list: an address is missing")
        return (network(rest.pop(0)),)
    if v6 or "/" in word:
        return (network(word),)
    if not rest or not re.fullmatch(r"\d+\.\d+\.\d+\.\d+", word):
        raise Unparsable(f"access list: cannot place the address {word[:60]!r}")
    return (network(word, rest.pop(0)),)


def _took_ports(rest: list[str]) -> bool:
    """Takes port words away from the front; a range that is every port narrows nothing."""
    if not rest or rest[0] not in _PORTS:
        return False
    kind = rest.pop(0)
    taken = [rest.pop(0) for _ in range(2 if kind == "range" else 1) if rest]
    return not (kind == "range" and taken in (["0", "65535"], ["1", "65535"]))


def _bound(tree: Node) -> Mapping[str, list[tuple[str, str]]]:
    """List -> (VLAN or port, in or out)."""
    found: dict[str, list[tuple[str, str]]] = {}
    for node in tree.children:
        if node.text.startswith(("interface ", "vlan ")):
            for child in node.children:
                if bound := _APPLY.match(child.text):
                    found.setdefault(unquoted(bound[2]), []).append((node.text.removeprefix("interface "), bound[3]))
    return found


def _rules(lists: Mapping[str, tuple[Entry, ...]], bound: Mapping[str, list[tuple[str, str]]]) -> Iterator[FilterRule]:
    for name, places in bound.items():
        if name not in lists:
            raise Unparsable(f"the list {name} is bound to {places[0][0]} and is not in the configuration")
        whole = sides([Words(each.action == "permit", each.source, each.destination, each.service_any) for each in lists[name]])
        for count, (entry, (source, destination)) in enumerate(zip(lists[name], whole, strict=True), 1):
            if (
                entry.action == "permit"
                and entry.service_any
                and None in (source, destination)
                and False not in (source, destination)
            ):
                raise Unparsable(f"the list {name}, entry {entry.number or count}: a wildcard with holes may be everybody")
            yield FilterRule(
                list=name,
                name=entry.number or str(count),
                action="permit" if entry.action == "permit" else "deny",
                enabled=True,
                source_any=source is True,
                destination_any=destination is True,
                service_any=entry.service_any,
                source_zones=tuple(place for place, way in places if way in ("in", "vlan", "vlan-in")),
                destination_zones=tuple(place for place, way in places if way in ("out", "vlan-out")),
                logged=entry.logged,
            )


def _all_filtered(tree: Node) -> bool:
    """It routes, and every VLAN with an address has a list for what comes in."""
    wanted = [
        any(vlan.matches(rf"{family} access-group \S+ (?:in|vlan-in)$") for family in (family,))
        for vlan in tree.blocks("vlan ")
        for family in ("ip", "ipv6")
        if vlan.matches(rf"{family} address ")
    ]
    return tree.flag("ip routing") is True and bool(wanted) and all(wanted)


def _unbound(tree: Node) -> tuple[str, ...]:
    """Lists whose name stands nowhere outside lists."""
    used = {
        unquoted(word)
        for node in tree.children
        if not _LIST.match(node.text)
        for line in (node, *node.walk())
        for word in re.findall(r"\"[^\"]*\"|\S+", line.text)
    }
    names = [unquoted(head[3]) for node in tree.children if (head := _LIST.match(node.text))]
    return tuple(name for name in dict.fromkeys(names) if name not in used)


# --- redundancy -------------------------------------------------------------------------------------------------------


def redundancy(cli: DeviceCli) -> Redundancy:
    """Stacks with the state of their members, VRRP, routing protocols, power supplies."""
    gaps = Gaps()
    tree = config(cli)
    kind = next((name for name in ("stack", "stacking", "vsf") for block in tree.blocks(name) if len(_members(block)) > 1), None)
    peer = None
    if kind is None:
        gaps.note("peer_up", "unsupported", "the switch stands alone")
    else:
        peer = gaps.attempt("peer_up", lambda: _peers(cli, kind))
    return Redundancy(
        cluster="stack" if kind else "none",
        peer_up=peer,
        gateways=tuple(_gateways(tree)),
        routing=(*_ospf(tree), *_bgp(tree), *_rip(tree)),
        second_power=gaps.attempt("second_power", lambda: _second_power(cli)),
        unseen=gaps.unseen,
    )


def _members(block: Node) -> set[str]:
    return {line.split()[0] for line in block.lines("member ")}


def _peers(cli: DeviceCli, kind: str) -> bool:
    """Each member the configuration knows is there."""
    text = cli.ask("show vsf") if kind == "vsf" else cli.ask("show stacking")
    rows = re.findall(r"^\s*\*?(\d+)\s+[0-9a-f]{6}-[0-9a-f]{6}\s.*?(\S+)\s*$", text, re.M | re.I)
    if not rows:
        raise Unparsable("the table of the stack: no member in it")
    wanted = {name for block in config(cli).blocks(kind) for name in _members(block)}
    there = {number for number, state in rows if state in ("Commander", "Standby", "Member")}
    return len(there) > 1 and wanted <= there


def _gateways(tree: Node) -> Iterator[Gateway]:
    for vlan in tree.blocks("vlan "):
        for group in vlan.children:
            found = re.match(r"vrrp (?:ipv6 )?vrid (\d+)$", group.text)
            if found and group.flag("enable"):
                # VRRP of AOS-S signs nothing (Multicast and Routing Guide, VRRP)
                yield Gateway(interface=f"{vlan.text} {found[1]}", protocol="vrrp", authenticated=False)


def _ospf(tree: Node) -> Iterator[Routing]:
    for word, family in (("ospf", "ip"), ("ospf3", "ipv6")):
        areas: dict[str, list[bool | None]] = {}
        if not any(block.flag("enable") for block in tree.blocks(f"router {word}")):
            continue
        for vlan in tree.blocks("vlan "):
            lines = [child.text for child in vlan.children if child.text.startswith(f"{family} {word} ")]
            for line in lines:
                if (found := re.search(r"\barea (\S+)", line)) and not any(re.search(r"\bpassive$", other) for other in lines):
                    areas.setdefault(found[1], []).append(_signs(lines, word))
        for area, links in areas.items():
            keyed = False if False in links else None if None in links else True
            protocol = "ospfv3" if word == "ospf3" else "ospf"
            yield Routing.model_validate({"protocol": protocol, "name": f"area {area}", "authenticated": keyed})


def _signs(lines: list[str], word: str) -> bool | None:
    """A digest by a key chain. What OSPF version 3 does is not followed."""
    if word == "ospf3":
        return None if any("authentication" in line or "ipsec" in line for line in lines) else False
    return any("md5-auth-key-chain" in line for line in lines)


def _bgp(tree: Node) -> Iterator[Routing]:
    for process in tree.blocks("router bgp "):
        keyed = {unquoted(found[1]) for found in process.matches(rf"neighbor {_NAME} password \S")}
        for peer in dict.fromkeys(unquoted(found[1]) for found in process.matches(rf"neighbor {_NAME} remote-as ")):
            yield Routing(protocol="bgp", name=f"{process.text.split()[2]} neighbor {peer}", authenticated=peer in keyed)


def _rip(tree: Node) -> Iterator[Routing]:
    """A readable word is no digest; a key chain is."""
    for process in tree.blocks("router rip"):
        if process.flag("enable"):
            yield Routing(protocol="rip", name="rip", authenticated=None)


def _second_power(cli: DeviceCli) -> bool:
    text = cli.ask("show system power-supply")
    if not re.search(r"^\s*PS#\s+Model", text, re.M):
        raise Unparsable("show system power-supply: no table in it")
    rows = re.findall(
        r"^\s*(?:(\d+)\s+)?(\d+)\s+(?:J\w+|JL\w+|--|N/A)\s.*?\b(Powered|Not Powered|Not Present|Faulted|Permanent Failure)\b",
        text,
        re.M | re.I,
    )
    if not rows:
        raise Unsupported("show system power-supply: no supply in it")
    working: dict[str, int] = {}
    for member, _, state in rows:
        working[member] = working.get(member, 0) + (state.lower() == "powered")
    return all(count > 1 for count in working.values())
