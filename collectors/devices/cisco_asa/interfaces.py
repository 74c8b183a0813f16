"""Cisco ASA: named interfaces, their security levels, sockets, and whom they see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from collectors.devices.base import per_device
from collectors.devices.cisco_asa.text import config, model, multiple, on_chassis, threat_defense
from collectors.devices.syntax.indent import Node
from collectors.devices.vocabulary import mac, prefix
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.interfaces import Interfaces, Port, unused_open
from collectors.facts.neighbours import Neighbour, Neighbours
from collectors.transports.base import DeviceCli

_SOCKET = re.compile(
    r"^(?:Ethernet|FastEthernet|GigabitEthernet|TenGigabitEthernet|Management|Twe\w+|For\w+|Hun\w+)\d+(?:/\d+)*$"
)
_OUTSIDE = re.compile(r"(?i)(?:^|[-_])(?:outside|internet|wan\d*|untrust|public|inet|ngoai|isp\d*|vnpt|viettel|fpt)(?:$|[-_\d])")


class Named(NamedTuple):
    """An interface that takes part in traffic."""

    name: str
    interface: str
    level: int | None
    management: bool
    enabled: bool
    outside: bool | None
    """Level 0 is the maker's word for it, a name like ISP1 says so at any level; None where a default route leads there."""


def named(cli: DeviceCli) -> dict[str, Named]:
    """nameif -> interface, in the order of the configuration."""
    return per_device(cli, "cisco_asa.named", lambda: _named(config(cli), threat_defense(cli)))


def _named(tree: Node, levels_mean_nothing: bool) -> dict[str, Named]:
    found: dict[str, Named] = {}
    ways_out = {line.split()[0] for line in tree.lines("route ") if re.match(r"\S+ (?:0\.0\.0\.0|0) (?:0\.0\.0\.0|0) ", line)}
    ways_out |= {line.split()[0] for line in tree.lines("ipv6 route ") if " ::/0 " in line}
    for block in tree.blocks("interface "):
        name = block.value("nameif ")
        if name is None:
            continue
        level = block.value("security-level ")
        if level is not None and not level.isdecimal():
            raise Unparsable(f"interface {name}: no security level: {level[:20]}")
        number = None if level is None else int(level)
        management = block.flag("management-only") is True
        leads_out = not management and (name in ways_out or any(" setroute" in line for line in block.lines("ip address ")))
        found[name] = Named(
            name,
            block.text.removeprefix("interface ").strip(),
            number,
            management,
            block.flag("shutdown") is not True,
            _outside(name, None if levels_mean_nothing else number, leads_out),
        )
    return found


def _outside(name: str, level: int | None, leads_out: bool) -> bool | None:
    """An FTD gives every interface the level 0: there the name alone tells."""
    if level == 0 or _OUTSIDE.search(name):
        return True
    return None if level is None or leads_out else False


def interfaces(cli: DeviceCli) -> Interfaces:
    """Ports from the configuration, links from `show interface ip brief`, which may leave some out."""
    gaps = Gaps()
    links = gaps.attempt("ports[].up", lambda: _links(cli))
    ports = tuple(_port(cli, block, links) for block in config(cli).blocks("interface "))
    gaps.attempt("unused_open", lambda: _sockets_are_ours(cli, ports, links or {}))
    blind = any(entry.field == "unused_open" for entry in gaps.unseen)
    return Interfaces(
        ports=ports,
        unused_open=None if blind else unused_open(ports, gaps),
        unguarded=gaps.attempt("unguarded", lambda: _unguarded(ports)),
        unseen=gaps.unseen,
    )


def _sockets_are_ours(cli: DeviceCli, ports: tuple[Port, ...], links: dict[str, bool]) -> None:
    if multiple(cli):
        raise Unsupported("sockets belong to the system execution space; a context sees interfaces it was given")
    if on_chassis(cli):
        raise Unsupported("some sockets may belong to the chassis around this engine (FXOS) and not be listed here")
    if strange := [name for name in links if _SOCKET.match(name) and name not in {port.name for port in ports}]:
        raise Unparsable(f"{strange[0]} is in the table of links and not in the configuration")


