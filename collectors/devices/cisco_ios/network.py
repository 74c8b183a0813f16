"""Cisco IOS: traffic between networks, first-hop gateways, routing protocols."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address
from typing import Literal

from collectors.devices.cisco_ios.acl import V6, AccessList, access_lists
from collectors.devices.cisco_ios.text import config
from collectors.devices.syntax.cidr_acl import Words, services, sides
from collectors.devices.syntax.indent import Node
from collectors.errors import Unparsable
from collectors.facts.base import Gaps
from collectors.facts.filtering import Filtering, FilterRule, Zone
from collectors.facts.redundancy import Gateway, Redundancy, Routing
from collectors.transports.base import DeviceCli

_SAYS_NOTHING = re.compile(r"description |switchport |remark |(?:\d+ )?remark |access-list \S+ remark ")
_OUTSIDE = re.compile(r"(?i)(?:^|[^a-z])(?:wan|internet|outside|untrust|ngoai|isp|viettel|vnpt|fpt|cmc)(?:[^a-z]|$)|^out")


def filtering(cli: DeviceCli) -> Filtering:
    """Packet lists bound to interfaces, or a zone-based firewall. Lists of management access are left to device_access."""
    gaps = Gaps()
    tree = config(cli)
    lists = access_lists(tree)
    bound = _bound(tree)
    zones = tuple(_zones(tree))
    outside = _outside(tree, zones)
    if not outside:
        gaps.note("anti_spoofing", "unsupported", "no interface is marked as leading outside, by zone, NAT or description")
    return Filtering(
        stateful=_stateful(tree),
        default_action=_default_action(tree, lists, gaps),
        rules=_rules(lists, bound, gaps),
        unbound=tuple(known.name for known in lists.values() if not _mentioned(tree, known)),
        zones=zones,
        anti_spoofing=all(map(_checks_source, outside)) if outside else None,
        unseen=gaps.unseen,
    )


def _stateful(tree: Node) -> bool:
    """A zone pair's policy inspects a class, or an inspection rule is bound to an interface."""
    inspecting = {
        policy.text.split()[-1]
        for policy in tree.blocks("policy-map type inspect ")
        if any(child.has("inspect") or child.lines("inspect ") for child in policy.blocks("class "))
    }
    if any(
        name in inspecting for pair in tree.blocks("zone-pair security ") for name in pair.lines("service-policy type inspect ")
    ):
        return True
    rules = {found[1] for found in tree.matches(r"ip inspect name (\S+) ")}
    return any(found[1] in rules for one in tree.blocks("interface ") for found in one.matches(r"ip inspect (\S+) (?:in|out)$"))


def _default_action(tree: Node, lists: Mapping[str, AccessList], gaps: Gaps) -> Literal["permit", "deny"] | None:
    """What happens to traffic that no line names."""
    if not list(tree.blocks("zone-pair security ")):
        return "deny" if _all_filtered(tree, lists) else "permit"
    free = Counter(_vrf(one) for one in _routed(tree) if not one.lines("zone-member security "))
    if any(count > 1 for count in free.values()):
        return "permit"  # between interfaces of no zone everything passes; between one of none and one of some nothing does
    passing = [
        policy.text.split()[-1]
        for policy in tree.blocks("policy-map type inspect ")
        for last in policy.blocks("class class-default")
        if last.has("pass") or last.has("inspect") or last.lines("pass ") or last.lines("inspect ")
    ]
    if passing:
        gaps.note(
            "default_action", "unsupported", f"class-default of {passing[0]} does not drop; what it lets through was not followed"
        )
        return None
    return "deny"


def _routed(tree: Node) -> list[Node]:
    """Interfaces in use that have an address of their own."""
    return [
        one
        for one in tree.blocks("interface ")
        if one.flag("shutdown") is not True and "Loopback" not in one.text and (_speaks(one, v6=False) or _speaks(one, v6=True))
    ]


def _vrf(interface: Node) -> str:
    return next((found[1] for found in interface.matches(r"(?:ip )?vrf forwarding (\S+)")), "")


def _speaks(interface: Node, *, v6: bool) -> bool:
    words = r"ipv6 (?:address|enable)" if v6 else r"ip (?:address (?:\d|dhcp|negotiated|pool)|unnumbered )"
    return bool(interface.matches(words))


