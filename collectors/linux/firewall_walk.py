"""What becomes of a stranger's packet: chains of rules walked for a packet that no rule names.

A policy alone says little: a chain with policy accept may end in a catch-all reject (firewalld), and a chain with
policy drop may hold `ct state new accept`. So the chains are walked for a few packets that open a new connection
from another machine, to a port and from an address no rule is about. Where a rule cannot be read for certain, the
answer leans to the open side or is not given; it never leans to the closed side.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from ipaddress import ip_address
from typing import Literal, NamedTuple

from collectors.errors import Unparsable

Family = Literal["ip", "ip6"]
Hook = Literal["input", "forward"]
BOTH: frozenset[Family] = frozenset({"ip", "ip6"})

MAX_DEPTH = 64
"""Chains within chains; the kernel itself allows 16."""


class Truth(IntEnum):
    """Does a condition hold for the packet? Ordered so that the least of several is their conjunction."""

    NO = 0
    UNCLEAR = 1
    """A condition we cannot read."""
    SOMETIMES = 2
    """A rate limit, a random choice, a time of day."""
    YES = 3

    def flipped(self) -> Truth:
        return {Truth.NO: Truth.YES, Truth.YES: Truth.NO}.get(self, self)


class Packet(NamedTuple):
    """A new connection from elsewhere; port and addresses are ones no rule names."""

    family: Family
    protocol: Literal["tcp", "udp"]
    interface: str
    """Where it comes in; "" is an interface no rule names."""
    port: int | None = None
    """The port it asks for. None: one no rule names, and then sets of addresses and marks are taken to mean others."""


class Verdict(NamedTuple):
    """What a rule does with a packet it matches."""

    kind: Literal["accept", "drop", "reject", "return", "jump", "goto", "unclear", "go on"]
    chain: str = ""


GO_ON = Verdict("go on")
UNCLEAR = Verdict("unclear")


class Rule(NamedTuple):
    """`matches` and `verdict` are asked per packet (a verdict map decides both); `verdicts` is all it may ever do."""

    matches: Callable[[Packet], Truth]
    verdict: Callable[[Packet], Verdict]
    verdicts: tuple[Verdict, ...]
    families: frozenset[Family] = BOTH
    logs: bool = False
    """It leaves a record of each packet that it matches."""


@dataclass(slots=True)
class Table:
    """Chains that can jump into each other."""

    name: tuple[str, str]
    """The kernel's family and name: ("inet", "filter")."""
    families: frozenset[Family]
    chains: dict[str, list[Rule]] = field(default_factory=dict)


class Base(NamedTuple):
    """A chain the kernel enters by itself."""

    table: Table
    chain: str
    hook: Hook
    priority: int
    policy: Verdict


@dataclass(slots=True)
class Rules:
    """All base chains of one source, and the interfaces their rules name."""

    bases: list[Base] = field(default_factory=list)
    interfaces: set[str] = field(default_factory=set)
    edges: set[int] = field(default_factory=set)
    """Ports at which some rule begins or ceases to hold: between two of them all ports fare alike."""

    def ports(self, first: int, last: int) -> None:
        """A rule names these ports."""
        self.edges |= {first, last + 1}


def packets(family: Family, uplinks: Iterable[str], named: Iterable[str]) -> list[Packet]:
    """The strangers to try. A machine without a default route trusts no interface more than another."""
    doors = set(uplinks) or {name.rstrip("*") + "0" if name.endswith("*") else name for name in named}
    return [Packet(family, protocol, door) for protocol in ("tcp", "udp") for door in ("", *sorted(doors - {"lo", ""}))]


def default(bases: Iterable[Base], hook: Hook, strangers: list[Packet]) -> Verdict:
    """accept, drop, reject or unclear: the laxest over the strangers; for each of them the strictest base chain wins."""
    ordered = sorted((base for base in bases if base.hook == hook), key=lambda base: base.priority)
    ends = [_end([base for base in ordered if packet.family in base.table.families], packet) for packet in strangers]
    for kind in ("accept", "unclear", "reject", "drop"):
        if kind in ends:
            return Verdict(kind)
    return Verdict("accept")


def reached(rules: Rules, ports: Iterable[int], strangers: list[Packet]) -> Mapping[int, str]:
    """For each port the laxest end of those packets: a new connection from an address that no rule names."""
    edges = sorted(rules.edges)
    known: dict[int, str] = {}
    found: dict[int, str] = {}
    for port in ports:
        alike = bisect_right(edges, port)
        if alike not in known:
            known[alike] = default(rules.bases, "input", [packet._replace(port=port) for packet in strangers]).kind
        found[port] = known[alike]
    return found


