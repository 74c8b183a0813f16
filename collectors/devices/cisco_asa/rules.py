"""Cisco ASA: the sentences of access lists, with what their objects stand for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from collectors.devices.cisco_asa.logs import severity
from collectors.devices.cisco_asa.objects import (
    OPERATORS,
    Objects,
    Ports,
    Services,
    every_service,
    objects,
    ports,
    protocol,
    slash,
)
from collectors.devices.syntax.cidr_acl import ANY, Words, sides
from collectors.devices.syntax.indent import Node
from collectors.errors import Unparsable
from collectors.facts.device_logs import Level
from collectors.facts.filtering import Action
from collectors.transports.base import DeviceCli

Log = Level | Literal["disable", "default"]

_ACTIONS: dict[str, Action] = {"permit": "permit", "deny": "deny"}
_WHO = {"user": 2, "user-group": 2, "object-group-user": 2, "object-group-security": 2, "security-group": 3}
"""Identity and TrustSec tags: whom they narrow to is not told."""
_ICMP = {"icmp", "icmp6"}


class Sentence(NamedTuple):
    """One line of a list."""

    number: int
    action: Action
    enabled: bool
    source_any: bool
    destination_any: bool
    service_any: bool
    log: Log | None
    """A severity, `disable`, `default`, or nothing said."""


def bound_lists(tree: Node, bound: Iterable[str]) -> Mapping[str, list[str]]:
    """list -> what stands behind its name on each line, remarks too. Before 9.0 lists for IPv6 stand by themselves."""
    lists: dict[str, list[str]] = {name: [] for name in bound}
    for start, says in (("access-list ", ""), ("ipv6 access-list ", "extended ")):
        for line in tree.lines(start):
            name, _, rest = line.partition(" ")
            if name in lists:
                lists[name].append(rest if rest.startswith(("remark", "extended")) else f"{says}{rest}")
    if absent := [name for name, lines in lists.items() if not lines]:
        raise Unparsable(f"access-list {absent[0]} is bound and not in the configuration")
    return lists


def sentences(cli: DeviceCli, name: str, lines: list[str]) -> Iterable[Sentence]:
    """Every line but remarks, which count as lines all the same, as `show access-list` does."""
    known = objects(cli)
    found: list[tuple[Sentence, Words]] = []
    for number, rest in enumerate(lines, 1):
        if rest.startswith("remark"):
            continue
        try:
            found.append(_sentence(known, number, rest))
        except Unparsable as error:
            raise Unparsable(f"access-list {name} line {number}: {error}") from error
    # what is out of force does not add to what is in it
    both = iter(sides([words for said, words in found if said.enabled]))
    for said, words in found:
        source, destination = next(both) if said.enabled else sides([words])[0]
        yield said._replace(source_any=source is True, destination_any=destination is True)


def _sentence(known: Objects, number: int, rest: str) -> tuple[Sentence, Words]:
    """A line by itself, and what it says of addresses: who is anybody is a question of all lines together."""
    found = re.match(r"(?:line \d+ )?extended (permit|deny) (.*)$", rest)
    if not found:
        raise Unparsable(f"cannot place {rest[:100]}")
    words = found[2].split()
    services, given = _protocol(known, words)
    _skip_who(words)
    source = _nets(known, words)
    _source_ports(known, words, services)
    _skip_who(words)
    destination = _nets(known, words)
    if given:
        services = _narrowed(known, words, services)
    log, enabled = _tail(words)
    action, whole = _ACTIONS[found[1]], every_service(services)
    return Sentence(number, action, enabled, False, False, whole, log), Words(action == "permit", source, destination, whole)


def _protocol(known: Objects, words: list[str]) -> tuple[Services, bool]:
    """(services, ports may follow the addresses). A group of services holds its ports itself."""
    word = words.pop(0) if words else ""
    if word in ("object", "object-group") and words:
        name = words.pop(0)
        return known.services(name), known.is_a(name, "protocol")
    if not re.fullmatch(r"[a-z][a-z0-9-]*|\d{1,3}", word):
        raise Unparsable(f"no protocol: {word[:40]}")
    return protocol(word), True


def _skip_who(words: list[str]) -> None:
    while words and words[0] in _WHO:
        del words[: _WHO[words[0]]]


def _nets(known: Objects, words: list[str]) -> tuple[str, ...]:
    """The address at the front as networks; () for a name that a resolver looks up, or that of an interface."""
    if not words:
        raise Unparsable("it ends before its addresses do")
    word = words.pop(0)
    if word in ("any", "any4", "any6"):
        return ANY
    if word in ("host", "interface", "object", "object-group") and words:
        name = words.pop(0)
        if word == "host":
            return (str(known.address(name)),)
        return known.networks(name) if word.startswith("object") else ()
    if "/" in word:
        return (str(slash(word)),)
    if words:
        return (str(known.pair(word, words.pop(0))),)
    raise Unparsable(f"no address: {word[:40]}")


def _taken_ports(known: Objects, words: list[str]) -> Ports | Services | None:
    """Ports at the front, by an operator or by a group of services; None where there are none."""
    if words and words[0] in OPERATORS:
        taken = [words.pop(0) for _ in range(1 + OPERATORS[words[0]]) if words]
        return ports(taken)
    if len(words) > 1 and words[0] in ("object-group", "object") and known.is_a(words[1], "service"):
        words.pop(0)
        return known.services(words.pop(0))
    return None


def _source_ports(known: Objects, words: list[str], services: Services) -> None:
    """They narrow nothing: whoever sends may choose his."""
    _taken_ports(known, words)


def _narrowed(known: Objects, words: list[str], services: Services) -> Services:
    """Services by the destination ports, or the type of ICMP, that follow."""
    if _ICMP & set(services):
        if words[:1] == ["object-group"] and len(words) > 1 and known.is_a(words[1], "icmp-type"):
            del words[:2]
        elif words and words[0] not in ("log", "inactive", "time-range"):
            words.pop(0)
            if words and words[0].isdecimal():
                words.pop(0)
        return services
    taken = _taken_ports(known, words)
    if taken is None:
        return services
    if isinstance(taken, dict):
        return {one: parts for one, parts in taken.items() if one in services} or taken
    return dict.fromkeys(services, taken)


def _tail(words: list[str]) -> tuple[Log | None, bool]:
    """(how it is logged, it is in force). A time range does not take a rule out of force: it comes back."""
    log: Log | None = None
    enabled = True
    while words:
        word = words.pop(0)
        if word == "log":
            log = "informational"
            if words[:1] == ["disable"]:
                log, words = "disable", words[1:]
            elif words[:1] == ["default"]:
                log, words = "default", words[1:]
            elif words and words[0] not in ("interval", "time-range", "inactive"):
                log = severity(words.pop(0))
            if words[:1] == ["interval"] and len(words) > 1:
                del words[:2]
        elif word == "time-range" and words:
            words.pop(0)
        elif word == "inactive":
            enabled = False
        else:
            raise Unparsable(f"cannot place {' '.join((word, *words))[:80]}")
    return log, enabled