def _unguarded(ports: tuple[Port, ...]) -> tuple[str, ...]:
    """A firewall knows neither port security nor 802.1X: each port of its built-in switch is open to whoever plugs in."""
    sockets = [port for port in ports if port.physical and port.enabled]
    if unclear := [port.name for port in sockets if port.mode is None]:
        raise Unsupported(f"whether {unclear[0]} is a port of the built-in switch is not told")
    return tuple(port.name for port in sockets if port.mode == "access")


def _port(cli: DeviceCli, block: Node, links: dict[str, bool] | None) -> Port:
    name = block.text.removeprefix("interface ").strip()
    addresses = [prefix(found[1], found[2]) for found in block.matches(r"ip address (\d\S+) (\d\S+)")]
    addresses += [found[1].lower() for found in block.matches(r"ipv6 address ([0-9A-Fa-f:]+/\d+)")]
    noproxy = {line.split()[0] for line in config(cli).lines("sysopt noproxyarp ") if line}
    vlan = block.value("switchport access vlan ")
    mode = _mode(cli, name, block)
    return Port(
        name=name,
        description=block.value("description ") or "",
        physical=bool(_SOCKET.match(name)),
        enabled=block.flag("shutdown") is not True,
        up=None if links is None else links.get(name),
        mode=mode,
        vlan=int(vlan) if vlan and vlan.isdecimal() and mode == "access" else None,
        addresses=tuple(addresses),
        port_security=False if mode == "access" else None,
        authenticated=False if mode == "access" else None,
        proxy_arp=False if block.value("nameif ") in noproxy else None,
    )


def _mode(cli: DeviceCli, name: str, block: Node) -> Literal["access", "trunk", "routed"] | None:
    """By its own lines; else by the box: every socket of an ASA 5505 is one of its switch. None where a switch may be built in."""
    lines = [child.text for child in block.children]
    if "no switchport" in lines or block.value("nameif ") is not None or not _SOCKET.match(name) or name.startswith("Management"):
        return "routed"
    told = model(cli) or ""
    if any(line.startswith("switchport") for line in lines) or told.startswith("ASA5505"):
        return "trunk" if any(line.startswith(("switchport mode trunk", "switchport trunk ")) for line in lines) else "access"
    switch = not told or re.search(r"10[01]0|12[0-9]0", told)  # Firepower 1010, Secure Firewall 1210 and 1220
    return (
        None if switch or any(node.text.startswith("interface Vlan") for node in config(cli).blocks("interface ")) else "routed"
    )


def _links(cli: DeviceCli) -> dict[str, bool]:
    links: dict[str, bool] = {}
    for line in cli.ask("show interface ip brief").splitlines():
        if not line.strip() or line.startswith("Interface "):
            continue
        found = re.match(r"^(\S+)\s+\S+\s+(?:YES|NO)\s+\w+\s+(up|down|administratively down|admin down)\s+(up|down)\s*$", line)
        if not found:
            raise Unparsable(f"show interface ip brief: cannot place the line {line.strip()[:80]}")
        links[found[1]] = found[2] == "up" and found[3] == "up"
    if not links:
        raise Unparsable("show interface ip brief: no interface in it")
    return links


def neighbours(cli: DeviceCli) -> Neighbours:
    """The ARP table and that of IPv6 neighbours; there is no table of hardware addresses in routed mode."""
    return Neighbours(arp=(*_rows(cli.ask("show arp"), _ARP), *_rows(_six(cli), _ND)))


_ARP = re.compile(r"^\s*(?P<interface>\S+) (?P<address>[0-9.]+) (?P<mac>[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4})(?: \S+)*\s*$")
_ND = re.compile(
    r"^(?P<address>[0-9A-Fa-f:]+) +\S+ +(?:(?P<mac>[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4})|-) +\S+ +(?P<interface>\S+)\s*$"
)


def _six(cli: DeviceCli) -> str:
    try:
        return cli.ask("show ipv6 neighbor")
    except Unsupported:  # a release, or a box, without IPv6
        return ""


def _rows(text: str, pattern: re.Pattern[str]) -> Iterator[Neighbour]:
    for line in text.splitlines():
        if not line.strip() or line.startswith("IPv6 Address"):
            continue
        found = pattern.match(line)
        if not found:
            raise Unparsable(f"a table of neighbours: cannot place the line {line.strip()[:80]}")
        if found["mac"]:  # `-`: it was asked for and has not answered
            yield Neighbour(mac=mac(found["mac"]), address=found["address"].lower(), interface=found["interface"])
