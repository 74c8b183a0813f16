"""Cisco IOS: traffic between networks, first-hop gateways, routing protocols."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address
from typing import Literal

from collectors.devices.cisco_ios.acl import AccessList, access_lists
from collectors.devices.cisco_ios.text import config
from collectors.devices.syntax.indent import Node
from collectors.facts.base import Gaps
from collectors.facts.filtering import Filtering, FilterRule, Zone
from collectors.facts.redundancy import Gateway, Redundancy, Routing
from collectors.transports.base import DeviceCli

_OUTSIDE = re.compile(r"(?i)(?:^|[^a-z])(?:wan|internet|outside|untrust|ngoai|isp|viettel|vnpt|fpt|cmc)(?:[^a-z]|$)|^out")


def filtering(cli: DeviceCli) -> Filtering:
    """Packet lists bound to interfaces, or a zone-based firewall. Lists of management access are left to device_access."""
    gaps = Gaps()
    tree = config(cli)
    lists = access_lists(tree)
    bound = _bound(tree)
    zones = tuple(_zones(tree))
    pairs = list(tree.blocks("zone-pair security "))
    outside = _outside(tree, zones)
    if not outside:
        gaps.note("anti_spoofing", "unsupported", "no interface is marked as leading outside, by zone, NAT or description")
    return Filtering(
        stateful=bool(pairs) or bool(tree.matches(r"ip inspect name ")),
        default_action="deny" if pairs or _all_filtered(tree, bound, lists) else "permit",
        rules=tuple(_rules(lists, bound)),
        unbound=tuple(name for name in lists if not _mentioned(tree, name)),
        zones=zones,
        anti_spoofing=all(map(_checks_source, outside)) if outside else None,
        unseen=gaps.unseen,
    )


def _bound(tree: Node) -> Mapping[str, list[tuple[str, str]]]:
    """List -> (interface, in or out), and the class maps of a zone-based firewall as (class map, "")."""
    found: dict[str, list[tuple[str, str]]] = {}
    for interface in tree.blocks("interface "):
        name = interface.text.split()[1]
        for bound in interface.matches(r"(?:ip access-group|ipv6 traffic-filter) (\S+) (in|out)"):
            found.setdefault(bound[1], []).append((name, bound[2]))
    for inspected in tree.blocks("class-map type inspect "):
        for bound in inspected.matches(r"match access-group (?:name )?(\S+)"):
            found.setdefault(bound[1], []).append((inspected.text.split()[-1], ""))
    return found


def _rules(lists: Mapping[str, AccessList], bound: Mapping[str, list[tuple[str, str]]]) -> Iterator[FilterRule]:
    for name, places in bound.items():
        for number, entry in enumerate(lists[name].entries if name in lists else (), 1):
            yield FilterRule(
                list=name,
                name=entry.number or str(number),
                action="permit" if entry.action == "permit" else "deny",
                enabled=True,
                source_any=entry.source == "any",
                destination_any=entry.destination == "any",
                service_any=entry.protocol in ("ip", "ipv6") and not entry.ports,
                source_zones=tuple(place for place, way in places if way == "in"),
                destination_zones=tuple(place for place, way in places if way == "out"),
                logged=entry.logged,
            )


def _all_filtered(tree: Node, bound: Mapping[str, list[tuple[str, str]]], lists: Mapping[str, AccessList]) -> bool:
    """Every routed interface in use has a list for what comes in: what no line names is refused by the list's end."""
    filtered = {
        place for name, places in bound.items() if name in lists and lists[name].entries for place, way in places if way == "in"
    }
    routed = [
        interface.text.split()[1]
        for interface in tree.blocks("interface ")
        if interface.flag("shutdown") is not True
        and interface.matches(r"ip address (?:\d|dhcp)")
        and "Loopback" not in interface.text
    ]
    return bool(routed) and set(routed) <= filtered


def _mentioned(tree: Node, name: str) -> bool:
    """Some line other than its own speaks of the list."""
    word = re.compile(rf"(?<!\S){re.escape(name)}(?!\S)")
    own = re.compile(rf"(?:ip|ipv6) access-list (?:standard |extended )?{re.escape(name)}$|access-list {re.escape(name)} ")
    about = ("access-group", "traffic-filter", "access-class", "snmp-server", "match ", "ip nat", "ntp ", "distribute-list", "ip http",
             "logging", "rp-", "ip pim", "tunnel", "crypto", "access ", "debug", "route-map", "ip policy", "ip igmp", "ip ssh", "login")  # fmt: skip
    return any(
        word.search(node.text) and not own.match(node.text) and any(part in node.text for part in about) for node in tree.walk()
    )


def _zones(tree: Node) -> Iterator[Zone]:
    members: dict[str, list[str]] = {name.split()[0]: [] for name in tree.lines("zone security ")}
    for interface in tree.blocks("interface "):
        for zone in interface.lines("zone-member security "):
            members.setdefault(zone, []).append(interface.text.split()[1])
    for name, interfaces in members.items():
        yield Zone(name=name, interfaces=tuple(interfaces), outside=bool(_OUTSIDE.search(name)))


def _outside(tree: Node, zones: tuple[Zone, ...]) -> list[Node]:
    named = {interface for zone in zones if zone.outside for interface in zone.interfaces}
    return [
        interface
        for interface in tree.blocks("interface ")
        if interface.flag("shutdown") is not True
        and (
            interface.text.split()[1] in named
            or interface.has("ip nat outside")
            or _OUTSIDE.search(interface.value("description ") or "")
        )
    ]


def _checks_source(interface: Node) -> bool:
    return bool(interface.matches(r"ip verify unicast (?:source reachable-via|reverse-path)"))


