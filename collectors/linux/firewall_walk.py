"""What becomes of a stranger's packet: chains of rules walked for a packet that no rule names.

A policy alone says little: a chain with policy accept may end in a catch-all reject (firewalld), and a chain with
policy drop may hold `ct state new accept`. So the chains are walked for a few packets that open a new connection
from another machine, to a port and from an address no rule is about. Where a rule cannot be read for certain, the
answer leans to the open side or is not given; it never leans to the closed side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
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


def _end(bases: list[Base], packet: Packet) -> str:
    unclear = False
    for base in bases:
        kinds = {base.policy.kind if kind == "return" else kind for kind in _walk(base.table, base.chain, packet, 0)}
        if "accept" in kinds:
            continue
        if "unclear" not in kinds:
            return "reject" if "reject" in kinds else "drop"
        unclear = True
    return "unclear" if unclear else "accept"


def _walk(table: Table, chain: str, packet: Packet, depth: int) -> set[str]:
    """The ways a packet may leave a chain: accept, drop, reject, unclear, or return (it fell through)."""
    if depth > MAX_DEPTH:
        raise Unparsable(f"firewall chains go round in a circle at {chain}")
    ends: set[str] = set()
    for rule in table.chains.get(chain, ()):
        if packet.family not in rule.families:
            continue
        truth = rule.matches(packet)
        if truth is Truth.NO:
            continue
        verdict = rule.verdict(packet)
        if verdict.kind == "go on":
            continue
        found = _walk(table, verdict.chain, packet, depth + 1) if verdict.kind in ("jump", "goto") else {verdict.kind}
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
