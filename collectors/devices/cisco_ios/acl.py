"""Cisco IOS: access lists, by name or number, and whom they let in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Network, ip_network, summarize_address_range
from typing import NamedTuple

from collectors.devices.syntax.cidr_acl import ANY, Nets, all_ports, covers
from collectors.devices.syntax.indent import Node
from collectors.errors import Unparsable

V6 = "ipv6 "
_PORTS = ("eq", "neq", "lt", "gt", "range")
_UNTOLD = "object-group ?"
"""A source nobody can resolve: no group has this name."""


class Entry(NamedTuple):
    """One line of an access list. Addresses as networks with a prefix length where the wildcard allows it."""

    action: str
    protocol: str
    source: str
    destination: str
    ports: bool
    """It names ports, ICMP types or flags."""
    logged: bool
    number: str = ""
    established: bool = False
    """Only answers match it; it lets nobody begin."""
    source_nets: Nets = None
    destination_nets: Nets = None
    every_service: bool | None = None
    """None: a group of services that cannot be resolved."""
    whole: str = ""
    """tcp or udp, where it speaks of every port of it."""


class AccessList(NamedTuple):
    name: str
    v6: bool
    entries: tuple[Entry, ...]

    @property
    def anywhere(self) -> bool | None:
        """Somebody with any source address gets in, by one entry or by several together; an empty list too.

        None where a group, or a wildcard with holes, leaves it open.
        """
        if not self.entries:
            return True
        admitted: list[str] = []
        unknown = False
        for entry in self.entries:
            if entry.action == "permit" and not entry.established:
                unknown = unknown or entry.source_nets is None
                admitted += entry.source_nets or ()
            elif entry.action == "deny" and entry.every_service and entry.source == entry.destination == "any":
                break  # a deny of some ports only lets the rest through to what follows
        whole = covers(tuple(admitted))
        return None if unknown and not whole else whole

    @property
    def sources(self) -> tuple[str, ...]:
        """Whom it permits."""
        return tuple(dict.fromkeys(entry.source for entry in self.entries if entry.action == "permit" and not entry.established))


def access_lists(config: Node) -> Mapping[str, AccessList]:
    """Every list of the configuration, by name or number, those of IPv6 as `ipv6 NAME`: both families may use one name.

    Raises Unparsable for a line it cannot place.
    """
    rows: dict[str, list[Entry]] = {}
    for found in config.matches(r"access-list (\d+) (.*)$"):
        if _of_addresses(found[1]):
            rows.setdefault(found[1], []).extend(_entries([found[2]], _standard_number(found[1])))
    for found, node in _named(config):
        name = f"{V6}{found['name']}" if found["family"] == "ipv6" else found["name"]
        rows.setdefault(name, []).extend(_entries((child.text for child in node.children), found["kind"] == "standard"))
    nets, services = _networks(config), _services(config)
    return {
        name: AccessList(name.removeprefix(V6), name.startswith(V6), tuple(_resolved(entry, nets, services) for entry in entries))
        for name, entries in rows.items()
    }


def _of_addresses(number: str) -> bool:
    """200-299 and 700-1199 are lists of frame types and of hardware addresses."""
    return 1 <= int(number) <= 199 or 1300 <= int(number) <= 2699


# --- groups of objects ------------------------------------------------------------------------------------------------


def _resolved(entry: Entry, nets: Mapping[str, Nets], services: Mapping[str, bool]) -> Entry:
    if entry.protocol.startswith("object-group "):
        every = services.get(entry.protocol.removeprefix("object-group "))
        every = every and not entry.ports
    else:
        every = entry.protocol in ("ip", "ipv6") and not entry.ports
    return entry._replace(
        source_nets=_nets(entry.source, nets), destination_nets=_nets(entry.destination, nets), every_service=every
    )


def _nets(said: str, groups: Mapping[str, Nets]) -> Nets:
    if said.startswith("object-group "):
        return groups.get(said.removeprefix("object-group ")) or None
    if said == "any":
        return ANY
    if " " in said:
        return (said,)
    try:
        return (str(ip_network(said, strict=False)),)
    except ValueError:
        return None


def _networks(config: Node) -> Mapping[str, Nets]:
    """Groups of addresses; None for one that names what is not there, or in words this file does not know."""
    blocks = {node.text.split()[2]: node for node in config.children if re.match(r"object-group (?:v6-)?network \S+$", node.text)}
    return {name: _members(node, blocks, frozenset({name})) for name, node in blocks.items()}


def _members(node: Node, blocks: Mapping[str, Node], seen: frozenset[str]) -> Nets:
    nets: list[str] = []
    for child in node.children:
        words = child.text.split()
        if words[0] == "description":
            continue
        if words[0] == "group-object" and len(words) > 1:
            inner = blocks.get(words[1])
            own = _members(inner, blocks, seen | {words[1]}) if inner and words[1] not in seen else None
        else:
            own = _member(words)
        if own is None:
            return None
        nets += own
    return tuple(nets) or None


def _member(words: list[str]) -> Nets:
    """`any`, `host A`, `A MASK`, `A /24`, `A/24` or `range A B`."""
    try:
        if words == ["any"]:
            return ANY
        if words[0] == "range" and len(words) == 3:
            low, high = IPv4Address(words[1]), IPv4Address(words[2])
            return tuple(str(net) for net in summarize_address_range(low, high) if isinstance(net, IPv4Network))
        rest = words[1:] if words[0] == "host" else words
        return (str(ip_network("/".join(word.lstrip("/") for word in rest), strict=False)),)
    except ValueError:
        return None


def _services(config: Node) -> Mapping[str, bool]:
    """Groups of services: whether every protocol and port is in it. One with other groups in it is left out."""
    return {
        node.text.split()[2]: any(child.text in ("ip", "ipv6") for child in node.children)
        for node in config.children
        if re.match(r"object-group service \S+$", node.text) and node.children and not node.lines("group-object ")
    }


def _named(config: Node) -> Iterable[tuple[re.Match[str], Node]]:
    for node in config.children:
        found = re.match(
            r"(?P<family>ip|ipv6) access-list (?:(?P<kind>standard|extended) )?(?!resequence|log-update|logging)(?P<name>\S+)$",
            node.text,
        )
        if found:
            yield found, node


def _standard_number(name: str) -> bool:
    return name.isdecimal() and (1 <= int(name) <= 99 or 1300 <= int(name) <= 1999)


def _entries(lines: Iterable[str], standard: bool) -> Iterable[Entry]:
    for line in lines:
        words = line.split()
        number = words.pop(0) if words and words[0].isdecimal() else ""
        if words[:1] == ["sequence"] and len(words) > 2:  # IOS XE writes IPv6 lists so
            number, words = words[1], words[2:]
        if not words or words[0] in ("remark", "no", "statistics"):
            continue
        if words[0] == "evaluate":  # answers to what another list noted: it lets nobody begin
            yield Entry("permit", "ip", "any", "any", True, False, number, established=True)
            continue
        if words[0] == "dynamic":  # lock-and-key: opens for whoever logged on, from where is not told
            at = next((place for place, word in enumerate(words) if word in ("permit", "deny")), None)
            if at is None:
                raise Unparsable(f"access list: cannot place {line[:80]!r}")
            yield _extended(words[at:], number)._replace(source=_UNTOLD)
            continue
        if words[0] not in ("permit", "deny"):
            raise Unparsable(f"access list: cannot place {line[:80]!r}")
        yield _standard(words, number) if standard else _extended(words, number)


def _standard(words: list[str], number: str) -> Entry:
    rest = words[1:]
    source = _address(rest)
    return Entry(words[0], "ip", source, "any", False, "log" in rest, number)


def _extended(words: list[str], number: str) -> Entry:
    rest = words[1:]
    protocol = rest.pop(0) if rest else ""
    if protocol == "object-group" and rest:
        protocol = f"object-group {rest.pop(0)}"
    source = _address(rest)
    named = _ports(rest)
    destination = _address(rest)
    before = rest.copy()
    narrow = named  # whoever names source ports takes a part
    named = _ports(rest) or named
    ports = before[: len(before) - len(rest)]
    at = next((place for place, word in enumerate(rest) if word in ("log", "log-input")), len(rest))
    # a word behind `log` is a mark on the record, it narrows nothing
    more = [word for word in _narrowing(rest[:at]) if word not in ("established", "fragments")]
    answers = "established" in rest[:at]
    whole = {"tcp": "tcp", "6": "tcp", "udp": "udp", "17": "udp"}.get(protocol, "")
    return Entry(
        words[0],
        protocol,
        source,
        destination,
        named or bool(more) or answers,
        at < len(rest),
        number,
        established=answers,
        whole="" if narrow or more or answers or not all_ports(ports) else whole,
    )


def _narrowing(rest: list[str]) -> list[str]:
    """Without what takes nothing away: the name of a list for the answers, and hours, which come back every day."""
    found: list[str] = []
    words = iter(rest)
    for word in words:
        if word in ("reflect", "timeout", "time-range"):
            next(words, None)
        else:
            found.append(word)
    return found


def _ports(rest: list[str]) -> bool:
    """Takes port words away from the front."""
    if rest and rest[0] in _PORTS:
        kind = rest.pop(0)
        for _ in range(2 if kind == "range" else 1):
            if rest:
                rest.pop(0)
        # `eq 22 443` names several
        while kind in ("eq", "neq") and rest and re.fullmatch(r"\d{1,5}", rest[0]):
            rest.pop(0)
        return True
    return False


def _address(rest: list[str]) -> str:
    """Takes one address away from the front."""
    if not rest:
        raise Unparsable("access list: an address is missing")
    word = rest.pop(0)
    if word in ("any", "any4", "any6"):
        return "any"
    if word in ("host", "object-group"):
        if not rest:
            raise Unparsable("access list: an address is missing")
        return rest.pop(0) if word == "host" else f"object-group {rest.pop(0)}"
    if "/" in word or ":" in word:
        return "any" if word == "::/0" else word
    if rest and rest[0] not in _PORTS and re.fullmatch(r"\d+\.\d+\.\d+\.\d+", rest[0]):
        return network(word, rest.pop(0))
    return word


def network(address: str, wildcard: str) -> str:
    """10.0.0.0 0.0.0.255 -> 10.0.0.0/24; a wildcard with holes stays as it is."""
    try:
        bits = int(IPv4Address(wildcard))
    except ValueError:
        raise Unparsable(f"access list: {wildcard} is no wildcard") from None
    if bits & (bits + 1):
        return f"{address} {wildcard}"
    if bits == 0xFFFFFFFF:
        return "any"
    return address if bits == 0 else f"{address}/{32 - bits.bit_length()}"


class Reach(NamedTuple):
    """Who may try, by the lists at a door. `anywhere` is None where a list names somebody who cannot be resolved."""

    anywhere: bool | None
    sources: tuple[str, ...]


def reach(lists: Mapping[str, AccessList], v4: str | None, v6: str | None, speaks_v6: bool) -> Reach:
    """IOS lets everybody in by a list that does not exist, and by IPv6 where only IPv4 has a list."""
    six = None if v6 is None else f"{V6}{v6}"
    names = [v4, six] if speaks_v6 else [v4]
    doors = [True if name is None or name not in lists else lists[name].anywhere for name in names]
    if True in doors:
        return Reach(True, ())
    if None in doors:
        return Reach(None, ())
    return Reach(False, tuple(source for name in names if name for source in lists[name].sources))


def speaks_v6(config: Node) -> bool:
    """Some interface has an IPv6 address."""
    return any(
        child.text.startswith(("ipv6 address", "ipv6 enable"))
        for interface in config.blocks("interface ")
        for child in interface.children
    )
