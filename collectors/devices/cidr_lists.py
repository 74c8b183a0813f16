"""Access lists of NX-OS and EOS: whom they let in to a service, and what of the fact `filtering` they make."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from collectors.devices.syntax.cidr_acl import Entry, Words, admitted, covers, services, sides
from collectors.devices.syntax.indent import Node
from collectors.devices.syntax.tree import Line
from collectors.errors import Unparsable
from collectors.facts.filtering import Action, FilterRule

SSH, TELNET, HTTP, HTTPS, SNMP = ("tcp", 22), ("tcp", 23), ("tcp", 80), ("tcp", 443), ("udp", 161)


class AccessList(NamedTuple):
    """One list by its name."""

    name: str
    v6: bool
    entries: tuple[Entry, ...]


class Reach(NamedTuple):
    """Who may try, by the lists at a door. `anywhere` is None where a list is empty, missing or names an unknown group."""

    anywhere: bool | None
    sources: tuple[str, ...]


def reach(
    lists: Mapping[str, AccessList], v4: str | None, v6: str | None, speaks_v6: bool, service: tuple[str, int], both: bool = False
) -> Reach:
    """Whom the lists of a door admit. Without one for a family the device speaks, everybody comes in by that family.

    `both`: the service asks the one list for IPv4 and IPv6 alike.
    """
    names = [v4, v6] if speaks_v6 and not both else [v4]
    if any(name is None for name in names):
        return Reach(True, ())
    sources: list[str] = []
    unknown = False
    for name in names:
        found = lists.get(name or "")
        nets = admitted(found.entries, *service) if found and found.entries else None
        if covers(nets):
            return Reach(True, ())
        unknown = unknown or nets is None or covers(nets) is None
        sources += nets or ()
    return Reach(None, ()) if unknown else Reach(False, tuple(dict.fromkeys(sources)))


class Bound(NamedTuple):
    """A place where a list filters what passes."""

    place: str
    inward: bool
    outward: bool


def rows(lists: Mapping[str, AccessList], bound: Mapping[str, Sequence[Bound]]) -> tuple[FilterRule, ...]:
    """The entries of every list that filters something. Raises Unparsable for a list, or a group, that is not there."""
    return tuple(row for name, places in bound.items() for row in _rows(lists, name, places))


def _rows(lists: Mapping[str, AccessList], name: str, places: Sequence[Bound]) -> Iterator[FilterRule]:
    if name not in lists:
        raise Unparsable(f"the list {name} is bound to {places[0].place} and is not in the configuration")
    if not lists[name].entries:
        raise Unparsable(f"the list {name} is bound to {places[0].place} and is empty; what that lets through is not told")
    entries = lists[name].entries
    words = [Words(each.action == "permit", each.source, each.destination, each.every_service, each.whole) for each in entries]
    told = zip(entries, sides(words), services(words), strict=True)
    for count, (entry, (source, destination), every_service) in enumerate(told, 1):
        if entry.source is None or entry.destination is None:
            raise Unparsable(f"the list {name}, entry {entry.number or count}: names a group that is not in the configuration")
        if (
            entry.action == "permit"
            and entry.every_service
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
            service_any=every_service,
            source_zones=tuple(bound.place for bound in places if bound.inward),
            destination_zones=tuple(bound.place for bound in places if bound.outward),
            logged=entry.logged,
        )


def unbound(lists: Iterable[str], others: Iterable[Line]) -> tuple[str, ...]:
    """Lists whose name stands in none of the other lines. `others`: what is no list, with all below."""
    used: set[str] = set()
    for line in others:
        for each in (line, *line.walk()):
            if not each.text.startswith("description "):
                used |= set(each.text.split())
    return tuple(name for name in lists if name not in used)


def routed(interfaces: Iterable[Node], aside: str) -> list[Node]:
    """Interfaces in use that have an address, of their own or lent, but those that `aside` matches: loopbacks, management."""
    return [
        node
        for node in interfaces
        if node.stands("shutdown") is not True
        and (_speaks(node, "ip") or _speaks(node, "ipv6"))
        and not re.match(aside, node.text)
    ]


def default_action(doors: Sequence[Node], lists: Mapping[str, AccessList], bound: Mapping[str, Sequence[Bound]]) -> Action:
    """deny where every routed interface in use has a list, with something in it, for what comes in by each family it speaks."""
    for node in doors:
        place = node.text.removeprefix("interface ")
        for family, six in (("ip", False), ("ipv6", True)):
            filtered = any(
                each.place == place and each.inward and name in lists and lists[name].v6 is six and lists[name].entries
                for name, places in bound.items()
                for each in places
            )
            if _speaks(node, family) and not filtered:
                return "permit"
    return "deny" if doors else "permit"


def checks_source(node: Node) -> bool:
    """In each family the interface speaks, and strictly: `reachable-via any` asks only for some way back."""
    return all(
        node.matches(rf"{family} verify unicast source reachable-via rx\b") for family in ("ip", "ipv6") if _speaks(node, family)
    )


def _speaks(node: Node, family: str) -> bool:
    return bool(node.matches(rf"{family} (?:address (?!none\b)\S|unnumbered \S|enable$)"))
