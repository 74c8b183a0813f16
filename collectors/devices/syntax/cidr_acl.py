"""Access lists as NX-OS and EOS write them: `10 permit tcp 10.0.0.0/24 any eq 22 log`, groups of addresses resolved.

    found = entries(lines, groups)          # of one list, in order
    covers(entry.source)                    # True: everybody of a family; None: it cannot be said

A group that is not in the configuration, or is empty, is None: nobody knows whom it names. A wildcard with holes stays as
it is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, ip_network
from typing import NamedTuple

from collectors.devices.vocabulary import Network, every_address, everybody
from collectors.errors import Unparsable

Nets = tuple[str, ...] | None
"""Networks with prefix lengths, wildcards with holes as they are written; None: a group that cannot be resolved."""

ANY = ("0.0.0.0/0", "::/0")
_PORTS = ("eq", "neq", "lt", "gt", "range")
_NO_ENTRY = frozenset({"remark", "statistics", "counters", "fragments", "fragment-rules", "ignore", "no", "resequence"})
_NOTES = frozenset({"log", "log-input"})
_NUMBERS = {
    "ssh": 22, "telnet": 23, "www": 80, "http": 80, "snmp": 161, "snmptrap": 162, "https": 443, "domain": 53, "ntp": 123,
    "bgp": 179, "syslog": 514, "tacacs": 49, "ftp": 21, "ftp-data": 20, "smtp": 25, "tftp": 69,
}  # fmt: skip
_LAST = 65535
_OPTIONS = frozenset({
    "any", "host", "addrgroup", "portgroup", *_PORTS, *_NOTES, "established", "tracked", "ack", "fin", "psh", "rst", "syn", "urg", "ttl",
    "fragments", "dscp", "precedence", "packet-length", "time-range", "capture", "vlan", "cos", "nexthop-group", "echo",
})  # fmt: skip


class Entry(NamedTuple):
    """One line of an access list."""

    number: str
    action: str
    protocol: str
    source: Nets
    destination: Nets
    ports: tuple[str, ...]
    """Destination ports as words: ("eq", "22"); () where none is named."""
    narrowed: bool
    """Something besides addresses and destination ports decides too: source ports, flags, types, a time range."""
    established: bool
    """Only answers match it; it lets nobody begin."""
    logged: bool

    @property
    def every_service(self) -> bool:
        return self.protocol in ("ip", "ipv6", "any", "0") and not self.ports and not self.narrowed

    @property
    def whole(self) -> str:
        """tcp or udp where it speaks of every port of it."""
        known = {"tcp": "tcp", "6": "tcp", "udp": "udp", "17": "udp"}.get(self.protocol, "")
        return known if not self.narrowed and all_ports(self.ports) else ""

    def concerns(self, protocol: str, port: int) -> bool:
        """It may match somebody who begins to speak with this port."""
        if self.established or self.protocol not in ("ip", "ipv6", "any", protocol, {"tcp": "6", "udp": "17"}[protocol]):
            return False
        return _hits(self.ports, port)

    def concerns_whole(self, protocol: str, port: int) -> bool:
        """It matches whoever speaks with this port, from and to wherever it says."""
        return self.concerns(protocol, port) and not self.narrowed


def entries(lines: Iterable[str], groups: Mapping[str, Nets], standard: bool = False) -> tuple[Entry, ...]:
    """The entries of one list. Raises Unparsable for a line that is none and no remark about one."""
    found = []
    for line in lines:
        words = line.split()
        number = words.pop(0) if words and words[0].isdecimal() else ""
        if not words or words[0] in _NO_ENTRY:
            continue
        if words[0] not in ("permit", "deny"):
            raise Unparsable(f"access list: cannot place {line[:80]!r}")
        found.append(_standard(number, words, groups) if standard else _extended(number, words, groups))
    return tuple(found)


def _standard(number: str, words: list[str], groups: Mapping[str, Nets]) -> Entry:
    rest = words[1:]
    source = _address(rest, groups)
    return Entry(number, words[0], "ip", source, ANY, (), bool(set(rest) - _NOTES), False, bool(set(rest) & _NOTES))


def _extended(number: str, words: list[str], groups: Mapping[str, Nets]) -> Entry:
    rest = words[1:]
    protocol = rest.pop(0) if rest else ""
    if protocol == "vlan" and len(rest) > 2:  # EOS: permit vlan 10 0xFFF ip any any
        rest, protocol = rest[3:], rest[2]
        rest.append("vlan")
    source = _address(rest, groups)
    from_ports = _ports(rest)
    destination = _address(rest, groups)
    ports = _ports(rest)
    # a port name we do not know may be something else that narrows
    more = [word for word in rest if word not in _NOTES] + [
        word for word in ports[1:] if not (word.isdecimal() or word in _NUMBERS)
    ]
    answers = "established" in more or "tracked" in more
    return Entry(
        number, words[0], protocol, source, destination, ports, bool(from_ports or more), answers,
        bool(set(rest) & _NOTES),
    )  # fmt: skip


def _ports(rest: list[str]) -> tuple[str, ...]:
    """Takes port words away from the front."""
    if rest[:1] == ["portgroup"] and len(rest) > 1:
        return rest.pop(0), rest.pop(0)
    if not rest or rest[0] not in _PORTS:
        return ()
    said = [rest.pop(0)]
    for _ in range(2 if said[0] == "range" else 1):
        if not rest:
            raise Unparsable("access list: a port is missing")
        said.append(rest.pop(0))
    # EOS writes several behind one `eq`, by name too
    while said[0] in ("eq", "neq") and rest and re.fullmatch(r"\d{1,5}|[a-z][a-z0-9-]*", rest[0]) and rest[0] not in _OPTIONS:
        said.append(rest.pop(0))
    return tuple(said)


def all_ports(ports: Sequence[str]) -> bool:
    """The words leave out at most the first and the last port."""
    numbers = [int(word) for word in ports[1:] if word.isdecimal()]
    if not ports or not numbers:
        return not ports
    kind = ports[0]
    if kind == "range":
        return numbers[0] <= 1 and numbers[-1] >= _LAST - 1
    return (kind == "gt" and numbers[0] <= 1) or (kind == "lt" and numbers[0] >= _LAST - 1) or kind == "neq"


def _hits(ports: tuple[str, ...], port: int) -> bool:
    """The words include the port; they do too where that cannot be said."""
    if not ports or ports[0] == "portgroup":
        return True
    numbers = [int(word) if word.isdecimal() else _NUMBERS.get(word) for word in ports[1:]]
    kind = ports[0]
    if kind == "eq":
        return port in numbers
    if kind == "neq":
        return port not in numbers
    if None in numbers:
        return True
    low, high = int(numbers[0] or 0), int(numbers[-1] or _LAST)
    return {"lt": port < low, "gt": port > low, "range": low <= port <= high}[kind]


def _address(rest: list[str], groups: Mapping[str, Nets]) -> Nets:
    """Takes one address away from the front."""
    if not rest:
        raise Unparsable("access list: an address is missing")
    word = rest.pop(0)
    if word == "any":
        return ANY
    if word in ("host", "addrgroup") and rest:
        name = rest.pop(0)
        return (network(name),) if word == "host" else groups.get(name) or None
    if "/" not in word and rest and re.fullmatch(r"\d+\.\d+\.\d+\.\d+", rest[0]):
        return (network(word, rest.pop(0)),)
    return (network(word),)


def network(address: str, wildcard: str = "") -> str:
    """10.0.0.0 0.0.0.255 -> 10.0.0.0/24; a wildcard with holes stays as it is. Raises Unparsable for what is no address."""
    try:
        if not wildcard:
            return str(ip_network(address, strict=False))
        bits = int(IPv4Address(wildcard))
        if bits & (bits + 1):
            return f"{IPv4Address(address)} {wildcard}"
        return str(ip_network(f"{address}/{32 - bits.bit_length()}", strict=False))
    except ValueError:
        raise Unparsable(f"access list: {address[:40]} {wildcard[:20]} is no address") from None


def covers(nets: Nets) -> bool | None:
    """Together they are everybody, of IPv4 or of IPv6, for what is permitted. None where a group, or a wildcard with holes, leaves it open."""
    return _together(nets, everybody)


def covers_all(nets: Nets) -> bool | None:
    """The same for what is refused: not one address is left out."""
    return _together(nets, every_address)


@lru_cache(maxsize=4096)
def _together(nets: Nets, are: Callable[[Iterable[Network]], bool]) -> bool | None:
    if nets is None:
        return None
    if are(ip_network(net) for net in nets if " " not in net):
        return True
    return None if any(" " in net for net in nets) else False


class Words(NamedTuple):
    """What one line of a list says of whom it lets through or refuses, and whether it speaks of every protocol and port."""

    permits: bool
    source: Nets
    destination: Nets
    every_service: bool
    whole: str = ""
    """tcp or udp, where the line speaks of every port of it."""


def services(lines: Sequence[Words]) -> list[bool]:
    """Whether each line permits every service: by itself, or because two lines let all of TCP and all of UDP go everywhere."""
    wide = [bool(line.permits and line.whole and covers(line.source) and covers(line.destination)) for line in lines]
    both = {"tcp", "udp"} <= {line.whole for line, each in zip(lines, wide, strict=True) if each}
    return [line.every_service or (both and each) for line, each in zip(lines, wide, strict=True)]


def sides(lines: Sequence[Words]) -> list[tuple[bool | None, bool | None]]:
    """Whether the source, and the destination, of each line is everybody. None where it cannot be said.

    Lines that permit count together: four that each let a quarter of all sources go everywhere do what one `permit ip any any`
    does, and each of the four is shown as that.
    """
    alone = [tuple((covers if line.permits else covers_all)(side) for side in (line.source, line.destination)) for line in lines]
    wide = [(line, whole) for line, whole in zip(lines, alone, strict=True) if line.permits and line.every_service]
    sources = _all_of(line.source for line, whole in wide if whole == (False, True))
    destinations = _all_of(line.destination for line, whole in wide if whole == (True, False))
    found = []
    for line, (source, destination) in zip(lines, alone, strict=True):
        counts = line.permits and line.every_service
        found.append(
            (
                source or (True if counts and sources and destination else source),
                destination or (True if counts and destinations and source else destination),
            )
        )
    return found


def _all_of(parts: Iterable[Nets]) -> bool:
    return covers(tuple(net for part in parts for net in part or ())) is True


def admitted(found: Sequence[Entry], protocol: str, port: int) -> Nets:
    """Whom the list lets begin to speak with a port; () nobody. None where it names somebody who cannot be resolved."""
    nets: list[str] = []
    for entry in found:
        if entry.action == "deny":
            if entry.concerns_whole(protocol, port) and covers_all(entry.source) and covers_all(entry.destination):
                break
        elif entry.concerns(protocol, port):
            if entry.source is None:
                return None
            nets += entry.source
    return tuple(dict.fromkeys(nets))
