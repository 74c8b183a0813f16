"""Junos: from where a service of the device itself can be reached, past filters of the loopback, of interfaces, and of zones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from collectors.devices.juniper_junos.ranges import PORTS, Ranges, everything, network, ports
from collectors.devices.juniper_junos.text import Version, fits, instances, scopes
from collectors.devices.syntax.junos import Node
from collectors.errors import Unparsable, Unsupported

MANAGEMENT = ("fxp0", "em0", "em1", "me0", "vme")
"""Ports beside the forwarding plane."""
_PROTOCOLS = {"tcp": "6", "udp": "17"}
_KNOWN = frozenset({
    "source-address", "source-prefix-list", "protocol", "protocol-except", "next-header", "payload-protocol", "destination-port",
    "destination-port-except", "port", "tcp-established", "tcp-initial", "tcp-flags", "is-fragment", "fragment-offset", "first-fragment",
    "icmp-type", "icmp-code", "address", "prefix-list", "ip-protocol", "icmp-type-except", "ether-type",
})  # fmt: skip
_STOPS = ("discard", "reject")
_FOLLOWING = re.compile(r"(?:[\s()&|]*(?:ack|rst|fin|push|urgent)\b)+[\s()&|]*")
"""Flags no first packet bears. `!ack`, a number, or nothing told is not among them."""


class Service(NamedTuple):
    """What is looked for: the name zones know it by, and its port."""

    name: str
    protocol: str
    port: int


class Zoned(NamedTuple):
    """A security zone and what it says of one interface of it."""

    zone: Node
    member: Node


class Unit(NamedTuple):
    """One logical interface that has an address."""

    name: str
    node: Node
    scope: Node
    instance: str
    place: Zoned | None

    @property
    def zone(self) -> str | None:
        return self.place.zone.name if self.place else None


class Reach(NamedTuple):
    """Where a service is open: the interfaces, and the addresses that may try."""

    units: tuple[Unit, ...]
    anywhere: bool
    sources: tuple[str, ...]


def units(root: Node) -> tuple[Unit, ...]:
    """Logical interfaces in use with an address of their own, loopbacks aside."""
    held = zone_of(root)
    placed = {node.name: instance for instance, scope in instances(root) for node in scope.below("interface") if instance}
    found = []
    for _, scope in scopes(root):
        for port in scope.below("interfaces"):
            if port.name.startswith(("lo0", "interface-range", "traceoptions")) or port.has("disable"):
                continue
            for unit in port.below("unit"):
                name = f"{port.name}.{unit.name}"
                if not unit.has("disable") and any(speaks(unit, family) for family in ("inet", "inet6")):
                    found.append(Unit(name, unit, scope, placed.get(name, ""), held.get(name, held.get("all"))))
    return tuple(found)


def speaks(unit: Node, family: str) -> bool:
    """The interface has an address of this family, or asks for one."""
    node = unit.at("family", family)
    words = ("address", "dhcp", "dhcp-client", "dhcpv6-client", "unnumbered-address", "negotiate-address")
    return node is not None and any(node.has(word) for word in words)


def zone_of(root: Node) -> dict[str, Zoned]:
    """interface -> security zone. Two logical systems may each have a zone of the same name."""
    return {
        member.name if "." in member.name or member.name == "all" else f"{member.name}.0": Zoned(zone, member)
        for zone in zones(root)
        for member in zone.below("interfaces")
    }


def zones(root: Node) -> Iterator[Node]:
    """Security zones of the device, its logical systems and tenants, and the one for management."""
    for _, scope in scopes(root):
        yield from scope.below("security", "zones", "security-zone")
        yield from scope.below("security", "zones", "functional-zone")


def zoned(root: Node, told: Version) -> bool:
    """Zones decide, because this is a firewall that follows flows."""
    if not told.firewall:
        return False
    modes = root.at("security", "forwarding-options", "family") or Node("family")
    if modes.word("mpls", "mode") == "packet-based":
        return False
    if modes.word("inet6", "mode") == "packet-based":
        raise Unsupported("IPv6 passes packet by packet and IPv4 by flows, which was not followed")
    return True


def reach(root: Node, told: Version, service: Service, only: tuple[str, ...] = ()) -> Reach:
    """Where the service answers, and whom. `only`: the interfaces its own configuration names.

    Raises where filters are not understood, or where one is said not to hold for a management port.
    """
    known = units(root)
    if not known:
        raise Unsupported("no interface shows an address, so where the device answers is not known")
    open_units, allowed4, allowed6 = [], Ranges(), Ranges()
    for unit in known:
        if only and unit.name not in only:
            continue
        if zoned(root, told) and not unit.name.startswith(MANAGEMENT) and not _zone_admits(unit, service.name):
            continue
        four = _allowed(root, told, unit, service, v6=False)
        six = _allowed(root, told, unit, service, v6=True)
        if four or six:
            open_units.append(unit)
            allowed4, allowed6 = allowed4 | four, allowed6 | six
    wide = allowed4.wide(False) or allowed6.wide(True)
    if wide and zoned(root, told) and _host_policies(root):
        raise Unsupported("policies to the zone junos-host may narrow who reaches the device; they were not followed")
    return Reach(tuple(open_units), wide, () if wide else (*allowed4.networks(False), *allowed6.networks(True)))


def _host_policies(root: Node) -> bool:
    return any(
        pair.has("to-zone", "junos-host")
        for _, scope in scopes(root)
        for pair in scope.below("security", "policies", "from-zone")
    )


def _zone_admits(unit: Unit, name: str) -> bool:
    """What stands at the interface takes the place of what stands at the zone."""
    if unit.place is None:
        return False  # without a zone nothing is let in
    holder = unit.place.member if unit.place.member.has("host-inbound-traffic") else unit.place.zone
    said = holder.at("host-inbound-traffic", "system-services")
    if said is None:
        return False
    if said.has(name, "except"):
        return False
    return bool({name, "all", "any-service"} & set(said.words()))


# --- filters ----------------------------------------------------------------------------------------------------------


def _allowed(root: Node, told: Version, unit: Unit, service: Service, *, v6: bool) -> Ranges:
    family = "inet6" if v6 else "inet"
    if not speaks(unit.node, family):
        return Ranges()
    own = bound(unit.node, family)
    found = _through(root, unit.scope, own, service, v6=v6)
    beside = told.switch and unit.name.startswith(MANAGEMENT)
    shield = _loopback(unit, family)
    if beside and shield and found.wide(v6):
        raise Unsupported(f"{unit.name} has no filter of its own; whether that of lo0 holds for it is not told")
    return found & _through(root, unit.scope, shield, service, v6=v6)


def bound(unit: Node, family: str, way: str = "input") -> tuple[str, ...]:
    """Filters of an interface, in the order they are tried."""
    return (*unit.words("family", family, "filter", way)[:1], *unit.words("family", family, "filter", f"{way}-list"))


def _loopback(unit: Unit, family: str) -> tuple[str, ...]:
    """The filters of the loopback of the interface's instance; that of the device where the instance has none."""
    loopback = unit.scope.below("interfaces", "lo0", "unit")
    taken: dict[str, str] = {
        node.name: where for where, scope in instances(unit.scope) for node in scope.below("interface") if where
    }
    for where in dict.fromkeys((unit.instance.split()[-1] + " " if unit.instance else "", "")):
        for node in loopback:
            if taken.get(f"lo0.{node.name}", "") == where:
                return bound(node, family)
    return ()


