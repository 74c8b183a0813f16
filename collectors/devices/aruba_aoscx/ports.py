"""Aruba AOS-CX: ports and what guards the local network; the tables of neighbours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from collectors.devices.aruba_aoscx.text import config
from collectors.devices.syntax.indent import Node
from collectors.devices.vocabulary import mac
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.interfaces import Interfaces, Port, unguarded, unused_open, vouched
from collectors.facts.neighbours import Neighbour, Neighbours, both_tables
from collectors.transports.base import DeviceCli

Mode = Literal["access", "trunk", "dynamic", "routed", "other"]

_PHYSICAL = re.compile(r"(?:\d+/\d+/\d+(?::\d+)?|mgmt)$")
_ROW = re.compile(r"^(\S+)\s+(--|\d+)\s+(\S+)\s+(\S.*?)\s+(yes|no)\s+(up|down)\b", re.M)
_MODES: dict[str, Mode] = {"access": "access", "trunk": "trunk", "routed": "routed"}


class Status(NamedTuple):
    """A row of `show interface brief`."""

    enabled: bool
    up: bool
    mode: Mode | None


def interfaces(cli: DeviceCli) -> Interfaces:
    """Every port the status table names, with what the configuration says of it; a port of a bundle is what the bundle is."""
    gaps = Gaps()
    tree = config(cli)
    nodes = {_name(node): node for node in tree.blocks("interface ")}
    states = gaps.attempt("unused_open", lambda: _states(cli, "mgmt" in nodes))
    names = [*(states or {}), *(name for name in nodes if name not in (states or {}))]
    bundles = {name.removeprefix("lag"): node for name, node in nodes.items() if name.startswith("lag")}
    ports = tuple(_port(tree, name, nodes.get(name), bundles, (states or {}).get(name), gaps) for name in names)
    if any(port.physical and port.mode is None for port in ports):
        gaps.note(
            "ports[].mode", "unsupported", "a port without a line on its VLAN or address, and no status table names its mode"
        )
    trunks = [port for port in ports if port.mode == "trunk" and port.enabled is not False]
    blind = any(port.physical and port.mode is None for port in ports)
    by_one = any(port.native_vlan == 1 for port in trunks)
    if blind and not by_one:
        gaps.note("native_vlan_default", "unsupported", "of some port it is not told whether it is a trunk")
    return Interfaces(
        ports=ports,
        unused_open=None if states is None else unused_open(ports, gaps),
        unguarded=_unguarded(ports, gaps),
        dhcp_snooping_vlans=_vlans(tree, "dhcpv4-snooping") if tree.stands("dhcpv4-snooping") else (),
        arp_inspection_vlans=_vlans(tree, "arp inspection"),
        native_vlan_default=None if blind and not by_one else by_one,
        dynamic_trunks=(),  # no port asks the other end whether it would like to be a trunk
        unseen=gaps.unseen,
    )


def _unguarded(ports: tuple[Port, ...], gaps: Gaps) -> tuple[str, ...] | None:
    blind = [
        port.name for port in ports if port.physical and (port.mode is None or (port.mode == "access" and port.enabled is None))
    ]
    if blind:
        gaps.note("unguarded", "unsupported", f"whether {blind[0]} is an open access port is not told")
        return None
    return unguarded((port for port in ports if port.physical and port.enabled and port.mode == "access"), gaps)


def _vlans(tree: Node, line: str) -> tuple[str, ...]:
    return tuple(
        number
        for node in tree.blocks("vlan ")
        if node.stands(line)
        for number in node.text.split()[1].split(",")
    )  # fmt: skip


def _states(cli: DeviceCli, mgmt: bool) -> Mapping[str, Status]:
    """By port; some releases leave the management port out of the table and have a page of its own for it."""
    rows = dict(_brief(cli.ask("show interface brief")))
    if mgmt and "mgmt" not in rows:
        own = cli.ask("show interface mgmt")
        admin = re.search(r"^\s*Admin State\s*:\s*(up|down)\b", own, re.M)
        link = re.search(r"^\s*Link State\s*:\s*(up|down)\b", own, re.M)
        if not admin or not link:
            raise Unparsable("show interface mgmt: does not say whether the port is up")
        rows["mgmt"] = Status(admin[1] == "up", link[1] == "up", "routed")
    return rows


def _brief(text: str) -> Mapping[str, Status]:
    if not re.search(r"^Port\s+Native\s+Mode\s+Type\s+Enabled\s+Status", text, re.M):
        raise Unparsable("show interface brief: no table in it")
    rows = {found[1]: Status(found[5] == "yes", found[6] == "up", _MODES.get(found[3])) for found in _ROW.finditer(text)}
    if not rows:
        raise Unparsable("show interface brief: an empty table")
    return rows


def _name(node: Node) -> str:
    """`interface vlan 110` is vlan110 in tables; `interface lag 1 multi-chassis` is lag1."""
    words = node.text.removeprefix("interface ").removesuffix(" multi-chassis").split()
    return "".join(words)


def _port(tree: Node, name: str, node: Node | None, bundles: Mapping[str, Node], state: Status | None, gaps: Gaps) -> Port:
    own = node or Node(f"interface {name}")
    bundle = bundles.get(own.value("lag ") or "")
    lines = bundle or own
    mode = _mode(lines) or (state.mode if state else None) or _logical(name)
    if mode == "trunk" and _for_phones(tree, lines):
        mode = "access"
    layer2 = mode in ("access", "trunk")
    addresses = tuple(_addresses(own))
    routed = mode == "routed" and bool(addresses)
    return Port(
        name=name,
        description=own.value("description ") or "",
        physical=bool(_PHYSICAL.match(name)),
        enabled=state.enabled if state else own.flag("shutdown") if own.flag("shutdown") is None else not own.flag("shutdown"),
        up=state.up if state else None,
        mode=mode,
        vlan=_number(lines.value("vlan access ") or lines.value("vlan trunk native "), 1) if mode == "access" else None,
        native_vlan=_native(lines) if mode == "trunk" else None,
        addresses=addresses,
        port_security=_port_security(tree, lines) if layer2 else None,
        authenticated=vouched(name, _authenticated(tree, lines), _fails_open(tree, lines), gaps) if layer2 else None,
        bpdu_guard=_bpdu_guard(tree, lines) if layer2 else None,
        snooping_trusted=bool(lines.stands("dhcpv4-snooping trust")) if layer2 else None,
        proxy_arp=bool(own.flag("ip proxy-arp") or own.flag("ip local-proxy-arp")) if routed else None,
        redirects=tree.flag("ip icmp redirect") is not False if routed else None,
    )


def _logical(name: str) -> Mode | None:
    return "routed" if name == "mgmt" or name.startswith(("vlan", "loopback")) else "other" if not _PHYSICAL.match(name) else None


def _mode(lines: Node) -> Mode | None:
    """What the configuration says; None where it says nothing, which differs by model."""
    if lines.lines("vlan trunk "):
        return "trunk"
    if lines.lines("vlan access "):
        return "access"
    if lines.flag("routing") is False:
        return "access"
    if lines.flag("routing") or lines.matches(r"(?:ip address|ip static|ip dhcp|ipv6 address|vrf attach) ?"):
        return "routed"
    return None


def _number(said: str | None, default: int) -> int | None:
    if said is None:
        return default
    return int(said.split()[0]) if said.split()[0].isdecimal() else None


def _for_phones(tree: Node, lines: Node) -> bool:
    """A trunk of one VLAN for whoever plugs in and of voice VLANs beside it is the port of a desk."""
    native = _number((lines.value("vlan trunk native ") or "1").removesuffix(" tag"), 1)
    allowed = {
        number
        for line in lines.lines("vlan trunk allowed ")
        for word in line.replace(" ", "").split(",")
        for number in _range(word)
    } - {native}
    return bool(allowed) and allowed <= _voice(tree)


def _voice(tree: Node) -> set[int]:
    return {
        number
        for node in tree.blocks("vlan ")
        if node.stands("voice")
        for word in node.text.split()[1].split(",")
        for number in _range(word)
    }


def _native(lines: Node) -> int | None:
    """VLAN of untagged frames, 1 where nothing is said; None where that VLAN is tagged or does not belong to the trunk."""
    said = lines.value("vlan trunk native ")
    if said is not None and said.endswith(" tag"):
        return None
    native = _number(said, 1)
    allowed = lines.lines("vlan trunk allowed ")
    if (
        native is None
        or not allowed
        or any(native in _range(word) for line in allowed for word in line.replace(" ", "").split(","))
    ):
        return native
    return None


def _range(word: str) -> range:
    found = re.fullmatch(r"(\d+)(?:-(\d+))?", word)
    return range(int(found[1]), int(found[2] or found[1]) + 1) if found else range(1, 4095)


def _addresses(lines: Node) -> Iterator[str]:
    for found in lines.matches(r"ip (?:address|static) ([\d.]+/\d+)"):
        yield found[1]
    for found in lines.matches(r"ipv6 (?:address|static) ([0-9A-Fa-f:]+/\d+)"):
        yield found[1].lower()


def _on(node: Node, line: str) -> bool:
    """`LINE enable` in one line, or a block LINE with `enable` below it; the later one of both wins."""
    on = False
    for child in node.children:
        if child.text == f"{line} enable" or (child.text == line and child.flag("enable")):
            on = True
        elif child.text in (f"{line} disable", f"no {line} enable", f"no {line}") or (
            child.text == line and child.flag("enable") is False
        ):
            on = False
    return on


def _port_security(tree: Node, lines: Node) -> bool:
    """On at the port and for the switch."""
    return _on(tree, "port-access port-security") and _on(lines, "port-access port-security")


def _authenticated(tree: Node, lines: Node) -> bool:
    """802.1X or MAC authentication, on at the port and for the switch."""
    kinds = ("aaa authentication port-access dot1x authenticator", "aaa authentication port-access mac-auth")
    return any(_on(tree, kind) and _on(lines, kind) for kind in kinds)


def _fails_open(tree: Node, lines: Node) -> str | None:
    """Roles for those that fail, come while no server answers, or were not asked yet (Security Guide, port access roles)."""
    for node in (*lines.children, *tree.children):
        found = re.match(
            r"aaa authentication port-access (?:(?:critical|reject|pre-?auth|fallback)(?:-voice)?-role \S+|auth-mode \S*open\S*|open\S*)"
            r"|port-access (?:fallback-role|open)\b",
            node.text,
        )
        if found:
            return found[0]
    return None


def _bpdu_guard(tree: Node, lines: Node) -> bool:
    """Guards work only where spanning tree runs."""
    guarded = lines.stands("spanning-tree bpdu-guard") or lines.stands("spanning-tree root-guard")
    return bool(tree.stands("spanning-tree")) and bool(guarded)


# --- neighbours -------------------------------------------------------------------------------------------------------

_MAC = r"((?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2})"


def neighbours(cli: DeviceCli) -> Neighbours:
    """ARP and IPv6 neighbours of all VRFs, and the MAC table."""
    return both_tables(lambda: _arp(cli), lambda: _macs(cli))


def _arp(cli: DeviceCli) -> Iterator[Neighbour]:
    text = cli.ask("show arp all-vrfs")
    if not re.search(r"^IPv4 Address\s+MAC", text, re.M) and not re.search(r"^No ARP entries", text, re.M | re.I):
        raise Unparsable("show arp all-vrfs: no table in it")
    yield from _rows(text, r"[\d.]+")
    try:
        six = cli.ask("show ipv6 neighbors all-vrfs")
    except Unsupported:
        return
    yield from _rows(six, r"[0-9A-Fa-f:]+")


def _rows(text: str, address: str) -> Iterator[Neighbour]:
    for found in re.finditer(rf"^({address})\s+{_MAC}\s+(\S+)\s+\S+\s+(\w+)", text, re.M):
        if found[4].lower() not in ("failed", "incomplete"):
            yield Neighbour(mac=mac(found[2]), address=found[1].lower(), interface=found[3])


def _macs(cli: DeviceCli) -> Iterator[Neighbour]:
    text = cli.ask("show mac-address-table")
    if not re.search(r"^MAC Address\s+VLAN\s+Type\s+Port", text, re.M) and not re.search(r"^No MAC entries", text, re.M | re.I):
        raise Unparsable("show mac-address-table: no table in it")
    for found in re.finditer(rf"^{_MAC}\s+(\d+)\s+(dynamic|port-access-\S+|evpn)\s+(\S+)", text, re.M):
        yield Neighbour(mac=mac(found[1]), interface=found[4], vlan=int(found[2]))
