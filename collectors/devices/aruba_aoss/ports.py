"""Aruba AOS-S: ports and what guards the local network; the tables of neighbours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from collectors.devices.aruba_aoss.text import config, ports, unquoted
from collectors.devices.syntax.indent import Node
from collectors.devices.vocabulary import mac, prefix
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.interfaces import Interfaces, Port, unguarded, unused_open, vouched
from collectors.facts.neighbours import Neighbour, Neighbours, both_tables
from collectors.transports.base import DeviceCli

Mode = Literal["access", "trunk", "dynamic", "routed", "other"]

_ROW = re.compile(r"^\s+((?:\d+/)?[A-Za-z]*\d+)\*?(?:-(Trk\d+|Dyn\d+))?\*?\s.*\|\s*(?:Yes|No)\s+(Yes|No)\s+(Up|Down)\b", re.M)
_LEARNS = ("static", "configured", "limited-continuous", "port-access")


class State(NamedTuple):
    """A row of `show interfaces brief`."""

    trunk: str | None
    enabled: bool
    up: bool


class Members(NamedTuple):
    """Which ports a VLAN has: untagged -> VLAN, those that carry some VLAN tagged, and those taken out of VLAN 1."""

    untagged: Mapping[str, int]
    tagged: frozenset[str]
    apart: frozenset[str]


def interfaces(cli: DeviceCli) -> Interfaces:
    """Every port of the status table; a port of a bundle is what the bundle is."""
    gaps = Gaps()
    tree = config(cli)
    states = gaps.attempt(("ports", "unused_open", "unguarded"), lambda: _states(cli))
    members = _members(tree)
    guards = _Guards(tree)
    rows = None if states is None else tuple(_port(tree, name, state, members, guards, gaps) for name, state in states.items())
    lans = tuple(_lan(node) for node in tree.blocks("vlan ") if node.matches(r"ip(?:v6)? address "))
    trunks = [port for port in rows or () if port.mode == "trunk" and port.enabled]
    learnt = tree.flag("gvrp") is True or tree.flag("mvrp enable") is True
    if rows is None:
        gaps.note(("native_vlan_default", "dynamic_trunks"), "unsupported", "the ports were not seen")
    lost = () if states is None else _left_out(members, states)
    if lost:
        why = f"show interfaces brief leaves out {lost[0]}, which stands in a VLAN"
        gaps.note(("unused_open", "unguarded"), "unparsable", why)
    whole = rows if not lost else None
    return Interfaces(
        ports=None if rows is None else (*rows, *lans),
        unused_open=None if whole is None else unused_open(whole, gaps),
        unguarded=None if whole is None else unguarded((port for port in whole if port.enabled and port.mode == "access"), gaps),
        dhcp_snooping_vlans=_vlans(tree, "dhcp-snooping"),
        arp_inspection_vlans=_vlans(tree, "arp-protect"),
        native_vlan_default=None if rows is None else any(port.native_vlan == 1 for port in trunks),
        dynamic_trunks=None if rows is None else tuple(port.name for port in rows if learnt and port.enabled),
        unseen=gaps.unseen,
    )


def _left_out(members: Members, states: Mapping[str, State]) -> tuple[str, ...]:
    """Ports that VLANs name and the table does not: it was cut, or their module is gone. Bundles are named by their ports there."""
    known = {*states, *(state.trunk for state in states.values())}
    named = (*members.untagged, *sorted(members.tagged))
    return tuple(port for port in dict.fromkeys(named) if port not in known and not port.startswith(("Trk", "Dyn")))


def _states(cli: DeviceCli) -> Mapping[str, State]:
    text = cli.ask("show interfaces brief")
    if not re.search(r"\| Alert\s+Enabled\s+Status\s+Mode", text):
        raise Unparsable("show interfaces brief: no table in it")
    rows = {found[1]: State(found[2], found[3] == "Yes", found[4] == "Up") for found in _ROW.finditer(text)}
    lines = [line for line in text.split("\n") if "|" in line and re.search(r"\b(?:Up|Down)\b", line)]
    if not rows or len(lines) != len(rows):
        raise Unparsable(f"show interfaces brief: {len(lines)} rows, {len(rows)} of them placed")
    return rows


def _members(tree: Node) -> Members:
    untagged: dict[str, int] = {}
    tagged: set[str] = set()
    apart: set[str] = set()
    for vlan in tree.blocks("vlan "):
        number = vlan.text.split()[1]
        if not number.isdecimal():
            continue
        phones = vlan.stands("voice") is True
        for found in vlan.matches(r"(no )?(untagged|tagged) (\S.*)$"):
            for port in ports(found[3]):
                if found[2] == "tagged":
                    # a voice VLAN beside that of the desk makes no trunk: anybody may plug in there
                    if not phones:
                        (tagged.discard if found[1] else tagged.add)(port)
                elif not found[1]:
                    untagged[port] = int(number)
                elif number == "1":
                    apart.add(port)
    for own in tree.blocks("interface "):  # some releases write it at the port
        name = own.text.split()[1]
        if said := own.matches(r"untagged vlan (\d+)$"):
            untagged[name] = int(said[-1][1])
        if own.matches(r"tagged vlan "):
            tagged.add(name)
    return Members(untagged, frozenset(tagged), frozenset(apart))


_ASKED = ("port-access", "mac-based", "web-based")


class _Guards:
    """Lines of the whole switch that name ports."""

    def __init__(self, tree: Node) -> None:
        self.tree = tree
        # one line names many ports, and may speak of something else besides
        self.security = self._named(rf"port-security (\S+) .*learn-mode ({'|'.join(_LEARNS)})\b")
        active = tree.flag("aaa port-access authenticator active") is True
        self.authenticated = self._named(r"aaa port-access (?:mac-based|web-based) (\S+)$")
        if active:
            asked = self._named(r"aaa port-access authenticator ([^a-z\s]\S*|[A-Z]\d\S*)$")
            # a port whose control is `authorized` lets everybody in without asking
            self.authenticated |= asked - self._named(r"aaa port-access authenticator (\S+) control authorized$")
        running = tree.stands("spanning-tree") or tree.stands("spanning-tree enable")
        self.guarded = self._named(r"spanning-tree (\S+) (?:.*\b)?(?:bpdu-protection|root-guard)\b") if running else frozenset()
        self.trusted = self._named(r"dhcp-snooping trust (\S.*)$")

    def loophole(self, port: str) -> str | None:
        """Access Security Guide: VLANs and roles for those that fail, or come while no server answers; `authorized` lets all in then."""
        for kind in ("unauth-vid", "unauth-period", "initial-role", "critical-auth", "open-auth"):
            if kind != "unauth-period" and port in self._named(
                rf"aaa port-access (?:authenticator |mac-based |web-based )?(\S+) {kind}\b"
            ):
                return kind
        if any(
            line.split()[-1] == "authorized" for word in _ASKED for line in self.tree.lines(f"aaa authentication {word} ") if line
        ):
            return "authorized while no server answers"
        return None

    def _named(self, pattern: str) -> frozenset[str]:
        found: set[str] = set()
        for node in self.tree.children:
            taken = node.text.startswith("no ")
            if match := re.match(pattern, node.text.removeprefix("no ")):
                (found.difference_update if taken else found.update)(ports(match[1]))
        return frozenset(found)


def _port(tree: Node, name: str, state: State, members: Members, guards: _Guards, gaps: Gaps) -> Port:
    own = next((node for node in tree.children if node.text == f"interface {name}"), None)
    place = state.trunk or name
    trunk = place in members.tagged
    # a port no line takes out of VLAN 1 stands in it
    vlan = members.untagged.get(place, None if place in members.apart else 1)
    mode: Mode = "trunk" if trunk else "access" if vlan is not None else "other"
    return Port(
        name=name,
        description=unquoted(own.value("name ") or "") if own else "",
        physical=True,
        enabled=state.enabled,
        up=state.up,
        mode=mode,
        vlan=vlan if mode == "access" else None,
        native_vlan=vlan if mode == "trunk" else None,
        port_security=name in guards.security or _said(own, rf"port-security .*learn-mode (?:{'|'.join(_LEARNS)})\b"),
        authenticated=vouched(name, place in guards.authenticated, guards.loophole(place), gaps),
        bpdu_guard=place in guards.guarded,
        snooping_trusted=place in guards.trusted or _said(own, r"dhcp-snooping trust$"),
    )


def _said(own: Node | None, pattern: str) -> bool:
    return own is not None and bool(own.matches(pattern))


def _lan(node: Node) -> Port:
    four = [prefix(found[1], found[2]) for found in node.matches(r"ip address ([\d.]+) ([\d.]+)$")]
    four += [found[1] for found in node.matches(r"ip address ([\d.]+/\d+)$")]
    six = [found[1].lower() for found in node.matches(r"ipv6 address ([0-9A-Fa-f:]+/\d+)")]
    return Port(
        name=node.text.replace(" ", ""), description=unquoted(node.value("name ") or ""), physical=False, enabled=True, mode="routed",
        addresses=(*four, *six), proxy_arp=bool(node.flag("ip proxy-arp")),
    )  # fmt: skip


def _vlans(tree: Node, word: str) -> tuple[str, ...]:
    if not tree.stands(word):
        return ()
    return tuple(dict.fromkeys(number for line in tree.lines(f"{word} vlan ") for number in re.split(r"[ ,]+", line) if number))


# --- neighbours -------------------------------------------------------------------------------------------------------

_MAC = r"([0-9a-fA-F]{6}-[0-9a-fA-F]{6})"


def neighbours(cli: DeviceCli) -> Neighbours:
    """ARP and IPv6 neighbours, and the MAC table."""
    return both_tables(lambda: _arp(cli), lambda: _macs(cli))


def _arp(cli: DeviceCli) -> Iterator[Neighbour]:
    text = cli.ask("show arp")
    if not re.search(r"IP ARP table", text):
        raise Unparsable("show arp: no table in it")
    for found in re.finditer(rf"^\s*([\d.]+)\s+{_MAC}\s+dynamic(?:\s+(\S+))?", text, re.M):
        yield Neighbour(mac=mac(found[2]), address=found[1], interface=found[3])
    try:
        six = cli.ask("show ipv6 neighbors")
    except Unsupported:
        return
    for found in re.finditer(
        rf"^\s*([0-9A-Fa-f:]+:[0-9A-Fa-f:]*)\s+{_MAC}\s+(?:REACH|STALE|DELAY|PROBE)\s+\S+\s+(\S+)", six, re.M
    ):
        yield Neighbour(mac=mac(found[2]), address=found[1].lower(), interface=found[3])


def _macs(cli: DeviceCli) -> Iterator[Neighbour]:
    """With a column of VLANs, or without in old releases."""
    text = cli.ask("show mac-address")
    if not re.search(r"Port Address Table", text):
        raise Unparsable("show mac-address: no table in it")
    for found in re.finditer(rf"^\s*{_MAC}\s+(\S+)(?:[ \t]+(\d+))?\s*$", text, re.M):
        yield Neighbour(mac=mac(found[1]), interface=found[2], vlan=int(found[3]) if found[3] else None)