def _through(root: Node, scope: Node, names: tuple[str, ...], service: Service, *, v6: bool) -> Ranges:
    """The source addresses that get through these filters to the service."""
    if not names:
        return everything(v6)
    left, allowed = everything(v6), Ranges()
    for name in names:
        for term in terms(root, scope, name, "inet6" if v6 else "inet"):
            if term.has("filter"):
                raise Unsupported(f"the filter {name} calls another one, which was not followed")
            matched = _sources(root, scope, term, service, v6=v6)
            if matched is None:
                continue
            sources, whole = matched
            then = term.at("then") or Node("then")
            if then.has("next") or then.has("next-term"):
                continue
            if not any(then.has(stop) for stop in _STOPS):
                allowed = allowed | (sources & left)
                left = left - sources if whole else left
            elif whole:
                left = left - sources
            if not left:
                return allowed
    return allowed


def terms(root: Node, scope: Node, name: str, family: str) -> tuple[Node, ...]:
    """The terms of a filter. Raises Unparsable for one that is bound and not there."""
    for place in (scope, root):
        for path in (("firewall", "family", family, "filter"), ("firewall", "family", "any", "filter"), ("firewall", "filter")):
            found = place.at(*path, name)
            if found is not None:
                return found.below("term")
    raise Unparsable(f"the filter {name} is bound and is not in the configuration")


