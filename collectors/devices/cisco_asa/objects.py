"""Cisco ASA: what the objects and names in a rule stand for. Whatever cannot be resolved raises Unparsable: it is never "narrow"."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from ipaddress import summarize_address_range as summarised
from typing import TypeVar

from collectors.devices.base import per_device
from collectors.devices.cisco_asa.text import config
from collectors.devices.syntax.indent import Node
from collectors.devices.vocabulary import prefix
from collectors.errors import Unparsable
from collectors.transports.base import DeviceCli

T = TypeVar("T")
Network = IPv4Network | IPv6Network
Ports = list[tuple[int, int]]
Services = dict[str, Ports]
"""Protocol -> ranges of destination ports. `ip` stands for every protocol."""

ALL: Ports = [(0, 65535)]
WHOLE: tuple[Network, ...] = (ip_network("0.0.0.0/0"), ip_network("::/0"))
OPERATORS = {"eq": 1, "gt": 1, "lt": 1, "neq": 1, "range": 2}

_NEARLY_ALL = 65000
_NUMBERS = {"1": "icmp", "6": "tcp", "17": "udp", "58": "icmp6", "132": "sctp", "0": "ip"}
_WITH_PORTS = ("tcp", "udp", "sctp")
_PORTS = {
    "ftp-data": 20, "ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "bootps": 67, "bootpc": 68, "tftp": 69, "www": 80,
    "http": 80, "pop3": 110, "sunrpc": 111, "ntp": 123, "netbios-ns": 137, "netbios-dgm": 138, "netbios-ssn": 139, "imap4": 143,
    "snmp": 161, "snmptrap": 162, "bgp": 179, "ldap": 389, "https": 443, "isakmp": 500, "syslog": 514, "rtsp": 554, "ldaps": 636,
    "sqlnet": 1521, "h323": 1720, "pptp": 1723, "radius": 1645, "radius-acct": 1646, "sip": 5060, "echo": 7, "discard": 9,
}  # fmt: skip
_UNNAMED = -1
"""A port whose name is not in the table: one port, whichever."""


def every_service(services: Services) -> bool:
    """Every protocol; or every port (all but a few) of TCP or of UDP, which is as much as anybody needs."""
    return "ip" in services or any(_count(services.get(protocol, [])) >= _NEARLY_ALL for protocol in _WITH_PORTS)


def _count(ports: Ports) -> int:
    covered, end = 0, -2
    for low, high in sorted(ports):
        covered += max(0, high - max(low, end + 1) + 1)
        end = max(end, high)
    return covered


def protocol(word: str) -> Services:
    """A protocol by name or number, with all its ports."""
    return {_NUMBERS.get(word, word): ALL}


def ports(words: list[str]) -> Ports:
    """`eq www`, `range 1 65535`, `gt 1023`, as ranges."""
    kind, rest = words[0], words[1:]
    if len(rest) != OPERATORS.get(kind):
        raise Unparsable(f"cannot place ports: {' '.join(words)[:60]}")
    if kind == "eq":
        return [(_port(rest[0]), _port(rest[0]))]
    numbers = [_port(word) for word in rest]
    if kind == "neq":
        return [(0, numbers[0] - 1), (numbers[0] + 1, 65535)]
    if _UNNAMED in numbers:
        raise Unparsable(f"a port by a name that is not in our table: {' '.join(words)[:60]}")
    low, high = {"gt": (numbers[0] + 1, 65535), "lt": (0, numbers[0] - 1), "range": (numbers[0], numbers[-1])}[kind]
    return [(low, high)]


def _port(word: str) -> int:
    return int(word) if word.isdecimal() else _PORTS.get(word, _UNNAMED)


class Objects:
    """The objects, groups and names of one configuration."""

    def __init__(self, tree: Node) -> None:
        self._names: dict[str, str] = {found[2]: found[1] for found in tree.matches(r"name (\S+) (\S+)")}
        self._blocks: dict[tuple[str, str], list[Node]] = {}
        self._typed: dict[str, str] = {}
        self._nets: dict[str, tuple[str, ...]] = {}
        self._services: dict[str, Services] = {}
        for word in ("object ", "object-group "):
            for node in tree.blocks(word):
                said = node.text.split()
                if len(said) < 3:
                    raise Unparsable(f"cannot place {node.text[:60]}")
                # NAT stands in a second block of the same object
                self._blocks.setdefault((said[1], said[2]), []).extend(node.children)
                if len(said) > 3:
                    self._typed[said[2]] = said[3]

    def is_a(self, name: str, *kinds: str) -> bool:
        return any((kind, name) in self._blocks for kind in kinds)

    def address(self, word: str) -> IPv4Address | IPv6Address:
        """An address, or the name of one."""
        try:
            return ip_address(self._names.get(word, word))
        except ValueError as error:
            raise Unparsable(f"neither an address nor a name of one: {word[:40]}") from error

    def pair(self, word: str, mask: str) -> Network:
        """Address and mask; either may hide behind a name."""
        address, mask = str(self.address(word)), self._names.get(mask, mask)
        return ip_network(prefix(address, mask), strict=False)

    def networks(self, name: str) -> tuple[str, ...]:
        """An object or group of addresses. Names that a resolver looks up (fqdn) stand for few, and add none."""
        if name not in self._nets:  # thousands of rules may name one group
            self._nets[name] = tuple(str(net) for net in self._resolve("network", name, self._network_line))
        return self._nets[name]

    def services(self, name: str) -> Services:
        """Protocols and ports of an object or group of services or of protocols."""
        if name not in self._services:
            self._services[name] = self._service(name)
        return self._services[name]

    def _service(self, name: str) -> Services:
        found: Services = {}
        kind = "service" if self.is_a(name, "service") else "protocol"
        typed = self._typed.get(name)

        def line(words: list[str], above: frozenset[str]) -> list[tuple[str, tuple[int, int]]]:
            return self._service_line(words, above, typed)

        for one, part in self._resolve(kind, name, line):
            found.setdefault(one, []).append(part)
        return found

    def _resolve(
        self, kind: str, name: str, line: Callable[[list[str], frozenset[str]], list[T]], above: frozenset[str] = frozenset()
    ) -> list[T]:
        if (kind, name) not in self._blocks or name in above:
            raise Unparsable(
                f"no {kind} object {name[:60]} in the configuration" if name not in above else f"{name} holds itself"
            )
        found, lines = [], 0
        for child in self._blocks[kind, name]:
            words = child.text.split()
            if words[0] in ("description", "nat"):
                continue
            lines += 1
            if words[0] == "group-object" and len(words) == 2:
                found += self._resolve(kind, words[1], line, above | {name})
            else:
                found += line(words, above | {name})
        if not lines:
            raise Unparsable(f"the {kind} object {name[:60]} is empty")
        return found

    def _network_line(self, words: list[str], above: frozenset[str]) -> list[Network]:
        rest = words[1:] if words[0] in ("network-object", "subnet") else words
        if rest[:1] == ["object"] and len(rest) == 2:
            return self._resolve("network", rest[1], self._network_line, above)
        if rest[:1] == ["host"] and len(rest) == 2:
            return [ip_network(self.address(rest[1]))]
        if rest[:1] == ["fqdn"]:
            return []
        if rest[:1] == ["range"] and len(rest) == 3:
            return _between(self.address(rest[1]), self.address(rest[2]))
        if rest[:1] in (["any"], ["any4"], ["any6"]):
            return list(WHOLE)
        if len(rest) == 1 and "/" in rest[0]:
            return [slash(rest[0])]
        if len(rest) == 2:
            return [self.pair(*rest)]
        raise Unparsable(f"a line of a network object: {' '.join(words)[:80]}")

    def _service_line(self, words: list[str], above: frozenset[str], typed: str | None) -> list[tuple[str, tuple[int, int]]]:
        head, rest = words[0], words[1:]
        if head == "port-object" and typed:
            return [(one, part) for one in typed.split("-") for part in ports(rest)]
        if head == "protocol-object" and len(rest) == 1:
            return [(one, part) for one, parts in protocol(rest[0]).items() for part in parts]
        if head == "service-object" and rest[:1] == ["object"] and len(rest) == 2:
            return self._resolve("service", rest[1], lambda line, up: self._service_line(line, up, None), above)
        if head in ("service-object", "service") and rest:
            return [(_NUMBERS.get(one, one), part) for one in rest[0].split("-") for part in _destination(one, rest[1:])]
        raise Unparsable(f"a line of a service object: {' '.join(words)[:80]}")


def objects(cli: DeviceCli) -> Objects:
    return per_device(cli, "cisco_asa.objects", lambda: Objects(config(cli)))


def _destination(word: str, words: list[str]) -> list[tuple[int, int]]:
    """Destination ports behind a protocol. A source port narrows nothing: whoever sends may choose it."""
    if _NUMBERS.get(word, word) not in _WITH_PORTS:
        return [(0, 65535)] if _NUMBERS.get(word, word) == "ip" or not words else [(0, 0)]
    if words[:1] == ["source"] and len(words) > 1:
        words = words[2 + OPERATORS.get(words[1], 0) :]
    if words[:1] == ["destination"]:
        words = words[1:]
    return ports(words) if words else ALL


def _between(first: IPv4Address | IPv6Address, last: IPv4Address | IPv6Address) -> list[Network]:
    try:
        return list(summarised(first, last))
    except (TypeError, ValueError) as error:
        raise Unparsable(f"no range of addresses: {first} to {last}") from error


def slash(word: str) -> Network:
    """2001:db8::/64, 10.0.0.0/8."""
    try:
        return ip_network(word, strict=False)
    except ValueError as error:
        raise Unparsable(f"no network: {word[:60]}") from error
