"""Cisco IOS: access lists, by name or number, and whom they let in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address
from typing import NamedTuple

from collectors.devices.syntax.indent import Node
from collectors.errors import Unparsable

_PORTS = ("eq", "neq", "lt", "gt", "range")


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


class AccessList(NamedTuple):
    name: str
    v6: bool
    entries: tuple[Entry, ...]

    @property
    def anywhere(self) -> bool:
        """Somebody with any source address gets in: an entry permits it before one denies everybody; an empty list too."""
        if not self.entries:
            return True
        for entry in self.entries:
            if entry.source == "any":
                return entry.action == "permit"
        return False

    @property
    def sources(self) -> tuple[str, ...]:
        """Whom it permits."""
        return tuple(dict.fromkeys(entry.source for entry in self.entries if entry.action == "permit"))


def access_lists(config: Node) -> Mapping[str, AccessList]:
    """Every list of the configuration, by name or number. Raises Unparsable for a line it cannot place."""
    rows: dict[str, list[Entry]] = {}
    v6: set[str] = set()
    for found in config.matches(r"access-list (\S+) (.*)$"):
        rows.setdefault(found[1], []).extend(_entries([found[2]], _standard_number(found[1])))
    for found, node in _named(config):
        name = found["name"]
        if found["family"] == "ipv6":
            v6.add(name)
        rows.setdefault(name, []).extend(_entries((child.text for child in node.children), found["kind"] == "standard"))
    return {name: AccessList(name, name in v6, tuple(entries)) for name, entries in rows.items()}


def _named(config: Node) -> Iterable[tuple[re.Match[str], Node]]:
    for node in config.children:
        found = re.match(
            r"(?P<family>ip|ipv6) access-list (?:(?P<kind>standard|extended) )?(?!resequence|log-update|logging)(?P<name>\S+)$",
            node.text,
        )
        if found:
            yield found, node


def _standard_number(name: str) -> bool:
    return name.isdigit() and (1 <= int(name) <= 99 or 1300 <= int(name) <= 1999)


def _entries(lines: Iterable[str], standard: bool) -> Iterable[Entry]:
    for line in lines:
        words = line.split()
        number = words.pop(0) if words and words[0].isdigit() else ""
        if words[:1] == ["sequence"] and len(words) > 2:  # IOS XE writes IPv6 lists so
            number, words = words[1], words[2:]
        if not words or words[0] in ("remark", "evaluate", "no", "dynamic", "statistics"):
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
    named = _ports(rest) or named
    logged = any(word in ("log", "log-input") for word in rest)
    more = [word for word in rest if word not in ("log", "log-input", "established", "fragments")]
    return Entry(words[0], protocol, source, destination, named or bool(more) or "established" in rest, logged, number)


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
    """Who may try, by the lists at a door."""

    anywhere: bool
    sources: tuple[str, ...]


def reach(lists: Mapping[str, AccessList], v4: str | None, v6: str | None, speaks_v6: bool) -> Reach:
    """IOS lets everybody in by a list that does not exist, and by IPv6 where only IPv4 has a list."""
    names = [v4, v6] if speaks_v6 else [v4]
    if any(name is None or name not in lists or lists[name].anywhere for name in names):
        return Reach(True, ())
    return Reach(False, tuple(source for name in names if name for source in lists[name].sources))


def speaks_v6(config: Node) -> bool:
    """Some interface has an IPv6 address."""
    return any(
        child.text.startswith(("ipv6 address", "ipv6 enable"))
        for interface in config.blocks("interface ")
        for child in interface.children
    )