def _sources(root: Node, scope: Node, term: Node, service: Service, *, v6: bool) -> tuple[Ranges, bool] | None:
    """(sources the term matches, whether it matches every packet of the service from them); None where it matches none."""
    said = term.at("from") or Node("from")
    whole = all(child.name in _KNOWN for child in said.below())
    drops = any(term.has("then", stop) for stop in _STOPS)
    numbers = {service.protocol, _PROTOCOLS[service.protocol]}
    for key in ("protocol", "next-header", "payload-protocol", "ip-protocol"):
        if said.has(key) and not numbers & set(said.words(key)):
            return None
    if numbers & set(said.words("protocol-except")):
        return None
    if any(
        said.has(key) for key in ("tcp-established", "is-fragment", "fragment-offset", "icmp-type", "icmp-code", "ether-type")
    ):
        return None  # no packet that opens a session
    if said.has("tcp-flags") and _FOLLOWING.fullmatch(said.word("tcp-flags") or ""):
        return None
    if said.has("tcp-flags") or said.has("first-fragment"):
        whole = False
    if said.has("destination-port") and service.port not in ports(said.words("destination-port")):
        return None
    if said.has("destination-port-except") and service.port in ports(said.words("destination-port-except")):
        return None
    if said.has("port") and service.port not in ports(said.words("port")):
        whole = False  # whoever sends chooses the source port, which counts too
    if said.has("address") or said.has("prefix-list"):
        if drops:
            return Ranges(), True
        raise Unsupported(f"the term {term.name} names addresses of either end; whom it lets in was not followed")
    return _listed(root, scope, said, drops, v6=v6), whole


def _listed(root: Node, scope: Node, said: Node, drops: bool, *, v6: bool) -> Ranges:
    """The longest network that holds an address decides; one that stands there with `except` is not matched."""
    if not said.has("source-address") and not said.has("source-prefix-list"):
        return everything(v6)
    named = [(node.name, node.has("except")) for node in said.below("source-address")]
    for node in said.below("source-prefix-list"):
        named += [(net, node.has("except")) for net in prefixes(root, scope, node.name)]
    entries = [entry for net, refused in named for entry in _entry(net, refused, v6=v6)]
    if not named or (entries and all(refused for _, refused, _ in entries)):
        # empty lists, or nothing but exceptions: taken for the worse of both readings
        return Ranges() if drops else everything(v6)
    found = Ranges()
    for _, refused, addresses in sorted(entries, key=lambda entry: -entry[0]):
        found = found - addresses if refused else found | addresses
    return found


def _entry(said: str, refused: bool, *, v6: bool) -> list[tuple[int, bool, Ranges]]:
    six, addresses = network(said)
    return [(addresses.size, refused, addresses)] if six == v6 else []


def prefixes(root: Node, scope: Node, name: str) -> tuple[str, ...]:
    """The networks of a prefix list, those of its apply-path too. Raises Unparsable where it is not there."""
    for place in (scope, root):
        found = place.at("policy-options", "prefix-list", name)
        if found is not None:
            path = (found.word("apply-path") or "").split()
            return (*(word for word in found.words() if word != "apply-path"), *(_networks(place, path) if path else ()))
    raise Unparsable(f"the prefix list {name} is used and is not in the configuration")


def _networks(place: Node, path: list[str]) -> Iterator[str]:
    """The networks other statements name; a name of a host among them is passed over, as Junos does."""
    nodes = [place]
    for pattern in path:
        nodes = [child for node in nodes for child in node.below() if fits(pattern, child.name)]
    for node in nodes:
        try:
            network(node.name)
        except Unparsable:
            continue
        yield node.name


def narrows(said: Node, key: str) -> bool:
    """The ports named there are fewer than all."""
    return said.has(key) and ports(said.words(key)).size < PORTS - 2
