"""Cisco ASA: named interfaces, their security levels, sockets, and whom they see."""

from __future__ import annotations

import re
from typing import NamedTuple

from collectors.devices.base import per_device
from collectors.devices.cisco_asa.text import config
from collectors.devices.syntax.indent import Node
from collectors.devices.vocabulary import mac, prefix
from collectors.errors import Unparsable
from collectors.facts.base import Gaps
from collectors.facts.interfaces import Interfaces, Port
from collectors.facts.neighbours import Neighbour, Neighbours
from collectors.transports.base import DeviceCli

_SOCKET = re.compile(
    r"^(?:Ethernet|FastEthernet|GigabitEthernet|TenGigabitEthernet|Management|Twe\w+|For\w+|Hun\w+)\d+(?:/\d+)*$"
)
_OUTSIDE = re.compile(r"(?i)(?:^|[-_])(?:outside|internet|wan\d*|untrust|public|isp\d*)(?:$|[-_\d])")


class Named(NamedTuple):
    """An interface that takes part in traffic."""

    name: str
    interface: str
    level: int | None
    management: bool
    enabled: bool

    @property
    def outside(self) -> bool | None:
        """Level 0 is the maker's word for it; a name like outside or ISP1 says so at any level."""
        if _OUTSIDE.search(self.name) or self.level == 0:
            return True
        return None if self.level is None else False


def named(cli: DeviceCli) -> dict[str, Named]:
    """nameif -> interface, in the order of the configuration."""
    return per_device(cli, "cisco_asa.named", lambda: _named(config(cli)))


def _named(tree: Node) -> dict[str, Named]:
    found: dict[str, Named] = {}
    for block in tree.blocks("interface "):
        name = block.value("nameif ")
        if name is None:
            continue
        level = block.value("security-level ")
        if level is not None and not level.isdigit():
            raise Unparsable(f"interface {name}: no security level: {level[:20]}")
        found[name] = Named(
            name,
            block.text.removeprefix("interface ").strip(),
            None if level is None else int(level),
            block.flag("management-only") is True,
            block.flag("shutdown") is not True,
        )
    return found


def interfaces(cli: DeviceCli) -> Interfaces:
    """Ports from the configuration, links from `show interface ip brief`."""
    gaps = Gaps()
    links = gaps.attempt("ports[].up", lambda: _links(cli))
    ports = tuple(_port(cli, block, links) for block in config(cli).blocks("interface "))
    if links is None:
        gaps.note("unused_open", "unsupported", "whether the links work was not seen")
    return Interfaces(
        ports=ports,
        unused_open=None if links is None else tuple(p.name for p in ports if p.physical and p.enabled and p.up is False),
        unguarded=(),
        unseen=gaps.unseen,
    )


def _port(cli: DeviceCli, block: Node, links: dict[str, bool] | None) -> Port:
    name = block.text.removeprefix("interface ").strip()
    addresses = [prefix(found[1], found[2]) for found in block.matches(r"ip address (\d\S+) (\d\S+)")]
    addresses += [found[1].lower() for found in block.matches(r"ipv6 address ([0-9A-Fa-f:]+/\d+)")]
    noproxy = {line.split()[0] for line in config(cli).lines("sysopt noproxyarp ") if line}
    nameif = block.value("nameif ")
    vlan = block.value("switchport access vlan ")
    switch = vlan is not None or any(True for _ in block.blocks("switchport"))
    return Port(
        name=name,
        description=block.value("description ") or "",
        physical=bool(_SOCKET.match(name)),
        enabled=block.flag("shutdown") is not True,
        up=None if links is None else links.get(name),
        mode=None if switch else "routed",
        vlan=int(vlan) if vlan and vlan.isdigit() else None,
        addresses=tuple(addresses),
        proxy_arp=False if nameif in noproxy else None,
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
    """The ARP table; there is no table of hardware addresses in routed mode."""
    rows = []
    for line in cli.ask("show arp").splitlines():
        if not line.strip():
            continue
        found = re.match(r"^\s*(\S+) ([0-9.]+) ([0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4})(?: \S+)*\s*$", line)
        if not found:
            raise Unparsable(f"show arp: cannot place the line {line.strip()[:80]}")
        rows.append(Neighbour(mac=mac(found[3]), address=found[2], interface=found[1]))
    return Neighbours(arp=tuple(rows))
