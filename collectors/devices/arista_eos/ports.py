"""Arista EOS: ports and what guards the local network; the tables of neighbours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from collectors.devices.arista_eos.text import block, config, release
from collectors.devices.arista_eos.text import interfaces as each_of
from collectors.devices.syntax.indent import Node
from collectors.devices.vocabulary import mac
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.interfaces import Interfaces, Port, unguarded, unused_of_table, vouched
from collectors.facts.neighbours import Neighbour, Neighbours, both_tables
from collectors.transports.base import DeviceCli

Mode = Literal["access", "trunk", "dynamic", "routed", "other"]

_PHYSICAL = re.compile(r"(?:Ethernet|Management)[\d/]+$")
_UP = {"connected": True, "notconnect": False, "disabled": False}
_ROW = re.compile(
    r"^((?:Et|Ma|Po|Un)[\d/]+)\b.*[ \t](connected|notconnect|disabled|errdisabled|inactive)[ \t]+(?:in (?:Po\d+|\S+)|\S+)[ \t]+\S+[ \t]+\S+",
    re.M,
)


class State(NamedTuple):
    """What `show interfaces status` says of a port."""

    up: bool | None
    """None for a word that says neither (errdisabled, inactive)."""


def interfaces(cli: DeviceCli) -> Interfaces:
    """Ports from the configuration, whether something is plugged in from `show interfaces status`."""
    gaps = Gaps()
    tree = config(cli)
    release(cli)  # a port without a line is open and in VLAN 1: User Manual, Ethernet Ports, of the releases we know
    states = gaps.attempt("ports[].up", lambda: _status(cli)) or {}
    pairs = [(_port(tree, node, states, gaps), node) for node in each_of(tree)]
    ports = tuple(port for port, _ in pairs)
    snooping = tree.lines("ip dhcp snooping vlan ")
    if snooping:
        # User Manual, DHCP snooping: it puts option 82 into requests, and drops no server's answer by itself
        gaps.note("dhcp_snooping_vlans", "unsupported", "whether foreign servers are ignored is not told by EOS's DHCP snooping")
    return Interfaces(
        ports=ports,
        unused_open=unused_of_table(
            ports, {_short(port.name) for port in ports}, (name for name in states if name.startswith(("Et", "Un"))), gaps
        ),
        unguarded=unguarded((port for port in ports if port.enabled and port.physical and port.mode == "access"), gaps),
        dhcp_snooping_vlans=None if snooping else (),
        arp_inspection_vlans=_vlans(tree, "ip arp inspection vlan "),
        native_vlan_default=any(
            port.mode == "trunk" and port.enabled and port.native_vlan == 1 and _carries_one(_group(tree, node))
            for port, node in pairs
        ),
        dynamic_trunks=(),  # no port of EOS bargains about being a trunk
        unseen=gaps.unseen,
    )


def _shut_by_default(tree: Node, name: str) -> bool:
    """`interface defaults` may close every Ethernet port that does not say otherwise."""
    ethernet = next(block(tree, "interface defaults").blocks("ethernet"), None)
    return name.startswith("Ethernet") and ethernet is not None and ethernet.stands("shutdown") is True


def _vlans(tree: Node, start: str) -> tuple[str, ...]:
    return tuple(vlan for said in tree.lines(start) if re.fullmatch(r"[\d,-]+", said) for vlan in said.split(",") if vlan)


def _carries_one(lines: Node) -> bool:
    """VLAN 1 is not taken off the trunk."""
    said = lines.value("switchport trunk allowed vlan ")
    if said is None or not re.fullmatch(r"[\d,-]+", said):
        return said != "none"
    return any(int(part.partition("-")[0]) <= 1 for part in said.split(","))


def _status(cli: DeviceCli) -> Mapping[str, State]:
    text = cli.ask("show interfaces status")
    if not re.search(r"^Port +Name +Status +Vlan ", text, re.M):
        raise Unparsable("show interfaces status: no table in it")
    return {found[1]: State(_UP.get(found[2])) for found in _ROW.finditer(text)}


def _short(name: str) -> str:
    """Ethernet3/1 -> Et3/1, as the table writes it."""
    return re.sub(r"^(Et|Ma|Po|Un)[A-Za-z-]*", r"\1", name)


# --- ports ------------------------------------------------------------------------------------------------------------


def _group(tree: Node, node: Node) -> Node:
    """The port channel a port is a member of, whose switching counts; else the port itself."""
    member = re.match(r"(\d+)", node.value("channel-group ") or "")
    found = next(
        (each for each in tree.blocks("interface Port-Channel") if member and each.text == f"interface Port-Channel{member[1]}"),
        None,
    )
    return found or node


def _port(tree: Node, node: Node, states: Mapping[str, State], gaps: Gaps) -> Port:
    name = node.text.removeprefix("interface ").split()[0]
    lines = _group(tree, node)
    state = states.get(_short(name))
    physical = bool(_PHYSICAL.match(name))
    mode = _mode(tree, lines, name)
    layer2 = mode in ("access", "trunk") and physical
    routed = mode == "routed" and bool(node.matches(r"ip address \S"))
    return Port(
        name=name,
        description=node.value("description ") or "",
        physical=physical,
        enabled=not (_shut_by_default(tree, name) if node.stands("shutdown") is None else node.stands("shutdown")),
        up=state.up if state else None,
        mode=mode,
        vlan=_number(lines.value("switchport access vlan ")) if mode == "access" else None,
        native_vlan=_native(lines) if mode == "trunk" else None,
        addresses=tuple(_addresses(node)),
        port_security=node.stands("switchport port-security") is True if layer2 else None,
        authenticated=vouched(name, _admits(tree, node), _fails_open(tree, node), gaps) if layer2 else None,
        bpdu_guard=_bpdu_guard(tree, lines) if layer2 else None,
        snooping_trusted=None,
        # User Manual, IPv4: proxy ARP off, redirects on
        proxy_arp=node.flag("ip proxy-arp") is True if routed else None,
        redirects=tree.flag("ip icmp redirect") is not False if routed else None,
    )


def _admits(tree: Node, node: Node) -> bool:
    """802.1X needs all three: the switch speaks it, the port is an authenticator, and it is not forced open."""
    said = [node.flag("dot1x pae authenticator"), node.flag("dot1x port-control auto"), tree.flag("dot1x system-auth-control")]
    return all(each is True for each in said)


def _fails_open(tree: Node, node: Node) -> str | None:
    """User Manual, 802.1X: what happens to a station that fails, or comes while no server answers, here or for the whole switch."""
    of_all = [line for block in tree.children if block.text == "dot1x" for line in block.children]
    for text in (*(f"dot1x {line.text}" for line in of_all), *(line.text for line in (*tree.children, *node.children))):
        found = re.match(
            r"dot1x (?:aaa unresponsive (?:phone )?(?:action (?:apply|traffic)|eap response success)|authentication failure action traffic allow|guest-vlan)\b",
            text,
        )
        if found:
            return found[0]
    return None


def _mode(tree: Node, lines: Node, name: str) -> Mode:
    if not re.match(r"(?:Ethernet|Port-Channel|Unconnected)", name):
        return "other" if name.startswith("Vxlan") else "routed"
    said = lines.stands("switchport")
    if "." in name or said is False or (said is None and tree.has("switchport default mode routed")):
        return "routed"
    words = (lines.value("switchport mode ") or "access").split()
    # a desk with a telephone is a desk, and so is whoever stands at the end of a tunnel or in a private VLAN
    if words[0] in ("access", "dot1q-tunnel", "private-vlan") or words[1:2] == ["phone"]:
        return "access"
    return "trunk" if words[0] == "trunk" else "other"


def _number(said: str | None) -> int | None:
    if said is None:
        return 1
    return int(said.split()[0]) if said.split()[0].isdecimal() else None


def _native(lines: Node) -> int | None:
    """None where frames without a tag are dropped (`native vlan tag`)."""
    return _number(lines.value("switchport trunk native vlan "))


def _addresses(lines: Node) -> Iterator[str]:
    for found in lines.matches(r"ip address (?:virtual )?(\d[\d.]*/\d+)"):
        yield found[1]
    for found in lines.matches(r"ipv6 address (?:virtual )?([0-9A-Fa-f:]+/\d+)"):
        yield found[1].lower()


def _bpdu_guard(tree: Node, lines: Node) -> bool:
    """What is never looked at shuts nothing out: a filter for BPDUs, or no spanning tree."""
    if tree.value("spanning-tree mode ") == "none" or lines.flag("spanning-tree bpdufilter enable"):
        return False
    if tree.flag("spanning-tree edge-port bpdufilter default") and not lines.flag("spanning-tree bpdufilter disable"):
        return False
    own = lines.value("spanning-tree bpduguard ")
    if own:
        return own.startswith("enable")
    if lines.value("spanning-tree guard ") == "root":
        return True
    edge = bool(lines.matches(r"spanning-tree portfast(?: edge)?$"))
    return edge and tree.flag("spanning-tree edge-port bpduguard default") is True


# --- neighbours -------------------------------------------------------------------------------------------------------

_MAC = r"([0-9a-fA-F]{4}\.[0-9a-fA-F]{4}\.[0-9a-fA-F]{4})"


def neighbours(cli: DeviceCli) -> Neighbours:
    """ARP and ND of all VRFs, and the MAC table without static addresses."""
    return both_tables(lambda: _arp(cli), lambda: _macs(cli))


def _arp(cli: DeviceCli) -> Iterator[Neighbour]:
    text = cli.ask("show ip arp vrf all")
    if not re.search(r"^Address +Age", text, re.M):
        raise Unparsable("show ip arp vrf all: no table in it")
    for found in re.finditer(rf"^(\d\S+) +(?:\d\S*|N/A) +{_MAC} +([^\s,]+)", text, re.M):
        yield Neighbour(mac=mac(found[2]), address=found[1], interface=found[3])
    try:
        six = cli.ask("show ipv6 neighbors vrf all")
    except Unsupported:
        return
    for found in re.finditer(rf"^([0-9A-Fa-f:]*:[0-9A-Fa-f:]*) +\d\S* +{_MAC} +\S+ +([^\s,]+)", six, re.M):
        yield Neighbour(mac=mac(found[2]), address=found[1].lower(), interface=found[3])


def _macs(cli: DeviceCli) -> Iterator[Neighbour]:
    text = cli.ask("show mac address-table")
    if not re.search(r"mac address", text, re.I):
        raise Unparsable("show mac address-table: no table in it")
    for found in re.finditer(rf"^ *(\d+) +{_MAC} +DYNAMIC +(\S+)", text, re.M):
        yield Neighbour(mac=mac(found[2]), interface=found[3], vlan=int(found[1]))