# --- redundancy -------------------------------------------------------------------------------------------------------


def redundancy(cli: DeviceCli) -> Redundancy:
    """Stacks from `show version`, gateways and routing from the configuration."""
    tree = config(cli)
    members = re.findall(r"^\*? +\d+ +\d+ +\S+ +\d\S+ +\S+", cli.ask("show version"), re.M)
    return Redundancy(
        cluster="stack" if len(members) > 1 else "none",
        peer_up=True if len(members) > 1 else None,
        gateways=tuple(_gateways(tree)),
        routing=(*_ospf(tree), *_bgp(tree), *_others(tree)),
    )


def _gateways(tree: Node) -> Iterator[Gateway]:
    words: tuple[tuple[str, Literal["hsrp", "vrrp", "glbp"]], ...] = (("standby", "hsrp"), ("vrrp", "vrrp"), ("glbp", "glbp"))
    for interface in tree.blocks("interface "):
        name = interface.text.split()[1]
        for word, protocol in words:
            groups = {found[1] or "" for found in interface.matches(rf"{word}(?: (\d+))? (?:ip|ipv6|address-family)\b")}
            keyed = {found[1] or "" for found in interface.matches(rf"{word}(?: (\d+))? authentication md5 ")}
            for group in sorted(groups):
                yield Gateway(interface=f"{name} {group}".strip(), protocol=protocol, authenticated=group in keyed)


def _ospf(tree: Node) -> Iterator[Routing]:
    for process in (node for node in tree.children if re.match(r"router ospf \d+", node.text)):
        number = process.text.split()[2]
        for area, interfaces in _areas(tree, process, number).items():
            whole = bool(process.flag(f"area {area} authentication message-digest"))
            own = [_ospf_keyed(interface) for interface in interfaces]
            yield Routing(protocol="ospf", name=f"{number} area {area}", authenticated=whole or (all(own) if own else None))


def _ospf_keyed(interface: Node) -> bool:
    return bool(interface.matches(r"ip ospf authentication (?:message-digest|key-chain)"))


def _areas(tree: Node, process: Node, number: str) -> Mapping[str, list[Node]]:
    """Area -> interfaces that look for neighbours in it."""
    areas: dict[str, list[Node]] = {}
    networks = process.matches(r"network ([\d.]+) ([\d.]+) area (\S+)")
    for found in networks:
        areas.setdefault(found[3], [])
    quiet, loud = set(process.lines("passive-interface ")), set(process.lines("no passive-interface "))
    for interface in tree.blocks("interface "):
        name = interface.text.split()[1]
        if interface.flag("shutdown") or name in quiet or "Loopback" in name or ("default" in quiet and name not in loud):
            continue
        direct = interface.matches(rf"ip ospf {number} area (\S+)")
        for found in direct:
            areas.setdefault(found[1], []).append(interface)
        for address in interface.matches(r"ip address ([\d.]+) [\d.]+") if not direct else ():
            area = next((net[3] for net in networks if _within(address[1], net[1], net[2])), None)
            if area is not None:
                areas[area].append(interface)
    return areas


def _within(address: str, network: str, wildcard: str) -> bool:
    cares = ~int(IPv4Address(wildcard)) & 0xFFFFFFFF
    return int(IPv4Address(address)) & cares == int(IPv4Address(network)) & cares


def _bgp(tree: Node) -> Iterator[Routing]:
    for process in tree.blocks("router bgp "):
        number = process.text.split()[2]
        inner = [process, *process.blocks("address-family ")]
        keyed = {found[1] for node in inner for found in node.matches(r"neighbor (\S+) password ")}
        sessions = {node.text.split()[-1] for node in process.blocks("template peer-session ") if node.lines("password ")}
        groups = {found[1]: found[2] for node in inner for found in node.matches(r"neighbor (\S+) peer-group (\S+)")}
        inherits = {found[1]: found[2] for node in inner for found in node.matches(r"neighbor (\S+) inherit peer-session (\S+)")}
        declared = {found[1] for node in inner for found in node.matches(r"neighbor (\S+) peer-group$")}
        peers = dict.fromkeys(
            found[1] for node in inner for found in node.matches(r"neighbor ([0-9A-Fa-f.:]+) (?:remote-as|peer-group|inherit)")
        )
        for peer in peers:
            if peer not in declared:
                authenticated = peer in keyed or groups.get(peer) in keyed or inherits.get(peer) in sessions
                yield Routing(protocol="bgp", name=f"{number} neighbor {peer}", authenticated=authenticated)


def _others(tree: Node) -> Iterator[Routing]:
    """EIGRP, RIP, IS-IS and OSPFv3: without any line of authentication certainly not; with some, on which links is not judged."""
    protocols: tuple[tuple[str, Literal["eigrp", "rip", "isis", "ospfv3"], str], ...] = (
        (r"router eigrp \S+", "eigrp", r"(?:ip |ipv6 )?authentication (?:mode|key-chain)"),
        (r"router rip\b", "rip", r"ip rip authentication (?:mode md5|key-chain)"),
        (r"router isis\b", "isis", r"(?:isis )?authentication mode md5"),
        (r"(?:router ospfv3|ipv6 router ospf) \d+", "ospfv3", r"(?:ospfv3|ipv6 ospf|area).* (?:authentication|encryption) "),
    )
    for head, protocol, proof in protocols:
        compiled = re.compile(proof)
        some = any(compiled.match(node.text) for node in tree.walk())
        for node in tree.children:
            if re.match(head, node.text):
                yield Routing(protocol=protocol, name=node.text.split(" ", 1)[1], authenticated=None if some else False)
