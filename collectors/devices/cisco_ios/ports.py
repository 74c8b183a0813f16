"""Cisco IOS: ports and what guards the local network; the tables of neighbours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Literal, NamedTuple

from collectors.devices.cisco_ios.text import config
from collectors.devices.syntax.indent import Node
from collectors.devices.vocabulary import mac
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.interfaces import Interfaces, Port, unguarded, unused_open, vouched
from collectors.facts.neighbours import Neighbour, Neighbours, both_tables
from collectors.transports.base import DeviceCli

Mode = Literal["access", "trunk", "dynamic", "routed", "other"]

_PHYSICAL = re.compile(
    r"(?:(?:Fast|Gigabit|TwoGigabit|FiveGigabit|TenGigabit|TwentyFiveGig|FortyGigabit|FiftyGig|(?:Two|Four)?HundredGig)\w*|Ethernet|Serial|AppGig\w*)[\d/]+$"
)


_UP = {"connected": True, "monitoring": True, "notconnect": False, "disabled": False, "sfpAbsent": False, "xcvrAbsen": False}


class Status(NamedTuple):
    """What `show interfaces status` or `show ip interface brief` says of a port."""

    up: bool | None
    """None for a state this file does not know, or one that says neither (err-disabled, inactive)."""


def interfaces(cli: DeviceCli) -> Interfaces:
    """Ports from the configuration, whether something is plugged in from the status table of switch or router."""
    gaps = Gaps()
    tree = config(cli)
    switch, states = _states(cli, gaps)
    ports = tuple(_port(tree, node, switch, states, gaps) for node in tree.blocks("interface "))
    snooping = tree.has("ip dhcp snooping")
    trunks = [port for port in ports if port.mode == "trunk" and port.enabled]
    return Interfaces(
        ports=ports,
        unused_open=None if states is None else unused_open(ports, gaps),
        unguarded=unguarded((port for port in ports if _for_desks(port)), gaps),
        dhcp_snooping_vlans=_vlans(tree, "ip dhcp snooping vlan ") if snooping else (),
        arp_inspection_vlans=_vlans(tree, "ip arp inspection vlan "),
        native_vlan_default=any(port.native_vlan == 1 for port in trunks) and not tree.flag("vlan dot1q tag native"),
        dynamic_trunks=tuple(port.name for port in ports if port.mode == "dynamic" and port.enabled),
        unseen=gaps.unseen,
    )


def _for_desks(port: Port) -> bool:
    return bool(port.enabled) and port.physical and port.mode in ("access", "dynamic")


def _vlans(tree: Node, start: str) -> tuple[str, ...]:
    return tuple(
        vlan
        for said in tree.lines(start)
        if re.fullmatch(r"[\d,\- ]+", said)
        for vlan in said.replace(" ", "").split(",")
        if vlan
    )


def _states(cli: DeviceCli, gaps: Gaps) -> tuple[bool, Mapping[str, Status] | None]:
    """(it is a switch, short name -> state); None when neither table could be had."""
    try:
        return True, _interfaces_status(cli.ask("show interfaces status"))
    except Unsupported:  # a router has no such command
        return False, gaps.attempt("unused_open", lambda: _brief(cli.ask("show ip interface brief")))


def _interfaces_status(text: str) -> Mapping[str, Status]:
    rows = {}
    head = re.search(r"^Port +Name +Status +Vlan.*$", text, re.M)
    if not head:
        raise Unparsable("show interfaces status: no table in it")
    at, to = head[0].index("Status"), head[0].index("Vlan")
    for line in text[head.end() :].splitlines():
        name, state = line.split(" ", 1)[0], line[at:to].strip()
        if name and state:
            rows[name] = Status(_UP.get(state.split(":")[0]))  # `connected: TDR` while a cable is tested
    return rows


def _brief(text: str) -> Mapping[str, Status]:
    rows = {}
    for found in re.finditer(
        r"^(\S+) +(?:\S+) +(?:YES|NO) +\S+ +(administratively down|up|down|deleted) +(up|down)\s*$", text, re.M
    ):
        rows[short(found[1])] = Status(found[3] == "up")
    if not rows:
        raise Unparsable("show ip interface brief: no table in it")
    return rows


def short(name: str) -> str:
    """GigabitEthernet1/0/1 -> Gi1/0/1, as tables write it."""
    found = re.match(r"([A-Za-z-]+)(.*)$", name)
    return f"{found[1][:2]}{found[2]}" if found else name


def _port(tree: Node, node: Node, switch: bool, states: Mapping[str, Status] | None, gaps: Gaps) -> Port:
    name = node.text.removeprefix("interface ").split()[0]
    lines = _with_template(tree, node)
    physical = bool(_PHYSICAL.match(name))
    mode = _mode(lines, physical and switch)
    state = None if states is None else states.get(short(name))
    layer2 = mode in ("access", "trunk", "dynamic")
    routed = mode == "routed"
    return Port(
        name=name,
        description=lines.value("description ") or "",
        physical=physical,
        enabled=lines.flag("shutdown") is not True,
        up=None if state is None else state.up,
        mode=mode,
        vlan=_number(lines.value("switchport access vlan "), 1) if mode in ("access", "dynamic") else None,
        native_vlan=_number(lines.value("switchport trunk native vlan "), 1) if mode == "trunk" else None,
        addresses=tuple(_addresses(lines)),
        port_security=lines.stands("switchport port-security") is True if layer2 else None,
        authenticated=vouched(name, _authenticated(tree, lines), _fails_open(tree, lines), gaps) if layer2 else None,
        bpdu_guard=_bpdu_guard(tree, lines, mode) if layer2 else None,
        snooping_trusted=bool(lines.flag("ip dhcp snooping trust")) if layer2 else None,
        proxy_arp=lines.flag("ip proxy-arp") is not False if routed and lines.matches(r"ip address \d") else None,
        redirects=lines.flag("ip redirects") is not False if routed and lines.matches(r"ip address \d") else None,
    )


def _with_template(tree: Node, node: Node) -> Node:
    """The interface with the lines of the templates it takes over; its own come last and win."""
    taken = [template for name in node.lines("source template ") for template in tree.blocks(f"template {name}")]
    return Node(node.text, node.line, [child for template in taken for child in template.children] + node.children)


def _mode(lines: Node, switchport: bool) -> Mode:
    # a port of a switch never has a line on an address, not even `no ip address`, unless it is routed
    addressed = lines.flag("ip address") is not None
    if lines.flag("switchport") is False or addressed or (not switchport and not lines.value("switchport mode ")):
        return "routed"
    said = lines.value("switchport mode ")
    if said is None:
        return "dynamic"  # what a Catalyst port does unless told otherwise
    word = said.split()[0]
    if word == "dot1q-tunnel" or said.startswith("private-vlan host"):
        return "access"  # whoever stands at the end of a tunnel or in a private VLAN is one station more
    return {"access": "access", "trunk": "trunk", "dynamic": "dynamic"}.get(word, "other")  # type: ignore[return-value]


def _authenticated(tree: Node, lines: Node) -> bool:
    """Stations are asked first: the port waits for them, lets nobody in meanwhile, and 802.1X is on for the whole switch."""
    asks = bool(tree.flag("dot1x system-auth-control")) or bool(lines.flag("mab"))
    if lines.flag("access-session port-control auto"):  # open unless told to be closed (IBNS 2.0)
        return asks and bool(lines.flag("access-session closed"))
    waits = lines.flag("authentication port-control auto") or lines.flag("dot1x port-control auto")
    return asks and bool(waits) and not lines.flag("authentication open")


def _fails_open(tree: Node, lines: Node) -> str | None:
    """The setting by which a station gets in that failed, did not answer, or came while no server did."""
    for event in ("fail", "no-response", "server dead"):
        for said in lines.lines(f"authentication event {event} "):
            if re.search(r"\bauthorize\b", said):  # `action reinitialize` and `action next-method` let nobody in
                return f"authentication event {event}"
    for old in ("dot1x guest-vlan", "dot1x auth-fail vlan", "dot1x critical"):
        if lines.flag(old):
            return old
    # (Identity-Based Networking Services Configuration Guide): what a control policy does is code of its own
    if policy := lines.value("service-policy type control subscriber "):
        inside = next(
            (node for node in tree.blocks("policy-map type control subscriber ") if node.text.endswith(f" {policy}")), None
        )
        if inside is None or any(re.match(r"\d+ (?:activate|authorize)\b", node.text) for node in inside.walk()):
            return f"control policy {policy}"
    order = (lines.value("authentication order ") or lines.value("authentication priority ") or "").split()
    if lines.flag("mab") and lines.flag("dot1x pae") and order[:1] == ["mab"]:
        return "the hardware address is asked before 802.1X"
    return None


def _number(said: str | None, default: int) -> int | None:
    if said is None:
        return default
    return int(said.split()[0]) if said.split()[0].isdecimal() else None


def _addresses(lines: Node) -> Iterator[str]:
    for found in lines.matches(r"ip address ([\d.]+) ([\d.]+)"):
        try:
            yield f"{found[1]}/{IPv4Network(f'0.0.0.0/{found[2]}').prefixlen}"
        except ValueError:
            raise Unparsable(f"{lines.text}: {found[2]} is no network mask") from None
    for found in lines.matches(r"ipv6 address ([0-9A-Fa-f:]+/\d+)"):
        yield found[1].lower()


def _bpdu_guard(tree: Node, lines: Node, mode: Mode) -> bool:
    if lines.flag("spanning-tree bpdufilter enable"):  # what is never looked at shuts nothing out
        return False
    own = lines.value("spanning-tree bpduguard ")
    if own:
        return own.startswith("enable")
    if lines.flag("spanning-tree guard root"):
        return True
    edge = lines.flag("spanning-tree portfast")
    if edge and re.match(r"disable|network", lines.value("spanning-tree portfast") or ""):
        edge = False
    if edge is None and mode != "trunk":
        edge = bool(tree.matches(r"spanning-tree portfast (?:edge )?default$"))
    return bool(edge) and bool(tree.matches(r"spanning-tree portfast (?:edge )?bpduguard default$"))


# --- neighbours -------------------------------------------------------------------------------------------------------

_MAC = r"([0-9a-fA-F]{4}\.[0-9a-fA-F]{4}\.[0-9a-fA-F]{4})"


def neighbours(cli: DeviceCli) -> Neighbours:
    """ARP, IPv6 neighbours and, on a switch, the MAC table without the device's own addresses."""
    return both_tables(lambda: _arp(cli), lambda: _macs(cli))


