"""Junos: packet filters where they are used, as rules."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from collectors.devices.juniper_junos.ranges import Ranges, network
from collectors.devices.juniper_junos.reach import MANAGEMENT, bound, narrows, prefixes, terms, units
from collectors.devices.juniper_junos.text import instances, scopes
from collectors.devices.syntax.junos import Node
from collectors.facts.filtering import Action, FilterRule

_FAMILIES = ("inet", "inet6", "ethernet-switching", "bridge", "any")


class _Bound(NamedTuple):
    """A filter and where it is used."""

    place: str
    scope: Node
    family: str
    way: str
    name: str


def _places(root: Node) -> Iterator[_Bound]:
    """Every filter of an interface, a VLAN or a forwarding table; those of lo0 guard the device itself."""
    for _, scope in scopes(root):
        for port in scope.below("interfaces"):
            for unit in port.below("unit") if not port.name.startswith(("lo0", *MANAGEMENT, "interface-range")) else ():
                for family in _FAMILIES:
                    for way in ("input", "output"):
                        for name in bound(unit, family, way):
                            yield _Bound(f"{port.name}.{unit.name}", scope, family, way, name)
        for vlan in scope.below("vlans"):
            for way in ("input", "output"):
                for name in (*vlan.words("filter", way), *vlan.words("forwarding-options", "filter", way)):
                    yield _Bound(vlan.name, scope, "ethernet-switching", way, name)
    for where, scope in instances(root):
        for family in _FAMILIES:
            for way in ("input", "output"):
                for name in scope.words("forwarding-options", "family", family, "filter", way):
                    yield _Bound(f"{where}forwarding", scope, family, way, name)


def unfiltered(root: Node) -> Action:
    """Refused is what no term names, but only where every routed interface in use has a filter for what comes in."""
    routed = [unit for unit in units(root) if not unit.name.startswith(MANAGEMENT)]
    return (
        "deny"
        if routed
        and all(bound(unit.node, family) for unit in routed for family in ("inet", "inet6") if unit.node.has("family", family))
        else "permit"
    )


def rules(root: Node) -> Iterator[FilterRule]:
    where: dict[tuple[int, str, str], list[_Bound]] = {}
    for one in _places(root):
        where.setdefault((id(one.scope), one.family, one.name), []).append(one)
    for places in where.values():
        first = places[0]
        for term in terms(root, first.scope, first.name, first.family):
            yield _term(root, first, term, [(one.place, one.way) for one in places])


def _term(root: Node, of: _Bound, term: Node, places: list[tuple[str, str]]) -> FilterRule:
    said, then = term.at("from") or Node("from"), term.at("then") or Node("then")
    action: Action = "deny" if then.has("discard") else "reject" if then.has("reject") else "permit"
    if then.has("next") or then.has("next-term") or term.has("filter"):
        action = "other"
    wide = partial(_wide, root, of.scope, said, v6=of.family == "inet6")
    return FilterRule(
        list=of.name,
        name=term.name,
        action=action,
        enabled=True,
        source_any=wide("source"),
        destination_any=wide("destination"),
        service_any=not any(
            said.has(key)
            for key in (
                "protocol",
                "next-header",
                "payload-protocol",
                "icmp-type",
                "ether-type",
                "tcp-established",
                "is-fragment",
                "ip-protocol",
            )
        )
        and not any(narrows(said, key) for key in ("destination-port", "port")),
        source_zones=tuple(place for place, way in places if way == "input"),
        destination_zones=tuple(place for place, way in places if way == "output"),
        logged=then.has("log") or then.has("syslog"),
    )


def _wide(root: Node, scope: Node, said: Node, side: str, *, v6: bool) -> bool:
    """Any address of that side. Nothing but exceptions, and empty lists, are everybody."""
    entries = [(node.name, node.has("except")) for key in (f"{side}-address", "address") for node in said.below(key)]
    for key in (f"{side}-prefix-list", "prefix-list"):
        for node in said.below(key):
            entries += [(net, node.has("except")) for net in prefixes(root, scope, node.name)]
    if all(refused for _, refused in entries):
        return True
    found = Ranges()
    for net, refused in sorted(entries, key=lambda entry: -network(entry[0])[1].size):
        six, addresses = network(net)
        if six == v6:
            found = found - addresses if refused else found | addresses
    return found.wide(v6)


def unbound(root: Node) -> Iterator[str]:
    """Filters whose name stands nowhere outside `firewall`, and outside terms that call others."""
    used: set[str] = set()
    for _, scope in scopes(root):
        for part in scope.below():
            if part.name not in ("firewall", "groups", "logical-systems", "tenants"):
                used |= {node.name for holder in part.walk() for node in _named(holder)}
        for holder in scope.below("firewall"):
            used |= {
                node.name for child in holder.walk() if child.name == "filter" for node in child.nodes.values() if not node.nodes
            }
    for _, scope in scopes(root):
        seen: set[str] = set()
        tables = [scope.below("firewall", "filter")]
        tables += [family.below("filter") for family in scope.below("firewall", "family")]
        for table in tables:
            for known in table:
                if known.name not in used and known.name not in seen:
                    seen.add(known.name)
                    yield known.name


def _named(holder: Node) -> Iterator[Node]:
    if holder.name in ("filter", "input", "output", "input-list", "output-list", "filter-list", "service-filter"):
        yield from holder.nodes.values()
