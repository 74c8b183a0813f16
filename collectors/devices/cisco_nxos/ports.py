"""Cisco NX-OS: ports and what guards the local network; the tables of neighbours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from collectors.devices.base import per_device
from collectors.devices.cisco_nxos.text import config
from collectors.devices.cisco_nxos.text import interfaces as each_of
from collectors.devices.syntax.indent import Node
from collectors.devices.vocabulary import mac
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.interfaces import Interfaces, Port, unguarded, unused_of_table, vouched
from collectors.facts.neighbours import Neighbour, Neighbours, both_tables
from collectors.transports.base import DeviceCli

Mode = Literal["access", "trunk", "dynamic", "routed", "other"]

_PHYSICAL = re.compile(r"(?:Ethernet|fc)[\d/]+$|mgmt\d+$")
_UP = {"connected": True, "notconnec": False, "notconnect": False, "disabled": False, "sfpAbsent": False, "xcvrAbsen": False}


class State(NamedTuple):
    """What `show interface status` says of a port."""

    up: bool | None
    """None for a state this file does not know, or one that says neither (err-disabled, suspended)."""
    open: bool | None
    """Administratively up; None where the word does not say, as for a socket without its module."""
    vlan: str


def interfaces(cli: DeviceCli) -> Interfaces:
    """Ports from the configuration, their mode and whether something is plugged in from `show interface status`."""
    gaps = Gaps()
    tree = config(cli)
    states = gaps.attempt(("ports[].up", "ports[].mode"), lambda: per_device(cli, "nxos.status", lambda: _status(cli)))
    ports = tuple(_port(tree, node, states or {}, gaps) for node in each_of(tree))
    if any(port.enabled is None for port in ports):
        admin = gaps.attempt("ports[].enabled", lambda: _administrative(cli)) or {}
        ports = tuple(
            port.model_copy(update={"enabled": admin.get(port.name)}) if port.enabled is None else port for port in ports
        )
    snooping = tree.flag("feature dhcp") is True and tree.has("ip dhcp snooping")
    return Interfaces(
        ports=ports,
        unused_open=unused_of_table(
            ports, {_short(port.name) for port in ports}, (name for name in states or {} if name.startswith("Eth")), gaps
        ),
        unguarded=_unguarded(ports, gaps),
        dhcp_snooping_vlans=_vlans(tree, "ip dhcp snooping vlan ") if snooping else (),
        arp_inspection_vlans=_vlans(tree, "ip arp inspection vlan ") if tree.flag("feature dhcp") else (),
        native_vlan_default=_native_one(tree, ports, gaps),
        dynamic_trunks=(),  # no port of NX-OS bargains about being a trunk
        unseen=gaps.unseen,
    )


def _unguarded(ports: tuple[Port, ...], gaps: Gaps) -> tuple[str, ...] | None:
    if blind := [port.name for port in ports if port.physical and (port.mode is None or port.enabled is None)]:
        gaps.note("unguarded", "unsupported", f"whether {blind[0]} is open, or its mode, is not told")
        return None
    return unguarded((port for port in ports if port.enabled and port.physical and port.mode == "access"), gaps)


def _native_one(tree: Node, ports: tuple[Port, ...], gaps: Gaps) -> bool | None:
    """Some trunk that is not shut carries VLAN 1 untagged."""
    if any(node.text.lower() == "vlan dot1q tag native" for node in tree.children):
        return False
    pairs = list(zip(ports, each_of(tree), strict=True))
    if any(
        port.mode == "trunk" and port.enabled is not False and port.native_vlan == 1 and _carries_one(node)
        for port, node in pairs
    ):
        return True
    if blind := [port.name for port, _ in pairs if port.mode is None and port.enabled is not False]:
        gaps.note("native_vlan_default", "unsupported", f"whether {blind[0]} is a trunk is not told")
        return None
    return False


def _vlans(tree: Node, start: str) -> tuple[str, ...]:
    return tuple(vlan for said in tree.lines(start) if re.fullmatch(r"[\d,-]+", said) for vlan in said.split(",") if vlan)


def _carries_one(node: Node) -> bool:
    """VLAN 1 is not taken off the trunk."""
    said = node.value("switchport trunk allowed vlan ")
    if said is None or not re.fullmatch(r"[\d,-]+", said):
        return said != "none"
    return any(int(part.partition("-")[0]) <= 1 for part in said.split(","))


# --- state ------------------------------------------------------------------------------------------------------------


_ROW = re.compile(
    r"^((?:mgmt|Eth|fc|Po|Vlan)[\d/]+)[ \t].*[ \t](\S+)[ \t]+(routed|trunk|f-path|\d+|--)[ \t]+(?:full|half|auto|a-full|a-half|--)[ \t]+\S",
    re.M,
)


def _status(cli: DeviceCli) -> Mapping[str, State]:
    text = cli.ask("show interface status")
    if not re.search(r"^Port +Name +Status +Vlan ", text, re.M):
        raise Unparsable("show interface status: no table in it")
    return {found[1]: State(_UP.get(found[2]), _open(found[2]), found[3]) for found in _ROW.finditer(text)}


def _open(word: str) -> bool | None:
    return {"connected": True, "disabled": False}.get(word, True if word.startswith("notconnec") else None)


def _administrative(cli: DeviceCli) -> Mapping[str, bool]:
    """Name -> administratively up, from `show interface`; asked only where configuration and table leave it open."""
    rows: dict[str, bool] = {}
    text = cli.ask("show interface", timeout=120.0)
    for block in re.split(r"^(?=\S+ is (?:up|down|trunking)\b)", text, flags=re.M)[1:]:
        head, _, below = block.partition("\n")
        name = head.split()[0]
        said = re.match(r"\s*admin state is (up|down)", below)
        if said:
            rows[name] = said[1] == "up"
        elif "dministratively down" in head:
            rows[name] = False
        elif re.match(r"\S+ is (?:up|trunking)|\S+ is down \(Link not connected\)", head):
            rows[name] = True
    if not rows:
        raise Unparsable("show interface: no interface in it")
    return rows


def _short(name: str) -> str:
    """Ethernet1/1 -> Eth1/1, port-channel5 -> Po5, as the table writes them."""
    return name.replace("Ethernet", "Eth").replace("port-channel", "Po")


# --- ports ------------------------------------------------------------------------------------------------------------


def _port(tree: Node, lines: Node, states: Mapping[str, State], gaps: Gaps) -> Port:
    name = lines.text.removeprefix("interface ").split()[0]
    state = states.get(_short(name))
    physical = bool(_PHYSICAL.match(name))
    mode = _mode(lines, name, state)
    shut = lines.stands("shutdown")
    layer2 = mode in ("access", "trunk") and physical
    routed = mode == "routed" and bool(lines.matches(r"ip address \d"))
    return Port(
        name=name,
        description=lines.value("description ") or "",
        physical=physical,
        enabled=(state.open if state else None) if shut is None else not shut,
        up=state.up if state else None,
        mode=mode,
        vlan=_number(lines.value("switchport access vlan "), 1) if mode == "access" else None,
        native_vlan=_number(lines.value("switchport trunk native vlan "), 1) if mode == "trunk" else None,
        addresses=tuple(_addresses(lines)),
        port_security=bool(lines.stands("switchport port-security") and tree.flag("feature port-security")) if layer2 else None,
        authenticated=vouched(name, _admits(tree, lines), _fails_open(tree, lines), gaps) if layer2 else None,
        bpdu_guard=_bpdu_guard(tree, lines) if layer2 else None,
        snooping_trusted=lines.flag("ip dhcp snooping trust") is True if layer2 else None,
        # Unicast Routing Configuration Guide, Default Settings: proxy ARP off, redirects on
        proxy_arp=lines.flag("ip proxy-arp") is True if routed else None,
        redirects=lines.flag("ip redirects") is not False if routed else None,
    )


def _admits(tree: Node, lines: Node) -> bool:
    """The port waits for an answer, and 802.1X is on for the whole switch, as it is with its feature until a line takes it back."""
    waits = lines.value("dot1x port-control ") == "auto" and tree.flag("dot1x system-auth-control") is not False
    return waits and tree.flag("feature dot1x") is True


def _fails_open(tree: Node, lines: Node) -> str | None:
    # Security Configuration Guide, 802.1X: a VLAN for guests, for those that fail, and while no server answers
    for node in (*lines.children, *tree.children):
        if found := re.match(
            r"dot1x (?:guest-vlan|auth-fail[ -]vlan|authentication event \S+|critical)\b|authentication event .*\bauthorize\b",
            node.text,
        ):
            return found[0]
    methods = (tree.value("aaa authentication dot1x default ") or "").split()
    return "aaa authentication dot1x default none" if "none" in methods else None


def _mode(lines: Node, name: str, state: State | None) -> Mode | None:
    if not re.match(r"(?:Ethernet|port-channel)[\d/]+$", name):
        return "other" if name.startswith(("fc", "vfc", "nve")) else "routed"
    if lines.stands("switchport") is False or lines.matches(r"ip(?:v6)? address (?!none)\S"):
        return "routed"
    said = lines.value("switchport mode ")
    if said is not None:
        word = said.split()[0]
        # whoever stands at the end of a tunnel or in a private VLAN is one station more
        edge = word in ("access", "dot1q-tunnel") or said.startswith("private-vlan host")
        return "access" if edge else "trunk" if word == "trunk" else "other"
    if lines.matches(r"switchport(?:$| access vlan)"):
        return "access"
    word = state.vlan if state else ""
    return "access" if word.isdecimal() else "trunk" if word == "trunk" else "routed" if word == "routed" else None


def _number(said: str | None, default: int) -> int | None:
    if said is None:
        return default
    return int(said.split()[0]) if said.split()[0].isdecimal() else None


def _addresses(lines: Node) -> Iterator[str]:
    for found in lines.matches(r"ip address (\d[\d.]*/\d+)"):
        yield found[1]
    for found in lines.matches(r"ipv6 address ([0-9A-Fa-f:]+/\d+)"):
        yield found[1].lower()


def _bpdu_guard(tree: Node, lines: Node) -> bool:
    """What is never looked at shuts nothing out: a filter for BPDUs, or VLANs without spanning tree."""
    if lines.flag("spanning-tree bpdufilter enable") or tree.matches(r"no spanning-tree vlan "):
        return False
    if tree.has("spanning-tree port type edge bpdufilter default") and not lines.flag("spanning-tree bpdufilter disable"):
        return False
    own = lines.value("spanning-tree bpduguard ")
    if own:
        return own.startswith("enable")
    if lines.value("spanning-tree guard ") == "root":
        return True
    said = lines.value("spanning-tree port type ")
    edge = said.startswith("edge") if said else tree.has("spanning-tree port type edge default")
    return edge and tree.has("spanning-tree port type edge bpduguard default")


# --- neighbours -------------------------------------------------------------------------------------------------------

_MAC = r"([0-9a-fA-F]{4}\.[0-9a-fA-F]{4}\.[0-9a-fA-F]{4})"


def neighbours(cli: DeviceCli) -> Neighbours:
    """ARP and ND of all VRFs, and the MAC table without the device's own and static addresses."""
    return both_tables(lambda: _arp(cli), lambda: _macs(cli))


