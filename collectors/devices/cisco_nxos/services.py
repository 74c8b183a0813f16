"""Cisco NX-OS: the small services."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from collectors.devices.cisco_nxos.network import doors
from collectors.devices.cisco_nxos.text import config, feature, major, resolved
from collectors.devices.syntax.indent import Node
from collectors.errors import CollectError, Unsupported
from collectors.facts.device_services import DeviceService, DeviceServices, Service
from collectors.transports.base import DeviceCli


def device_services(cli: DeviceCli) -> DeviceServices:
    """A line of the configuration first, then the table of features, then the maker's default for releases we know."""
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


Answer = tuple[bool, bool]


def _questions(cli: DeviceCli, tree: Node) -> Iterator[tuple[Service, Callable[[], Answer]]]:
    yield "telnet", lambda: (feature(cli, "telnet", "telnetServer"), True)
    # off without their line: Default Settings of the Programmability, Security and Interfaces Configuration Guides
    yield "bash-shell", lambda: _said(cli, tree, "feature bash-shell", False)
    yield "lldp", lambda: _said(cli, tree, "feature lldp", False)
    yield "rest-api", lambda: (any(tree.flag(f"feature {name}") for name in ("nxapi", "restconf")), True)
    yield "call-home", lambda: (any(node.flag("enable") for node in tree.blocks("callhome")), True)
    # on without their line, and written out in each configuration seen
    yield "cdp", lambda: _said(cli, tree, "cdp enable", True)
    yield "source-route", lambda: _said(cli, tree, "ip source-route", True)
    yield "dns-lookup", lambda: _said(cli, tree, "ip domain-lookup", True)
    yield "config-network", lambda: _said(cli, tree, "boot poap enable", False)
    yield "proxy-arp", lambda: _somewhere(tree, "ip proxy-arp", False)
    yield "redirects", lambda: _redirects(tree)
    yield "gratuitous-arp", lambda: _gratuitous(tree)


def _said(cli: DeviceCli, tree: Node, line: str, default: bool) -> Answer:
    said = tree.flag(line)
    if said is not None:
        return said, True
    if default and resolved(cli):
        raise Unsupported(f"no line `{line}`, though defaults are written out")
    major(cli)  # raises outside the releases whose defaults are known
    return default, False


def _somewhere(tree: Node, line: str, default: bool, speaks: str = "") -> Answer:
    """Some routed interface in use does it (Unicast Routing Configuration Guide, IP: proxy ARP off, redirects on)."""
    said = [interface.flag(line) for interface in doors(tree) if not speaks or interface.lines(speaks)]
    return any(default if each is None else each for each in said), None not in said


def _redirects(tree: Node) -> Answer:
    """In each family an interface speaks; both are on without a line."""
    four, six = _somewhere(tree, "ip redirects", True), _somewhere(tree, "ipv6 redirects", True, "ipv6 address ")
    return four[0] or six[0], four[1] and six[1]


def _gratuitous(tree: Node) -> Answer:
    """Both kinds, on every routed interface in use."""
    said = [interface.flag(f"ip arp gratuitous {kind}") for interface in doors(tree) for kind in ("request", "update")]
    if None in said and True not in said:
        raise Unsupported("an interface does not say whether it takes gratuitous ARP")
    return any(said), True