def _bound(tree: Node) -> Mapping[str, list[tuple[str, str]]]:
    """List -> (interface, in or out), and the class maps of a zone-based firewall as (class map, "").

    Raises Unparsable for a line that binds in words this file does not know.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for interface in tree.blocks("interface "):
        name = interface.text.split()[1]
        for way, lists in _lists_at(interface):
            for bound in lists:
                found.setdefault(bound, []).append((name, way))
    known = access_lists(tree)
    for inspected in tree.blocks("class-map type inspect "):
        for match in inspected.matches(r"match access-group (?:name )?(\S+)"):
            # the name stands for lists of both families
            both = [each for each in (match[1], f"{V6}{match[1]}") if each in known] or [match[1]]
            for each in both:
                found.setdefault(each, []).append((inspected.text.split()[-1], ""))
    return found


def _lists_at(interface: Node) -> Iterator[tuple[str, list[str]]]:
    """(in or out, lists), in the order they are asked: a common list stands before the interface's own, or alone."""
    for line in interface.children:
        if line.text.startswith("ip access-group "):
            bound = re.fullmatch(r"ip access-group (?:common (\S+)(?: (\S+))?|(\S+)) (in|out)(?: optional)?", line.text)
            names = [name for name in bound.groups()[:3] if name] if bound else []
        elif line.text.startswith("ipv6 traffic-filter "):
            bound = re.fullmatch(r"ipv6 traffic-filter (?:common (\S+)(?: (\S+))?|(\S+)) (in|out)", line.text)
            names = [f"{V6}{name}" for name in bound.groups()[:3] if name] if bound else []
        else:
            continue
        if not bound:
            raise Unparsable(f"{interface.text}: cannot place {line.text[:80]}")
        yield bound[4], names


def _rules(
    lists: Mapping[str, AccessList], bound: Mapping[str, list[tuple[str, str]]], gaps: Gaps
) -> tuple[FilterRule, ...] | None:
    """None where a permitting line names what cannot be resolved: it may permit everything."""
    found: list[FilterRule] = []
    for name, places in bound.items():
        ways = {
            "source_zones": tuple(place for place, way in places if way == "in"),
            "destination_zones": tuple(place for place, way in places if way == "out"),
        }
        entries = lists[name].entries if name in lists else ()
        if not entries and not any(way for _, way in places):
            gaps.note("rules", "unsupported", f"class maps ask list {name.removeprefix(V6)}, which is absent or empty")
            return None
        if not entries:
            # an interface lets everything through by a list that does not exist or has no line
            found.append(
                FilterRule(
                    list=name.removeprefix(V6), name="absent or empty", action="permit", enabled=True, source_any=True, destination_any=True,
                    service_any=True, logged=False, **ways,
                )
            )  # fmt: skip
        words = [
            Words(each.action == "permit", each.source_nets, each.destination_nets, each.every_service is True, each.whole)
            for each in entries
        ]
        told = zip(entries, sides(words), services(words), strict=True)
        for number, (entry, side, every) in enumerate(told, 1):
            whole = *side, every or entry.every_service
            if entry.action == "permit" and None in whole and False not in whole:
                gaps.note(
                    "rules",
                    "unsupported",
                    f"list {name.removeprefix(V6)}: what line {entry.number or number} permits could not be resolved",
                )
                return None
            found.append(
                FilterRule(
                    list=name.removeprefix(V6), name=entry.number or str(number), action="permit" if entry.action == "permit" else "deny", enabled=True,
                    source_any=whole[0] is True, destination_any=whole[1] is True, service_any=whole[2] is True, logged=entry.logged,
                    **ways,
                )
            )  # fmt: skip
    return tuple(found)


def _all_filtered(tree: Node, lists: Mapping[str, AccessList]) -> bool:
    """Every routed interface in use has a list for what comes in, in each family it speaks: what no line names is refused by the
    list's end."""
    routed = _routed(tree)
    return bool(routed) and all(_filtered(one, lists, v6=v6) for one in routed for v6 in (False, True) if _speaks(one, v6=v6))


def _filtered(interface: Node, lists: Mapping[str, AccessList], *, v6: bool) -> bool:
    # a list common to many ports hands on to the port's own, if there is one; what the end of a common list alone does is not told
    last = [names[-1] for way, names in _lists_at(interface) if way == "in" and names[-1].startswith(V6) is v6]
    common = interface.matches(rf"{'ipv6 traffic-filter' if v6 else 'ip access-group'} common \S+ in")
    return not common and any(name in lists and bool(lists[name].entries) for name in last)