def _arp(cli: DeviceCli) -> Iterator[Neighbour]:
    text = cli.ask("show ip arp vrf all")
    if not re.search(r"^Address +Age +MAC Address", text, re.M):
        raise Unparsable("show ip arp vrf all: no table in it")
    # age `-` is the device's own address
    for found in re.finditer(rf"^(\d\S+) +\d\S* +{_MAC} +(\S+)", text, re.M):
        yield Neighbour(mac=mac(found[2]), address=found[1], interface=found[3])
    try:
        six = cli.ask("show ipv6 neighbor vrf all")
    except Unsupported:
        return
    for found in re.finditer(rf"^([0-9A-Fa-f:]*:[0-9A-Fa-f:]*)\s+\d\S* +{_MAC} +\S+ +\S+ +(\S+)", six, re.M):
        yield Neighbour(mac=mac(found[2]), address=found[1].lower(), interface=found[3])


def _macs(cli: DeviceCli) -> Iterator[Neighbour]:
    text = cli.ask("show mac address-table")
    if not re.search(r"MAC Address", text):
        raise Unparsable("show mac address-table: no table in it")
    for found in re.finditer(rf"^[*+GOC ]*(\d+) +{_MAC} +dynamic +(?:\S+ +)*?(\S+)\s*$", text, re.M):
        yield Neighbour(mac=mac(found[2]), interface=found[3], vlan=int(found[1]))
