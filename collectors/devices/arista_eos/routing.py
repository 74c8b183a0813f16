"""Arista EOS: MLAG, first-hop gateways, routing protocols, power supplies."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network

from collectors.devices.arista_eos.text import block, config, interfaces
from collectors.devices.syntax.cidr_acl import network
from collectors.devices.syntax.indent import Node
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.redundancy import Gateway, Redundancy, Routing
from collectors.transports.base import DeviceCli

_DIGEST = r"(?:md5|sha1|sha256|sha384|sha512)"


def redundancy(cli: DeviceCli) -> Redundancy:
    """MLAG as `show mlag` says it, gateways and routing from the configuration, power supplies from their table."""
    gaps = Gaps()
    tree = config(cli)
    pair = bool(block(tree, "mlag configuration").lines("domain-id "))
    if not pair:
        gaps.note("peer_up", "unsupported", "no MLAG domain is configured: there is no peer")
    return Redundancy(
        cluster="active-active" if pair else "none",
        peer_up=gaps.attempt("peer_up", lambda: _peer(cli)) if pair else None,
        gateways=tuple(_gateways(tree)),
        routing=(*_ospf(tree), *_bgp(tree), *_others(tree)),
        second_power=gaps.attempt("second_power", lambda: _power(cli)),
        unseen=gaps.unseen,
    )


def _peer(cli: DeviceCli) -> bool:
    text = cli.ask("show mlag")
    found = {name: re.search(rf"^{name}\s*:\s*(\S+)", text, re.M) for name in ("state", "negotiation status", "peer-link status")}
    if None in found.values():
        raise Unparsable("show mlag: does not say how the peer is")
    words = {name: match[1].lower() for name, match in found.items() if match}
    return words == {"state": "active", "negotiation status": "connected", "peer-link status": "up"}


def _power(cli: DeviceCli) -> bool:
    """Two supplies say that they work."""
    try:
        text = cli.ask("show environment power")
    except Unsupported:
        text = cli.ask("show system environment power")
    states: list[str] = [
        found[1] for found in re.finditer(r"^\d+ +\S+ .*? ([A-Z][A-Za-z]+(?: [A-Z][a-z]+)?)(?: .*)?$", text, re.M)
    ]
    if not states:
        raise Unparsable("show environment power: no power supply in it")
    return sum(state == "Ok" for state in states) > 1


# --- gateways ---------------------------------------------------------------------------------------------------------


def _in_use(tree: Node) -> Iterator[Node]:
    return (node for node in interfaces(tree) if node.stands("shutdown") is not True)


def _gateways(tree: Node) -> Iterator[Gateway]:
    for interface in _in_use(tree):
        name = interface.text.removeprefix("interface ")
        groups = dict.fromkeys(
            found[1] for found in interface.matches(r"vrrp (\d+) (?:ip|ipv4|ipv6)(?: address)? [0-9a-fA-F]\S*")
        )
        for group in groups:
            keyed = bool(interface.matches(rf"vrrp {group} (?:peer )?authentication ietf-md5 key-string (?:\d |8a )?\S"))
            yield Gateway(interface=f"{name} {group}", protocol="vrrp", authenticated=keyed)


# --- routing ----------------------------------------------------------------------------------------------------------


def _area(text: str) -> str:
    """0 -> 0.0.0.0"""
    return ".".join(str(int(text) >> shift & 255) for shift in (24, 16, 8, 0)) if text.isdecimal() else text


def _vrf(interface: Node) -> str:
    return (interface.value("vrf ") or "default").removeprefix("forwarding ")


def _ospf(tree: Node) -> Iterator[Routing]:
    for process in tree.blocks("router ospf "):
        words = process.text.split()
        vrf = words[4] if len(words) > 4 and words[3] == "vrf" else "default"
        if process.stands("shutdown"):
            continue
        where = "" if vrf == "default" else f" vrf {vrf}"
        for area, speakers in _areas(tree, process, vrf).items():
            own = [_ospf_keyed(interface) for interface in speakers]
            yield Routing(protocol="ospf", name=f"{words[2]}{where} area {area}", authenticated=all(own) if own else None)


def _areas(tree: Node, process: Node, vrf: str) -> Mapping[str, list[Node]]:
    """Area -> interfaces that look for neighbours in it."""
    networks = [
        (network(found[1], found[2] or ""), _area(found[3]))
        for found in process.matches(r"network (\d\S+)(?: (\d\S+))? area (\S+)")
    ]
    areas: dict[str, list[Node]] = {area: [] for _, area in networks}
    quiet = process.flag("passive-interface default") is True
    loud = set(process.lines("no passive-interface "))
    silent = {line for line in process.lines("passive-interface ") if line != "default"}
    for interface in _in_use(tree):
        name = interface.text.removeprefix("interface ")
        if _vrf(interface) != vrf or name.startswith("Loopback"):
            continue
        area = _own_area(interface, networks)
        if area is not None:
            neighbours = areas.setdefault(area, [])
            if name not in silent and not (quiet and name not in loud):
                neighbours.append(interface)
    return areas


def _own_area(interface: Node, networks: Sequence[tuple[str, str]]) -> str | None:
    """Its own line, else the first `network` its address lies in. A wildcard with holes may hold any address."""
    said = interface.value("ip ospf area ")
    if said:
        return _area(said.split()[0])
    for found in interface.matches(r"ip address (?:virtual )?(\d[\d.]*)/\d+"):
        own = IPv4Network(network(found[1]))
        for net, area in networks:
            if " " in net or own.subnet_of(IPv4Network(net)):
                return area
    return None


def _ospf_keyed(interface: Node) -> bool:
    mode = [found[1] for found in interface.matches(r"ip ospf authentication(?: (message-digest))?$")]
    return mode[-1:] == ["message-digest"] and bool(
        interface.matches(rf"ip ospf message-digest-key \d+ {_DIGEST} (?:\d |8a )?\S")
    )


def _bgp(tree: Node) -> Iterator[Routing]:
    for process in tree.blocks("router bgp "):
        number = process.text.split()[2]
        for node in (process, *process.blocks("vrf ")):
            vrf = "" if node is process else f" vrf {node.text.split()[1]}"
            peers = dict.fromkeys(
                found[1] for found in node.matches(r"neighbor ([0-9A-Fa-f.:]+(?:%\S+)?) (?:remote-as|peer[ -]group) \S")
            )
            for peer in peers:
                if node.flag(f"neighbor {peer} shutdown") or process.stands("shutdown"):
                    continue
                group = node.value(f"neighbor {peer} peer group ") or node.value(f"neighbor {peer} peer-group ")
                keyed = _keyed(node, peer) or any(_keyed(place, group) for place in (node, process) if group)
                yield Routing(protocol="bgp", name=f"{number}{vrf} neighbor {peer}", authenticated=keyed)
            # sessions of ranges and of whole interfaces take everything from their group
            for found in node.matches(r"(?:bgp listen range (\S+) peer[ -]group|neighbor interface (\S+) peer-group) (\S+)"):
                keyed = any(_keyed(place, found[3]) for place in (node, process))
                yield Routing(protocol="bgp", name=f"{number}{vrf} neighbor {found[1] or found[2]}", authenticated=keyed)


def _keyed(node: Node, peer: str | None) -> bool:
    return peer is not None and node.value(f"neighbor {peer} password ") is not None


def _others(tree: Node) -> Iterator[Routing]:
    """IS-IS, OSPFv3 and RIP: without any line of authentication certainly not; with some, on which links is not judged."""
    for pattern, protocol, proof in (
        (r"router isis (\S+)", "isis", r"(?:isis )?authentication (?:mode|key)"),
        (r"(?:ipv6 router ospf|router ospfv3)(.*)$", "ospfv3", r"(?:ospfv3|ipv6 ospf|area).* (?:authentication|encryption) "),
        (r"router rip(.*)$", "rip", r"ip rip authentication"),
    ):
        some = any(re.match(proof, node.text) for node in tree.walk())
        for node in tree.children:
            if found := re.match(pattern, node.text):
                yield Routing.model_validate(
                    {"protocol": protocol, "name": found[1].strip() or protocol, "authenticated": None if some else False}
                )