def _mentioned(tree: Node, known: AccessList) -> bool:
    """Some line other than its own speaks of the list. A line that says of which family it speaks binds no list of the other."""
    name = known.name
    other = re.compile(
        r"ip access-group |ip access-class |access-class " if known.v6 else r"ipv6 (?:traffic-filter|access-class) "
    )
    word = re.compile(rf"(?<!\S){re.escape(name)}(?!\S)")
    own = re.compile(rf"(?:ip|ipv6) access-list (?:standard |extended )?{re.escape(name)}$|access-list {re.escape(name)} ")
    about = ("access-group", "traffic-filter", "access-class", "snmp-server", "match ", "ip nat", "ntp ", "distribute-list", "ip http",
             "logging", "rp-", "ip pim", "tunnel", "crypto", "access ", "debug", "route-map", "ip policy", "ip igmp", "ip ssh", "login")  # fmt: skip
    return any(
        word.search(node.text)
        and not own.match(node.text)
        and not other.match(node.text)
        and not _SAYS_NOTHING.match(node.text)
        and any(part in node.text for part in about)
        for node in tree.walk()
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
    # `reachable-via any` asks only for some way back, the default route included
    return bool(interface.matches(r"ip verify unicast (?:source reachable-via rx\b|reverse-path)"))


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
            keyed = {
                found[1] or ""
                for found in interface.matches(rf"{word}(?: (\d+))? authentication md5 (key-string|key-chain) (\S+)")
                if found[2] == "key-string" or tree.has(f"key chain {found[3]}")
            }
            for group in sorted(groups):
                yield Gateway(interface=f"{name} {group}".strip(), protocol=protocol, authenticated=group in keyed)


def _ospf(tree: Node) -> Iterator[Routing]:
    for process in (node for node in tree.children if re.match(r"router ospf \d+", node.text)):
        number = process.text.split()[2]
        for area, interfaces in _areas(tree, process, number).items():
            whole = bool(process.flag(f"area {area} authentication message-digest"))
            own = [_ospf_keyed(interface, whole) for interface in interfaces]
            yield Routing(protocol="ospf", name=f"{number} area {area}", authenticated=all(own) if own else None)
        links: dict[str, bool] = {}
        for found in process.matches(r"area \S+ virtual-link (\S+)(.*)"):  # several lines may speak of one link
            links[found[1]] = links.get(found[1], False) or bool(re.search(r"message-digest-key|key-chain", found[2]))
        for peer, keyed in links.items():
            yield Routing(protocol="ospf", name=f"{number} virtual-link {peer}", authenticated=keyed)


def _ospf_keyed(interface: Node, area: bool) -> bool:
    """What an interface says of itself counts before what its area says; a digest without a key is an empty one."""
    said = [found[1] for found in interface.matches(r"ip ospf authentication(?: (\S+))?")]
    if said and said[-1] == "key-chain":
        return True
    digest = said[-1] == "message-digest" if said else area
    return digest and bool(interface.matches(r"ip ospf message-digest-key \d+ md5 "))


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
        keyed = {found[1] for node in inner for found in node.matches(r"neighbor (\S+) (?:password|ao) ")}
        sessions = {node.text.split()[-1] for node in process.blocks("template peer-session ") if node.lines("password ")}
        groups = {found[1]: found[2] for node in inner for found in node.matches(r"neighbor (\S+) peer-group (\S+)")}
        inherits = {found[1]: found[2] for node in inner for found in node.matches(r"neighbor (\S+) inherit peer-session (\S+)")}
        declared = {found[1] for node in inner for found in node.matches(r"neighbor (\S+) peer-group$")}
        peers = dict.fromkeys(
            found[1] for node in inner for found in node.matches(r"neighbor ([0-9A-Fa-f.:]+) (?:remote-as|peer-group|inherit)")
        )
        for listening in (found for node in inner for found in node.matches(r"bgp listen range (\S+) peer-group (\S+)")):
            yield Routing(protocol="bgp", name=f"{number} listen {listening[1]}", authenticated=listening[2] in keyed)
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
