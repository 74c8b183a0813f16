"""The lists in force, in memory, so that what a machine shows is looked up and never compared one by one.

An address is looked up once for each length of prefix that a list holds, a name once for each of its labels, a process once. How
many indicators there are does not matter.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from collectors.linux.presence import COMM
from server.feeds.models import Indicator, IndicatorList, in_force
from server.feeds.parsers.indicators import ascii_name

PROGRAM: Final = 2
"""Raised when the same reports and lists are matched otherwise than before."""
KIND: Final = "indicators"


class Entry(NamedTuple):
    """An indicator of a list."""

    sheet: int
    """Number of the generation; the keeper knows the list by it."""
    kind: str
    value: str
    note: str = ""


class Found(NamedTuple):
    """An entry that fits what was looked up. `exact`: false where only a part of the indicator is known to fit."""

    entry: Entry
    exact: bool = True


def stamp() -> str:
    """Of the lists in force now, without reading them."""
    return hashlib.sha256(f"{PROGRAM} {' '.join(map(str, in_force(KIND)))}".encode()).hexdigest()


class Book:
    """Looked up by address, by name, by process."""

    def __init__(self) -> None:
        self.stamp = ""
        self.lists: dict[int, IndicatorList] = {}
        self.kinds: dict[int, Counter[str]] = defaultdict(Counter)
        self.blockable: dict[int, list[Entry]] = defaultdict(list)
        """Of each list, what a firewall can hold."""
        self._held: set[tuple[int, str, str]] = set()
        self._networks: dict[int, dict[int, dict[int, list[Found]]]] = {4: {}, 6: {}}
        self._names: dict[str, list[Found]] = defaultdict(list)
        self._processes: dict[str, list[Found]] = defaultdict(list)

    @classmethod
    def open(cls) -> Book:
        """The lists in force. A swap that comes meanwhile asks for work of its own."""
        book = cls()
        book.stamp = stamp()
        generations = in_force(KIND)
        book.lists = {one.generation_id: one for one in IndicatorList.objects.filter(generation__in=generations)}
        rows = Indicator.objects.filter(generation__in=generations).values_list("generation", "kind", "value", "note")
        for row in rows.iterator(chunk_size=5000):
            book.add(Entry(*row))
        return book

    def add(self, entry: Entry) -> None:
        self.kinds[entry.sheet][entry.kind] += 1
        self._held.add((entry.sheet, entry.kind, entry.value))
        if entry.kind in ("ip", "domain"):
            self.blockable[entry.sheet].append(entry)
        if entry.kind == "ip":
            self._network(entry.value, Found(entry))
        elif entry.kind == "domain":
            self._names[ascii_name(entry.value)].append(Found(entry))
        elif entry.kind == "process":
            name = entry.value.casefold()
            self._processes[name].append(Found(entry))
            if len(name) > COMM:
                # Linux lists it cut: that much of it is another's name too
                self._processes[name[:COMM]].append(Found(entry, exact=False))
        elif entry.kind == "url":
            self._host(entry)

    def holds(self, sheet: int, kind: str, value: str) -> bool:
        """The list has this indicator."""
        return (sheet, kind, value) in self._held

    def addresses(self, text: str) -> Iterator[Found]:
        """Entries that hold this address; none for a text that is no address."""
        try:
            address = ip_address(text.partition("%")[0])
        except ValueError:
            return
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        address = mapped or address
        number, bits = int(address), address.max_prefixlen
        for length, networks in self._networks[address.version].items():
            yield from networks.get(number >> (bits - length), ())

    def names(self, name: str) -> Iterator[Found]:
        """Entries that are this name or a domain above it."""
        rest = ascii_name(name)
        while rest:
            yield from self._names.get(rest, ())
            rest = rest.partition(".")[2]

    def hosts(self, text: str) -> Iterator[Found]:
        """An address or a name, as it stands in a line."""
        try:
            ip_address(text)
        except ValueError:
            yield from self.names(text)
        else:
            yield from self.addresses(text)

    def processes(self, name: str) -> Iterator[Found]:
        """The kernel cuts names: one of full length is a whole name, or the beginning of a longer one.

        Windows tells the name of the file: an indicator without its ending may mean it.
        """
        folded = name.casefold()
        yield from self._processes.get(folded, ())
        if folded.endswith(".exe"):
            yield from (found._replace(exact=False) for found in self._processes.get(folded.removesuffix(".exe"), ()))

    def _network(self, text: str, found: Found) -> None:
        network: IPv4Network | IPv6Network = ip_network(text, strict=False)
        length = network.prefixlen
        number = int(network.network_address) >> (network.max_prefixlen - length)
        self._networks[network.version].setdefault(length, {}).setdefault(number, []).append(found)

    def _host(self, entry: Entry) -> None:
        """Of a web address only its host is seen, and others may be at home there."""
        try:
            host = urlsplit(entry.value).hostname or ""
        except ValueError:
            return
        try:
            ip_address(host)
        except ValueError:
            if name := ascii_name(host):
                self._names[name].append(Found(entry, exact=False))
        else:
            self._network(host, Found(entry, exact=False))
