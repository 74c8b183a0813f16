"""Junos: what the names in security policies mean. A name nobody defines is never taken for something narrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from collectors.devices.juniper_junos.ranges import PORTS, Ranges, network, ports, span
from collectors.devices.syntax.junos import Node
from collectors.errors import Unparsable

_ANY = frozenset({"any", "any-ipv4", "any-ipv6"})
_ANY_APPLICATION = frozenset({"any", "junos-tcp-any", "junos-udp-any"})
_DEPTH = 16


class Addresses:
    """The address books of one scope: the global one, those attached to zones, those inside zones."""

    def __init__(self, scope: Node) -> None:
        self._books: dict[str, list[Node]] = {}
        for book in scope.below("security", "address-book"):
            for name in book.words("attach", "zone") or ("",):
                self._books.setdefault(name, []).append(book)
        for zone in scope.below("security", "zones", "security-zone"):
            inside = zone.at("address-book")
            if inside is not None:
                self._books.setdefault(zone.name, []).append(inside)
        self._feeds = set(scope.words("security", "dynamic-address", "address-name"))

    def wide(self, names: Iterable[str], zones: Iterable[str], excluded: bool) -> bool:
        """So many addresses that it is everybody. What is left out of everything is still everybody, unless that is left out."""
        four, six = Ranges(), Ranges()
        for name in names:
            if name in _ANY:
                return not excluded
            v4, v6 = self._named(name, tuple(zones), 0)
            four, six = four | v4, six | v6
        wide = four.wide(False) or six.wide(True)
        return not wide if excluded else wide

    def _named(self, name: str, zones: tuple[str, ...], depth: int) -> tuple[Ranges, Ranges]:
        if depth > _DEPTH:
            raise Unparsable(f"the address set {name} holds itself")
        if name in _ANY:
            return network("0.0.0.0/0")[1], network("::/0")[1]
        if name in self._feeds:
            return Ranges(), Ranges()  # a feed lists single networks
        four, six, found = Ranges(), Ranges(), False
        # books of zones first; any of them may be meant where there are more
        for book in (*(book for zone in zones for book in self._books.get(zone, ())), *self._books.get("", ())):
            for v6, part in self._entries(book, name, zones, depth):
                found = True
                four, six = (four, six | part) if v6 else (four | part, six)
            found = found or book.has("address-set", name) or book.has("address", name)
        if not found:
            raise Unparsable(f"the address {name} is used in a policy and is not in the configuration")
        return four, six

    def _entries(self, book: Node, name: str, zones: tuple[str, ...], depth: int) -> Iterator[tuple[bool, Ranges]]:
        group = book.at("address-set", name)
        if group is not None:
            for member in (*group.words("address"), *group.words("address-set")):
                v4, v6 = self._named(member, zones, depth + 1)
                yield False, v4
                yield True, v6
        entry = book.at("address", name)
        for child in entry.below() if entry is not None else ():
            if child.name == "range-address":
                for low in child.below():
                    yield span(low.name, low.word("to") or low.name)
            elif child.name == "wildcard-address":
                yield _wildcard(child.word() or "")
            elif child.name not in ("description", "dns-name"):
                yield network(child.name)


def _wildcard(said: str) -> tuple[bool, Ranges]:
    """10.0.0.11/255.0.0.255: a bit of the mask that is not set may be anything. Counted, not placed."""
    address, _, mask = said.partition("/")
    low = network(address)[1].pairs[0][0]
    bits = network(mask or "255.255.255.255")[1].pairs[0][0]
    free = 2 ** (32 - bits.bit_count())
    return False, Ranges([(low & bits, min((low & bits) + free - 1, 2**32 - 1))])


class Applications:
    """Applications and sets of one scope; those of Junos itself begin with junos-."""

    def __init__(self, root: Node, scope: Node) -> None:
        self._places = (scope, root)

    def wide(self, names: Iterable[str], depth: int = 0) -> bool:
        """Every protocol, or every port of TCP or UDP."""
        return any(self._wide(name, depth) for name in names)

    def _wide(self, name: str, depth: int) -> bool:
        if depth > _DEPTH:
            raise Unparsable(f"the application set {name} holds itself")
        if name in _ANY_APPLICATION:
            return True
        for place in self._places:
            group = place.at("applications", "application-set", name)
            if group is not None:
                return self.wide((*group.words("application"), *group.words("application-set")), depth + 1)
            entry = place.at("applications", "application", name)
            if entry is not None:
                terms = entry.below("term")
                if not terms and name.startswith("junos-") and entry.option("protocol") is None:
                    return name in _ANY_APPLICATION  # a timeout for one of Junos' own
                return any(_all_ports(term) for term in terms) if terms else _all_ports(entry)
        if name.startswith("junos-"):
            return False
        raise Unparsable(f"the application {name} is used in a policy and is not in the configuration")


def _all_ports(entry: Node) -> bool:
    protocol = entry.option("protocol")
    if protocol in (None, "0", "ip"):
        return True
    if protocol not in ("tcp", "6", "udp", "17"):
        return False
    said = entry.option("destination-port")
    return said is None or ports([said]).size >= PORTS - 2
