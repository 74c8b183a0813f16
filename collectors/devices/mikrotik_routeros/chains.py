"""RouterOS: who gets through a chain of `firewall filter` to a port of the router itself.

Rules are tried in their order, a chain that ends without a word lets everything in (input, forward and output accept by
default), jumps are followed. What a rule asks and this file does not know makes an accepting rule vague and a dropping
one partial, so nothing unknown ever counts as a wall.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from collectors.devices.mikrotik_routeros.addresses import BUILT_IN, IPV4, address_list, any_address, interfaces_of, networks_of
from collectors.devices.mikrotik_routeros.text import Config, listed
from collectors.devices.syntax.routeros import Item
from collectors.devices.vocabulary import every_address
from collectors.errors import Unparsable

DROPS = ("drop", "reject", "tarpit")
GOES_ON = (
    "log", "passthrough", "fasttrack-connection", "add-src-to-address-list", "add-dst-to-address-list",
)  # fmt: skip
NOT_MATCHERS = frozenset(
    {"action", "chain", "comment", "disabled", "log", "log-prefix", "jump-target", "reject-with", "address-list"}
    | {"address-list-timeout", "hw-offload"}
)
_LOOSE = frozenset(
    {"limit", "dst-limit", "connection-limit", "connection-bytes", "connection-rate", "connection-type", "content", "dscp"}
    | {"dst-address-list", "dst-address-type", "fragment", "icmp-options", "ipv4-options", "layer7-protocol", "nth", "p2p"}
    | {
        "out-interface",
        "out-interface-list",
        "out-bridge-port",
        "out-bridge-port-list",
        "packet-size",
        "per-connection-classifier",
    }
    | {"priority", "psd", "random", "src-port", "tcp-flags", "tcp-mss", "time", "tls-host", "ttl", "hop-limit", "headers"}
    | {"connection-nat-state", "routing-mark", "routing-table", "ingress-priority", "realm"}
)
"""They narrow a rule, but not by who asks: anybody may fit."""
DEPTH = 12
"""Jumps within jumps; deeper is a loop."""


class Who(NamedTuple):
    """A part of the senders."""

    sources: tuple[str, ...] | None = None
    """Addresses; None: not narrowed by address."""
    places: tuple[str, ...] = ()
    """Interfaces or interface lists they must come by; () when not narrowed so."""
    vague: bool = False
    """Narrowed by something we do not know or that changes by itself."""

    def within(self, other: Who) -> Who:
        """Those of us that are also of the other. May name too many, never too few."""
        return Who(
            other.sources if other.sources is not None else self.sources,
            self.places + other.places,
            self.vague or other.vague,
        )


ANYBODY = Who()


class Probe(NamedTuple):
    """A first packet to the router."""

    family: str
    protocol: str
    port: int
    interface: str | None = None
    """The interface it comes by; None: any."""


class Match(NamedTuple):
    """What of the traffic a rule takes."""

    kind: Literal["none", "all", "part"]
    who: Who = ANYBODY
    others: Who | None = None
    """Those it leaves, where that can be said: `in-interface-list=!LAN` leaves LAN."""


_NONE = Match("none")
_NUMBERS = {"tcp": "6", "udp": "17"}


class Chains:
    """The filter of one address family."""

    def __init__(self, conf: Config, family: str) -> None:
        self.conf = conf
        self.family = family
        self.rules: dict[str, list[Item]] = {}
        for item in conf.items(f"{family} firewall filter"):
            self.rules.setdefault(item.word("chain") or "", []).append(item)
        self.states = first_states(conf, family)
        self.tunnels = _tunnels(conf)

    def admitted(self, probe: Probe) -> tuple[Who, ...]:
        """Everybody whose packet gets in; () when nobody's does."""
        inside, left = self._walk("input", (ANYBODY,), probe, 0)
        return (*inside, *left)

    def _walk(self, chain: str, flow: tuple[Who, ...], probe: Probe, depth: int) -> tuple[tuple[Who, ...], tuple[Who, ...]]:
        """(let in, those the chain says nothing of)."""
        if depth > DEPTH:
            raise Unparsable(f"/{self.family} firewall filter: jumps go round in a circle at {chain[:40]}")
        inside: list[Who] = []
        ends: list[Who] = []
        for item in self.rules.get(chain, ()):
            if not flow:
                break
            action = item.word("action") or "accept"
            # a rule RouterOS itself remarks on (no interface, inactive time) may not be in force: no wall
            if item.disabled or action in GOES_ON or (item.note and action in DROPS):
                continue
            found = self._match(item, probe)
            if found.kind == "none":
                continue
            taken = tuple(who.within(found.who) for who in flow)
            if action == "accept":
                inside += taken
                flow = self._rest(flow, found)
            elif action in DROPS:
                flow = self._rest(flow, found)
            elif action == "return":
                ends += taken
                flow = self._rest(flow, found)
            elif action == "jump":
                let, back = self._walk(item.word("jump-target") or "", taken, probe, depth + 1)
                inside += let
                flow = back if found.kind == "all" else flow
            else:
                raise Unparsable(f"line {item.line}: unknown action of a rule: {action[:40]}")
        return tuple(inside), (*ends, *flow)

    @staticmethod
    def _rest(flow: tuple[Who, ...], found: Match) -> tuple[Who, ...]:
        if found.kind == "all":
            return ()
        return flow if found.others is None else tuple(who.within(found.others) for who in flow)

    def _match(self, item: Item, probe: Probe) -> Match:
        who = ANYBODY
        partial = 0
        others: Who | None = None
        for key, value in item.values.items():
            if key in NOT_MATCHERS or value == "":
                continue
            found = self._one(key, value.removeprefix("!"), value.startswith("!"), probe)
            if found.kind == "none":
                return _NONE
            if found.kind == "part":
                partial += 1
                who = who.within(found.who)
                others = found.others
        if not partial:
            return Match("all")
        return Match("part", who, others if partial == 1 else None)

    def _one(self, key: str, value: str, negated: bool, probe: Probe) -> Match:
        if key == "protocol":
            return _yes((value in (probe.protocol, _NUMBERS[probe.protocol])) != negated)
        if key == "dst-port":
            return _yes(_in_ports(value, probe.port) != negated)
        if key == "port":
            # the port of the sender counts too, and the sender chooses it
            return Match("all") if not negated and _in_ports(value, probe.port) else Match("part")
        if key == "connection-state":
            hits = {(state in listed(value)) != negated for state in self.states}
            return Match("part") if len(hits) > 1 else _yes(True in hits)
        if key in ("in-interface", "in-interface-list"):
            return self._interface(key, value, negated, probe)
        if key == "src-address":
            return _addresses((value,), negated)
        if key == "src-address-list":
            known = address_list(self.conf, self.family, value)
            return (
                Match("part", Who(vague=True), Who(vague=True) if negated else None) if not known else _addresses(known, negated)
            )
        if key == "dst-address":
            if not negated and (value.startswith("127.") or value in ("::1", "::1/128")):
                return _NONE  # nothing from outside may come to a loopback address
            return Match("all") if not negated and every_address(networks_of((value,))) else Match("part")
        if key == "ipsec-policy":
            if value.endswith(",none"):
                return Match("part")
            return Match("part", Who(vague=True)) if self.tunnels else _NONE
        return Match("part") if key in _LOOSE else Match("part", Who(vague=True))

    def _interface(self, key: str, value: str, negated: bool, probe: Probe) -> Match:
        if key == "in-interface-list" and value in ("all", "none"):
            return _yes((value == "all") != negated)
        if probe.interface is None:
            place = Who(places=(value,))
            return Match("part", Who(places=(f"!{value}",)), place) if negated else Match("part", place)
        if key == "in-interface" and value.startswith("all-"):
            return Match("part", Who(vague=True))
        if key == "in-interface":
            return _yes((value == probe.interface) != negated)
        members = None if value in BUILT_IN else interfaces_of(self.conf, value)
        if members is None:
            return Match("part", Who(vague=True))
        return _yes((probe.interface in members) != negated)


