"""Arista EOS: the small services."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from collectors.devices.arista_eos.access import eapi, vrfs_of
from collectors.devices.arista_eos.network import doors
from collectors.devices.arista_eos.text import block, config, interfaces, release
from collectors.devices.syntax.indent import Node
from collectors.errors import CollectError
from collectors.facts.device_services import DeviceService, DeviceServices, Service
from collectors.transports.base import DeviceCli

Answer = tuple[bool, bool]
"""(on, the configuration or a state command says so)."""


def device_services(cli: DeviceCli) -> DeviceServices:
    """A line of the configuration first, then a state command, then the maker's default for releases we know."""
    tree = config(cli)
    rows: list[DeviceService] = []
    unknown: list[Service] = []
    for name, ask in _questions(cli, tree):
        try:
            on, explicit = ask()
        except CollectError:
            unknown.append(name)
        else:
            rows.append(DeviceService(name=name, on=on, explicit=explicit))
    return DeviceServices(services=tuple(sorted(rows, key=lambda row: row.name)), unknown=tuple(sorted(unknown)))


def _questions(cli: DeviceCli, tree: Node) -> Iterator[tuple[Service, Callable[[], Answer]]]:
    yield "telnet", lambda: (bool(vrfs_of(cli, block(tree, "management telnet"), False)), bool(tree.has("management telnet")))
    yield "rest-api", lambda: (eapi(cli, tree) is not None or _transports(tree), True)
    # User Manual: LLDP on, redirects on; proxy ARP and taking gratuitous ARP off
    yield "lldp", lambda: _said(cli, tree, "lldp run", True)
    yield "redirects", lambda: _said(cli, tree, "ip icmp redirect", True)
    yield "proxy-arp", lambda: _somewhere(cli, tree, "ip proxy-arp")
    yield "gratuitous-arp", lambda: _somewhere(cli, tree, "arp gratuitous accept")
    yield (
        "dhcp",
        lambda: (any(node.flag("dhcp server ipv4") or node.flag("dhcp server ipv6") for node in interfaces(tree)), True),
    )


def _transports(tree: Node) -> bool:
    return any(
        each.stands("shutdown") is not True
        for name in ("gnmi", "netconf", "restconf")
        for each in block(tree, f"management api {name}").blocks("transport ")
    )


def _said(cli: DeviceCli, tree: Node, line: str, default: bool) -> Answer:
    said = tree.flag(line)
    if said is not None:
        return said, True
    release(cli)  # raises outside the releases whose defaults are known
    return default, False


def _somewhere(cli: DeviceCli, tree: Node, line: str) -> Answer:
    """Some routed interface in use does it."""
    said = [interface.flag(line) for interface in doors(tree)]
    release(cli)
    return True in said, None not in said
