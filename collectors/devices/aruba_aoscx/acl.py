"""Aruba AOS-CX: access lists, and whom one at the control plane lets reach a port of the switch itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from collectors.devices.syntax.indent import Node
from collectors.devices.vocabulary import Network, every_address, everybody, network
from collectors.errors import Unparsable

_OPERATORS = ("eq", "gt", "lt", "range", "group")
_NAMES = {
    "ssh": 22,
    "telnet": 23,
    "http": 80,
    "https": 443,
    "snmp": 161,
    "snmptrap": 162,
    "ntp": 123,
    "domain": 53,
    "tftp": 69,
    "ftp": 21,
}
_NUMBERS = {"tcp": "6", "udp": "17"}
_QUIET = frozenset({"log", "count"})
"""Words behind an entry that do not change what it matches."""


class Entry(NamedTuple):
    """One line of a list."""

    number: str
    action: str
    protocol: str
    sources: tuple[Network, ...] | None
    """None for any."""
    destinations: tuple[Network, ...] | None
    """None for any."""
    source_ports: bool
    ports: tuple[range, ...] | None
    """None where it names no destination port."""
    narrowed: bool
    """It asks for more: flags, a VLAN, an ICMP type."""
    logged: bool

    @property
    def any_destination(self) -> bool:
        return self.destinations is None

    @property
    def service_any(self) -> bool:
        whole = self.ports is None or _all_ports(self.ports)
        return self.protocol == "any" and whole and not self.narrowed

    def touches(self, protocol: str, port: int) -> bool:
        """Some packet to that port is one of its."""
        known = self.protocol in ("any", protocol, _NUMBERS[protocol])
        return known and (self.ports is None or any(port in span for span in self.ports))


class AccessList(NamedTuple):
    kind: str
    """ip, ipv6 or mac."""
    name: str
    entries: tuple[Entry, ...]


class Reach(NamedTuple):
    """Who may try. `anywhere` is None where a list cannot be told."""

    anywhere: bool | None
    sources: tuple[str, ...]


def access_lists(tree: Node) -> Mapping[tuple[str, str], AccessList]:
    """Every IPv4 and IPv6 list, by kind and name. Raises Unparsable for a line or a group it cannot place."""
    addresses, ports = _addresses(tree), _ports(tree)
    found = {}
    for node in tree.blocks("access-list "):
        words = node.text.split()
        if words[1] in ("ip", "ipv6") and len(words) == 3:
            entries = (_entry(child.text, addresses, ports) for child in node.children)
            found[(words[1], words[2])] = AccessList(words[1], words[2], tuple(entry for entry in entries if entry))
    return found


def reach(lists: Iterable[AccessList], protocol: str, port: int) -> Reach:
    """Whom the lists at one VRF's control plane let reach a port. The end of each list refuses everybody.

    Entries that refuse a part only are passed over: what they take away never turns everybody into somebody.
    """
    sources: list[Network] = []
    for known in lists:
        if not known.entries:
            return Reach(None, ())
        for entry in known.entries:
            if not entry.touches(protocol, port):
                continue
            if entry.action == "permit":
                if entry.sources is None:
                    return Reach(True, ())
                sources += entry.sources
            elif entry.sources is None and entry.any_destination and not entry.source_ports and not entry.narrowed:
                break
    if everybody(sources):
        return Reach(True, ())
    return Reach(False, tuple(dict.fromkeys(str(source) for source in sources)))


# --- lines ------------------------------------------------------------------------------------------------------------


def _addresses(tree: Node) -> Mapping[str, tuple[Network, ...]]:
    groups = {}
    for node in tree.children:
        if found := re.match(r"object-group (?:ip|ipv6) address (\S+)$", node.text):
            groups[found[1]] = tuple(network(line) for line in _numbered(node))
    return groups


def _ports(tree: Node) -> Mapping[str, tuple[range, ...]]:
    groups = {}
    for node in tree.blocks("object-group port "):
        spans: list[range] = []
        for line in _numbered(node):
            spans += _span(line.split(), {})
        groups[node.text.split()[2]] = tuple(spans)
    return groups


def _numbered(node: Node) -> Iterator[str]:
    for child in node.children:
        number, _, rest = child.text.partition(" ")
        if number.isdecimal() and rest and not rest.startswith("comment "):
            yield rest


def _entry(line: str, addresses: Mapping[str, tuple[Network, ...]], ports: Mapping[str, tuple[range, ...]]) -> Entry | None:
    words = line.split()
    number = words.pop(0) if words[0].isdecimal() else ""
    if not words or words[0] in ("comment", "exit"):
        return None
    if words[0] not in ("permit", "deny") or len(words) < 4:
        raise Unparsable(f"access list: cannot place {line[:80]!r}")
    action, protocol = words[0], words[1]
    rest = words[2:]
    sources = _address(rest, addresses)
    source_ports = _take_ports(rest, ports)
    destination = _address(rest, addresses)
    wanted = _take_ports(rest, ports)
    return Entry(
        number=number,
        action=action,
        protocol="any" if protocol in ("any", "ip", "ipv6") else protocol,
        sources=sources,
        destinations=destination,
        source_ports=source_ports is not None and not _all_ports(source_ports),
        ports=wanted,
        narrowed=any(word not in _QUIET for word in rest),
        logged="log" in rest,
    )


def _address(rest: list[str], groups: Mapping[str, tuple[Network, ...]]) -> tuple[Network, ...] | None:
    """Takes one address away from the front; None for any, and for what covers everybody."""
    if not rest:
        raise Unparsable("access list: an address is missing")
    word = rest.pop(0)
    if word == "any":
        return None
    if word in groups:
        if not groups[word]:
            raise Unparsable(f"access list: the group {word} is empty")
        return None if every_address(groups[word]) else groups[word]
    found = network(word)
    return None if found.prefixlen == 0 else (found,)


def _take_ports(rest: list[str], groups: Mapping[str, tuple[range, ...]]) -> tuple[range, ...] | None:
    if not rest or rest[0] not in _OPERATORS:
        return None
    taken = [rest.pop(0)]
    for _ in range(2 if taken[0] == "range" else 1):
        if not rest:
            raise Unparsable("access list: a port is missing")
        taken.append(rest.pop(0))
    return tuple(_span(taken, groups))


def _span(words: list[str], groups: Mapping[str, tuple[range, ...]]) -> Iterable[range]:
    kind = words[0] if words else ""
    if kind == "group" and len(words) == 2:
        if words[1] not in groups:
            raise Unparsable(f"access list: no group of ports {words[1]}")
        return groups[words[1]]
    numbers = [_port(word) for word in words[1:]]
    if kind == "eq" and len(numbers) == 1:
        return (range(numbers[0], numbers[0] + 1),)
    if kind == "gt" and len(numbers) == 1:
        return (range(numbers[0] + 1, 65536),)
    if kind == "lt" and len(numbers) == 1:
        return (range(numbers[0]),)
    if kind == "range" and len(numbers) == 2:
        return (range(numbers[0], numbers[1] + 1),)
    raise Unparsable(f"access list: cannot place the ports {' '.join(words)[:60]!r}")


def _port(word: str) -> int:
    if word.isdecimal():
        return int(word)
    if word in _NAMES:
        return _NAMES[word]
    raise Unparsable(f"access list: no port known as {word[:30]}")


def _all_ports(spans: tuple[range, ...]) -> bool:
    """Port 0 is nobody's: 1 to 65535 is every port there is."""
    return any(span.start <= 1 and span.stop >= 65535 for span in spans)