def _yes(fits: bool) -> Match:
    return Match("all") if fits else _NONE


def _addresses(known: tuple[str, ...], negated: bool) -> Match:
    if every_address(networks_of(known)):
        return _NONE if negated else Match("all")
    if not negated and any_address(known):
        return Match("part", ANYBODY)  # whom a rule leaves that drops almost everybody is not followed
    # all but some is still anybody
    return Match("part", ANYBODY, Who(sources=known)) if negated else Match("part", Who(sources=known))


def _in_ports(text: str, port: int) -> bool:
    for part in listed(text):
        found = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if not found:
            raise Unparsable(f"no port: {part[:20]}")
        if int(found[1]) <= port <= int(found[2] or found[1]):
            return True
    return False


def _tunnels(conf: Config) -> bool:
    """Something could come out of an IPsec tunnel. Tunnels of other kinds may carry a secret of IPsec, which the export hides."""
    menus = (
        "ip ipsec identity",
        "ip ipsec peer",
        "interface gre",
        "interface gre6",
        "interface eoip",
        "interface ipip",
        "interface l2tp-client",
    )
    return any(conf.active(menu) for menu in menus) or any(
        item.word("use-ipsec") not in (None, "no") for item in conf.items("interface l2tp-server server")
    )


def first_states(conf: Config, family: str) -> frozenset[str]:
    """States a first packet may be in."""
    if any(item.word("enabled") == "no" for item in conf.items("ip firewall connection tracking")):
        return frozenset({"untracked"})
    untracked = any(item.word("action") == "notrack" for item in conf.active(f"{family} firewall raw"))
    return frozenset({"new", "untracked"}) if untracked else frozenset({"new"})


def filters(conf: Config) -> dict[str, Chains]:
    """ip -> its chains, ipv6 -> its own."""
    return {family: Chains(conf, family) for family in (IPV4, "ipv6")}