def logged(bases: Iterable[Base], strangers: list[Packet]) -> bool | None:
    """Each of these packets that is turned away leaves a record first; None where a rule on the way cannot be read.

    A limit of so many records a minute is no gap: it is how logs are kept from filling the disk.
    """
    ordered = sorted((base for base in bases if base.hook == "input"), key=lambda base: base.priority)
    answers: set[bool | None] = set()
    for packet in strangers:
        passed: list[Truth] = []
        if _end([base for base in ordered if packet.family in base.table.families], packet, passed) in ("drop", "reject"):
            answers.add(True if max(passed, default=Truth.NO) > Truth.UNCLEAR else None if passed else False)
    return False if False in answers or not answers else None if None in answers else True


def _end(bases: list[Base], packet: Packet, passed: list[Truth] | None = None) -> str:
    unclear = False
    for base in bases:
        ends = _walk(base.table, base.chain, packet, 0, passed)
        kinds = {base.policy.kind if kind == "return" else kind for kind in ends}
        if "accept" in kinds:
            continue
        if "unclear" not in kinds:
            return "reject" if "reject" in kinds else "drop"
        unclear = True
    return "unclear" if unclear else "accept"


def _walk(table: Table, chain: str, packet: Packet, depth: int, passed: list[Truth] | None = None) -> set[str]:
    """The ways a packet may leave a chain: accept, drop, reject, unclear, or return (it fell through).

    `passed` takes down how surely the packet met each rule that keeps a record.
    """
    if depth > MAX_DEPTH:
        raise Unparsable(f"firewall chains go round in a circle at {chain}")
    ends: set[str] = set()
    for rule in table.chains.get(chain, ()):
        if packet.family not in rule.families:
            continue
        truth = rule.matches(packet)
        if truth is Truth.NO:
            continue
        if rule.logs and passed is not None:
            passed.append(truth)
        verdict = rule.verdict(packet)
        if verdict.kind == "go on":
            continue
        inner: list[Truth] = []
        jumps = verdict.kind in ("jump", "goto")
        found = _walk(table, verdict.chain, packet, depth + 1, inner) if jumps else {verdict.kind}
        if passed is not None:
            passed += [min(truth, one) for one in inner]
        leaves = found - {"return"} if verdict.kind == "jump" else found
        if truth is Truth.UNCLEAR:
            # it may open the door, then nothing is certain; that it may close it is no reason to call it closed
            if leaves & {"accept", "unclear", "return"}:
                ends.add("unclear")
            continue
        ends |= leaves
        if truth is Truth.YES and leaves == found:
            return ends
    return ends | {"return"}


def nobody_in_particular(first: str, last: str) -> bool:
    """More addresses than a /8 of IPv4 or a /16 of IPv6 holds: a rule for them is a rule for anybody. Raises ValueError for no addresses."""
    low, high = ip_address(first), ip_address(last)
    return int(high) - int(low) >= 1 << (low.max_prefixlen - (8 if low.version == 4 else 16))


def refuses(bases: Iterable[Base], family: Family) -> bool:
    """Something on the way in can turn a packet away."""
    mine = [base for base in bases if base.hook == "input" and family in base.table.families]
    return any(base.policy.kind != "accept" for base in mine) or any(
        verdict.kind in ("drop", "reject", "unclear")
        for base in mine
        for rule in _reached(base)
        if family in rule.families
        for verdict in rule.verdicts
    )


def deciding(bases: Iterable[Base]) -> int:
    """Rules on the way in that accept, refuse or hand over a packet; a rule counts once per base chain that leads to it."""
    ends = {"accept", "drop", "reject", "unclear"}
    return sum(
        any(verdict.kind in ends for verdict in rule.verdicts)
        for base in bases
        if base.hook == "input"
        for rule in _reached(base)
    )


def _reached(base: Base) -> Iterator[Rule]:
    seen: set[str] = set()
    todo = [base.chain]
    while todo:
        chain = todo.pop()
        if chain in seen:
            continue
        seen.add(chain)
        for rule in base.table.chains.get(chain, ()):
            todo += [verdict.chain for verdict in rule.verdicts if verdict.kind in ("jump", "goto")]
            yield rule