def _arp(cli: DeviceCli) -> Iterator[Neighbour]:
    text = cli.ask("show ip arp")
    if text.strip() and not re.search(r"^Protocol +Address", text, re.M):
        raise Unparsable("show ip arp: no table in it")
    # age `-` is the device's own address
    for found in re.finditer(rf"^Internet +(\S+) +(\d+) +{_MAC} +ARPA +(\S+)", text, re.M):
        yield Neighbour(mac=mac(found[3]), address=found[1], interface=found[4])
    try:
        six = cli.ask("show ipv6 neighbors")
    except Unsupported:
        return
    for found in re.finditer(rf"^([0-9A-Fa-f:]+) +\d+ +{_MAC} +\S+ +(\S+)", six, re.M):
        yield Neighbour(mac=mac(found[2]), address=found[1].lower(), interface=found[3])


def _macs(cli: DeviceCli) -> Iterator[Neighbour]:
    """Three shapes: VLAN first (most), VLAN first with a mark and age (6500), address first (old Catalysts)."""
    text = cli.ask("show mac address-table")
    if not re.search(r"mac address|Destination Address", text, re.I):
        raise Unparsable("show mac address-table: no table in it")
    for found in re.finditer(rf"^[* ]*(\d+) +{_MAC} +dynamic +(?:\S+ +)*?(\S+)\s*$", text, re.M | re.I):
        yield Neighbour(mac=mac(found[2]), interface=found[3], vlan=int(found[1]))
    for found in re.finditer(rf"^{_MAC} +Dynamic +(\d+) +(\S+)\s*$", text, re.M):
        yield Neighbour(mac=mac(found[1]), interface=found[3], vlan=int(found[2]))
