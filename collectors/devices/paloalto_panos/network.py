"""PAN-OS: interfaces with their links, small services, the tables of neighbours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from collectors.devices.paloalto_panos.records import snmp_service
from collectors.devices.paloalto_panos.text import Config, config, yes
from collectors.devices.syntax.braces import Block
from collectors.devices.vocabulary import mac
from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.device_services import DeviceService, DeviceServices, Service
from collectors.facts.interfaces import Interfaces, Port
from collectors.facts.neighbours import Neighbour, Neighbours
from collectors.transports.base import DeviceCli

Mode = Literal["access", "trunk", "dynamic", "routed", "other"]

_KINDS = ("ethernet", "aggregate-ethernet", "vlan", "loopback", "tunnel")
_ADDRESS = re.compile(r"(?:\d+(?:\.\d+){3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:]*)(?:/\d+)?$")
_LINK = re.compile(r"^(\S+)\s+\d+\s+\S*?/(up|down)(?=[(/\s])\S*\s+\S+", re.M)
"""The state stands third, behind speed and duplex; newer releases put a fourth word behind it."""


def interfaces(cli: DeviceCli) -> Interfaces:
    """Configured interfaces, and whether something is plugged in from `show interface all`.

    That table names configured ports alone, so that no port is left over proves nothing.
    """
    gaps = Gaps()
    conf = config(cli)
    links = gaps.attempt("unused_open", lambda: _links(cli))
    ports = gaps.attempt("ports", lambda: tuple(_ports(conf, links or {})))
    gaps.note(
        ("unguarded", "dhcp_snooping_vlans", "arp_inspection_vlans", "native_vlan_default"),
        "unsupported",
        "a firewall guards no access ports",
    )
    return Interfaces(
        ports=ports,
        unused_open=None if links is None or ports is None else _unused(ports, gaps),
        unguarded=None,
        dhcp_snooping_vlans=None,
        arp_inspection_vlans=None,
        native_vlan_default=None,
        dynamic_trunks=(),  # no port asks the other end whether it would like to be a trunk
        unseen=gaps.unseen,
    )


def _unused(ports: tuple[Port, ...], gaps: Gaps) -> tuple[str, ...] | None:
    found = tuple(port.name for port in ports if port.physical and port.enabled and port.up is False)
    if not found:
        gaps.note("unused_open", "unsupported", "show interface all names configured ports alone; of the others nothing is told")
        return None
    return found


def _links(cli: DeviceCli) -> Mapping[str, bool]:
    text = cli.ask("show interface all")
    head = re.search(r"^name\s+id\s+speed/duplex/state", text, re.M)
    if not head:
        raise Unparsable("show interface all: no table of hardware interfaces in it")
    return {found[1]: found[2] == "up" for found in _LINK.finditer(text[head.end() :].split("total configured logical")[0])}


def _ports(conf: Config, links: Mapping[str, bool]) -> Iterator[Port]:
    whole = conf.device.at("network", "interface")
    if whole is None:
        raise Unparsable("the configuration has no network interface")
    for kind in whole.children.values():
        if kind.name not in _KINDS:
            continue
        rows = kind.children.values() if kind.name in ("ethernet", "aggregate-ethernet") else (kind,)
        for interface in rows:
            yield _port(conf, interface, interface.at("layer3") or interface, kind.name == "ethernet", _mode(interface), links)
            for scope in (interface, interface.at("layer3"), interface.at("layer2")):
                for unit in scope.below("units") if scope else ():
                    mode: Mode = "other" if scope and scope.name == "layer2" else "routed"
                    yield _port(conf, unit, unit, False, mode, links, above=interface)


def _mode(interface: Block) -> Mode:
    """vwire, tap, HA, members of a bundle and layer 2 ports are none of the others."""
    return "routed" if interface.at("layer3") or interface.name in ("vlan", "loopback", "tunnel") else "other"


def _port(
    conf: Config, block: Block, inner: Block, physical: bool, mode: Mode, links: Mapping[str, bool], above: Block | None = None
) -> Port:
    state = (above or block).word("link-state")
    return Port(
        name=block.name,
        description=block.word("comment") or "",
        physical=physical,
        enabled=state != "down",
        up=links.get(block.name) if physical else None,
        mode=mode,
        addresses=tuple(_addresses(conf, inner)),
    )


def _addresses(conf: Config, inner: Block) -> Iterator[str]:
    """Literal ones, and those an address object names. Raises Unparsable for an object that is not there."""
    for name in (*(inner.words("ip") or ()), *(inner.words("ipv6", "address") or ())):
        if _ADDRESS.match(name):
            yield name.lower()
            continue
        said = next((word for scope in conf.scopes() if (word := scope.word("address", name, "ip-netmask"))), None)
        if said is None:
            raise Unparsable(f"the address object {name} of {inner.name} is not in the configuration")
        yield said.lower()


# --- small services ---------------------------------------------------------------------------------------------------


def device_services(cli: DeviceCli) -> DeviceServices:
    """Services of the management interface and of management profiles that are bound; servers the network part configures."""
    conf = config(cli)
    rows: dict[Service, tuple[bool, bool]] = {}
    unknown: list[Service] = []
    profiles = {
        " ".join(child.values)
        for block in conf.device.below("network", "interface")
        for child in block.walk()
        if child.name == "interface-management-profile"
    }
    bound = [
        block for block in conf.device.below("network", "profiles", "interface-management-profile") if block.name in profiles
    ]
    named: tuple[tuple[Service, str], ...] = (("telnet", "telnet"), ("http", "http"), ("rest-api", "https"))
    for name, word in named:
        closed = yes(conf.system, "service", f"disable-{word}")
        inside = any(yes(profile, word) for profile in bound)
        if closed is None and not inside and word != "https":
            unknown.append(name)  # its default depends on the release
        else:
            rows[name] = (inside or not closed, closed is not None or inside)
    try:
        answers = snmp_service(cli).enabled
    except CollectError:
        answers = None
    if answers is None:
        unknown.append("snmp")
    else:
        rows["snmp"] = (answers, True)
    proxies = list(conf.device.below("network", "dns-proxy"))
    rows["dns-proxy"] = (any(yes(proxy, "enabled") is not False for proxy in proxies), bool(proxies))
    servers = [inner for inner in conf.device.below("network", "dhcp", "interface") if inner.at("server")]
    rows["dhcp"] = (any(server.word("server", "mode") != "disabled" for server in servers), bool(servers))
    lldp = conf.device.at("network", "lldp")
    rows["lldp"] = (lldp is not None and yes(lldp, "enable") is True, lldp is not None)
    return DeviceServices(
        services=tuple(DeviceService(name=name, on=on, explicit=explicit) for name, (on, explicit) in sorted(rows.items())),
        unknown=tuple(sorted(unknown)),
    )


# --- neighbours -------------------------------------------------------------------------------------------------------

_MAC = r"((?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2})"


def neighbours(cli: DeviceCli) -> Neighbours:
    """ARP and IPv6 neighbours of all interfaces."""
    gaps = Gaps()
    gaps.note("macs", "unsupported", "only VLAN interfaces keep a table of hardware addresses; not asked")
    return Neighbours(arp=gaps.attempt("arp", lambda: tuple(_arp(cli))), macs=None, unseen=gaps.unseen)


def _arp(cli: DeviceCli) -> Iterator[Neighbour]:
    text = cli.ask("show arp all")
    _whole(text, "show arp all", "ARP")
    for found in re.finditer(rf"^(\S+)\s+(\d+(?:\.\d+){{3}})\s+{_MAC}\s+\S+\s+[ce]\b", text, re.M):
        yield Neighbour(mac=mac(found[3]), address=found[2], interface=found[1])
    try:
        six = cli.ask("show neighbor all")
    except Unsupported:
        return
    _whole(six, "show neighbor all", "neighbor")
    for found in re.finditer(rf"^(\S+)\s+([0-9A-Fa-f:]*:[0-9A-Fa-f:]*)\s+{_MAC}\s+", six, re.M):
        yield Neighbour(mac=mac(found[3]), address=found[2].lower(), interface=found[1])


def _whole(text: str, command: str, what: str) -> None:
    """Every entry of the table is shown."""
    held = re.search(rf"^total {what} entries in table\s*:\s*(\d+)", text, re.M)
    shown = re.search(rf"^total {what} entries shown\s*:\s*(\d+)", text, re.M)
    if not held or not shown or int(shown[1]) < int(held[1]):
        raise Unparsable(f"{command}: not the whole table")
