"""Junos: ports, what guards them, and whom the device sees."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from collectors.devices.juniper_junos.text import config, members, scopes
from collectors.devices.syntax.junos import Node
from collectors.devices.vocabulary import mac
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.interfaces import Interfaces, Port, unguarded, unused_open, vouched
from collectors.facts.neighbours import Neighbour, Neighbours, both_tables
from collectors.transports.base import DeviceCli

Mode = Literal["access", "trunk", "routed", "other"]

_PHYSICAL = re.compile(r"(?:ge|xe|et|fe|mge)-\d+/\d+/\d+(?::\d+)?|(?:fxp|me|em)\d+")
_FAMILIES = ("ethernet-switching", "bridge")
_ENFORCED = frozenset({"drop", "drop-and-log", "shutdown"})
_NO_PORT = frozenset({"interface-range", "traceoptions", "interface-set"})


class _Link(NamedTuple):
    """A row of `show interfaces terse`."""

    admin: bool
    up: bool


class _Guards(NamedTuple):
    """The parts of the configuration that guard ports, with the ranges that stand for several."""

    root: Node
    ranges: Mapping[str, list[str]]

    def names(self, port: str) -> tuple[str, ...]:
        """The words by which statements mean this port, the most exact first."""
        wide = [name for name, inside in self.ranges.items() if port in inside]
        return (port, f"{port}.0", *wide, *(f"{name}.0" for name in wide), "all")

    def at(self, port: str, *path: str) -> Node | None:
        """The statement for this port: `<path> interface <name>`."""
        table = self.root.at(*path, "interface")
        return next((table.nodes[name] for name in self.names(port) if table is not None and name in table.nodes), None)


def interfaces(cli: DeviceCli) -> Interfaces:
    """Ports of the configuration and of `show interfaces terse`, which alone tells of a link."""
    gaps = Gaps()
    root = config(cli)
    links = gaps.attempt(("ports[].up", "unused_open"), lambda: _links(cli))
    guards = gaps.attempt(("ports", "unused_open", "unguarded"), lambda: _Guards(root, _ranges(root)))
    ports = gaps.attempt(("ports", "unguarded"), lambda: tuple(_ports(guards, links or {}, gaps))) if guards else None
    if ports is None or guards is None:
        return Interfaces(ports=None, unused_open=None, unseen=gaps.unseen)
    return Interfaces(
        ports=ports,
        unused_open=gaps.attempt("unused_open", lambda: _unused(cli, ports, links, gaps)) if links else None,
        unguarded=_unguarded(ports, gaps),
        dhcp_snooping_vlans=gaps.attempt("dhcp_snooping_vlans", lambda: tuple(_watched(root, "dhcp-security", "examine-dhcp"))),
        arp_inspection_vlans=gaps.attempt(
            "arp_inspection_vlans", lambda: tuple(_watched(root, "arp-inspection", "arp-inspection"))
        ),
        native_vlan_default=any(port.mode == "trunk" and port.native_vlan == 1 for port in ports),
        dynamic_trunks=(),  # Junos lets nobody else choose
        unseen=gaps.unseen,
    )


def _ranges(root: Node) -> dict[str, list[str]]:
    found = {}
    for rule in root.below("interfaces", "interface-range"):
        try:
            found[rule.name] = members(rule)
        except Unparsable:
            continue  # the device has put its statements to each port
    return found


def _links(cli: DeviceCli) -> dict[str, _Link]:
    text = cli.ask("show interfaces terse")
    rows = re.findall(r"^(\S+) +(up|down) +(up|down)\b", text, re.M)
    if not rows:
        raise Unparsable("show interfaces terse: no table in it")
    return {name: _Link(admin == "up", link == "up") for name, admin, link in rows}


def _ports(guards: _Guards, links: Mapping[str, _Link], gaps: Gaps) -> Iterator[Port]:
    seen: set[str] = set()
    for where, scope in scopes(guards.root):
        for node in scope.below("interfaces"):
            if node.name in _NO_PORT:
                continue
            seen.add(node.name)
            units = node.below("unit")
            physical = bool(_PHYSICAL.fullmatch(node.name)) and not where
            if physical or not units:
                yield _port(guards, links, gaps, node, physical)
            for unit in units:
                if any(unit.has("family", family) for family in ("inet", "inet6")):
                    yield _routed(node, unit, links)
    for name in links:
        if _PHYSICAL.fullmatch(name) and name not in seen:
            yield _port(guards, links, gaps, Node(name), True)


def _routed(node: Node, unit: Node, links: Mapping[str, _Link]) -> Port:
    name = f"{node.name}.{unit.name}"
    link = links.get(name)
    return Port(
        name=name,
        description=unit.word("description") or "",
        physical=False,
        enabled=not (node.has("disable") or unit.has("disable")),
        up=link.up if link else None,
        mode="routed",
        vlan=_int(unit.word("vlan-id")),
        addresses=tuple(_addresses(unit)),
        proxy_arp=unit.has("proxy-arp"),
        redirects=None,
    )


def _addresses(unit: Node) -> Iterator[str]:
    for family in ("inet", "inet6"):
        yield from (address.lower() for address in unit.words("family", family, "address"))


def _port(guards: _Guards, links: Mapping[str, _Link], gaps: Gaps, node: Node, physical: bool) -> Port:
    link = links.get(node.name)
    switching = _switching(node)
    mode, vlan, native = _layer_two(guards.root, node, switching)
    edge = mode == "access"
    return Port(
        name=node.name,
        description=node.word("description") or "",
        physical=physical,
        enabled=not node.has("disable") and (link is None or link.admin),
        up=link.up if link else None,
        mode=mode,
        vlan=vlan,
        native_vlan=native,
        port_security=_limited(guards, node, gaps) if edge else None,
        authenticated=vouched(node.name, _authenticated(guards, node.name), _fails_open(guards, node.name), gaps)
        if edge
        else None,
        bpdu_guard=_bpdu(guards, node.name) if edge else None,
        snooping_trusted=_trusted(guards, node.name, mode) if switching is not None else None,
    )


def _switching(node: Node) -> Node | None:
    for unit in node.below("unit"):
        for family in _FAMILIES:
            found = unit.at("family", family)
            if found is not None:
                return found
    return None


def _layer_two(root: Node, node: Node, switching: Node | None) -> tuple[Mode, int | None, int | None]:
    """(mode, access VLAN, native VLAN). "access" is what a port does unless told otherwise (interface-mode, port-mode)."""
    if switching is None:
        routed = any(unit.has("family", family) for unit in node.below("unit") for family in ("inet", "inet6"))
        return ("routed" if routed else "other"), None, None
    said = switching.word("interface-mode") or switching.word("port-mode") or "access"
    mode: Mode = "access" if said == "access" else "trunk" if said == "trunk" else "other"
    named = switching.words("vlan", "members")[:1] or tuple(_holding(root, node.name))[:1] or switching.words("vlan-id")[:1]
    vlan = _vlan(root, named[0]) if mode == "access" and named else None
    native = node.word("native-vlan-id") or switching.word("native-vlan-id")
    return mode, vlan, _vlan(root, native) if native and mode == "trunk" else None


def _holding(root: Node, port: str) -> Iterator[str]:
    """VLANs that name the port themselves."""
    for vlan in root.below("vlans"):
        if vlan.has("interface", f"{port}.0") or vlan.has("interface", port):
            yield vlan.name


def _vlan(root: Node, said: str) -> int | None:
    return int(said) if said.isdecimal() else _int(root.word("vlans", said, "vlan-id"))


def _int(said: str | None) -> int | None:
    return int(said) if said and said.isascii() and said.isdigit() else None


# --- guards -----------------------------------------------------------------------------------------------------------


def _limited(guards: _Guards, node: Node, gaps: Gaps) -> bool | None:
    """A limit of stations that is enforced: one that only writes a record limits nobody."""
    if any(unit.has("accept-source-mac") for unit in node.below("unit")):
        return True
    old = guards.at(node.name, "ethernet-switching-options", "secure-access-port")
    if old is not None and (old.has("allowed-mac") or old.has("mac-limit")):
        # "action: default drop" (mac-limit)
        return old.has("allowed-mac") or (old.option("action") or "drop") in _ENFORCED
    for path in (("switch-options",), *(("vlans", vlan.name, "switch-options") for vlan in guards.root.below("vlans"))):
        found = guards.at(node.name, *path)
        limit = found.at("interface-mac-limit") if found is not None else guards.root.at(*path, "interface-mac-limit")
        if limit is not None:
            action = limit.option("packet-action")
            if action is None:
                gaps.note(
                    "ports[].port_security",
                    "unsupported",
                    "packet-action of interface-mac-limit is not set; its default differs by release",
                )
                return None
            return action in _ENFORCED
    return False


def _authenticated(guards: _Guards, port: str) -> bool:
    found = guards.at(port, "protocols", "dot1x", "authenticator")
    return found is not None and not found.has("disable")


def _fails_open(guards: _Guards, port: str) -> str | None:
    """VLANs for guests and for those a server turned down, and what is done while none answers (802.1X, server-fail)."""
    found = guards.at(port, "protocols", "dot1x", "authenticator")
    if found is None:
        return None
    for word in ("guest-vlan", "guest-bridge-domain", "guest-gbp-tag", "server-reject-vlan", "server-reject-bridge-domain"):
        if found.has(word):
            return word
    kept = [
        name
        for name in ("server-fail", "server-fail-voip")
        if found.has(name)
        and not (found.has(name, "deny") or found.has(name, "use-cache") or found.option(name) in ("deny", "use-cache"))
    ]
    return kept[0] if kept else None


def _bpdu(guards: _Guards, port: str) -> bool:
    for path in (("protocols", "layer2-control", "bpdu-block"), ("ethernet-switching-options", "bpdu-block")):
        found = guards.at(port, *path)
        if found is not None and not found.has("disable"):
            return True
    for protocol in ("rstp", "mstp", "vstp", "stp"):
        tree = guards.root.at("protocols", protocol)
        if tree is None or tree.has("disable"):
            continue
        found = guards.at(port, "protocols", protocol)
        if found is not None and not found.has("disable"):
            return found.has("no-root-port") or (found.has("edge") and tree.has("bpdu-block-on-edge"))
    return False


def _trusted(guards: _Guards, port: str, mode: str) -> bool:
    """Trunks are believed unless told otherwise, access ports are not (DHCP snooping)."""
    for vlan in guards.root.below("vlans"):
        for group in vlan.below("forwarding-options", "dhcp-security", "group"):
            if any(group.has("interface", name) for name in guards.names(port)):
                if group.has("overrides", "trusted"):
                    return True
                if group.has("overrides", "untrusted"):
                    return False
    old = guards.at(port, "ethernet-switching-options", "secure-access-port")
    if old is not None and (old.has("dhcp-trusted") or old.has("no-dhcp-trusted")):
        return old.has("dhcp-trusted")
    return mode == "trunk"


def _watched(root: Node, newer: str, older: str) -> Iterator[str]:
    """VLANs with DHCP snooping (which dhcp-security alone switches on) or ARP inspection."""
    for vlan in root.below("vlans"):
        found = vlan.at("forwarding-options", "dhcp-security")
        if found is not None and (newer == "dhcp-security" or found.has(newer)):
            yield vlan.name
    for vlan in root.below("ethernet-switching-options", "secure-access-port", "vlan"):
        if vlan.has(older):
            yield vlan.name


def _unguarded(ports: tuple[Port, ...], gaps: Gaps) -> tuple[str, ...] | None:
    return unguarded((port for port in ports if port.mode == "access" and port.enabled is not False), gaps)


def _unused(cli: DeviceCli, ports: tuple[Port, ...], links: Mapping[str, _Link], gaps: Gaps) -> tuple[str, ...] | None:
    """A cage without a module is in no table, and opens for whoever brings one: every socket of the chassis must be there."""
    text = cli.ask("show chassis hardware")
    if re.search(r"^node\d:", text, re.M):
        raise Unsupported("a cluster of two: sockets of the other node are numbered anew, and were not matched")
    fpc, counted = "", False
    for line in text.splitlines():
        if head := re.match(r"FPC (\d+)\b", line):
            fpc = head[1]
        elif pic := re.match(r"\s+PIC (\d+)\s+(\S.*)$", line):
            sockets = sum(int(count) for count in re.findall(r"\b(\d+)\s*[xX](?=\s*\S)", pic[2]))
            counted = counted or bool(sockets)
            for at in range(sockets):
                if not any(re.fullmatch(rf"[a-z]+-{fpc}/{pic[1]}/{at}(?::\d+)?", name) for name in links):
                    raise Unsupported(f"socket {fpc}/{pic[1]}/{at} holds no module; whether it is open is not told")
    if not counted:
        raise Unparsable("show chassis hardware: how many sockets there are is not told")
    return unused_open(ports, gaps)


# --- neighbours -------------------------------------------------------------------------------------------------------

_MAC = r"([0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5})"


def neighbours(cli: DeviceCli) -> Neighbours:
    """ARP, IPv6 neighbours and, on a switch, the table of learnt addresses."""
    return both_tables(lambda: _arp(cli), lambda: _macs(cli))


def _arp(cli: DeviceCli) -> Iterator[Neighbour]:
    text = cli.ask("show arp no-resolve")
    if text.strip() and not re.search(r"^MAC Address +Address|^Total entries", text, re.M):
        raise Unparsable("show arp no-resolve: no table in it")
    for row in re.finditer(rf"^{_MAC} +([\d.]+) +(\S+)", text, re.M):
        yield Neighbour(mac=mac(row[1]), address=row[2], interface=row[3])
    try:
        six = cli.ask("show ipv6 neighbors")
    except Unsupported:
        return
    for row in re.finditer(rf"^([0-9A-Fa-f:]+) +{_MAC} +\S+ +\d+ +(?:yes|no) +(?:yes|no) +(\S+)", six, re.M):
        yield Neighbour(mac=mac(row[2]), address=row[1].lower(), interface=row[3])


def _macs(cli: DeviceCli) -> Iterator[Neighbour]:
    """ELS: name, address, flags, age, port. Before: name, address, the word Learn, age, port."""
    text = cli.ask("show ethernet-switching table")
    if not re.search(r"(?i)ethernet[- ]switching table", text):
        raise Unparsable("show ethernet-switching table: no table in it")
    for row in re.finditer(rf"^ *\S+ +{_MAC} +(?:D\S*|Learn) +\S+ +(?:\S+ +)??([a-z]+[\w/\-:]*\.\d+)", text, re.M):
        yield Neighbour(mac=mac(row[1]), interface=row[2])
