"""Cisco ASA: failover, routing neighbours, and small services."""

from __future__ import annotations

import re
from typing import Literal

from collectors.devices.cisco_asa.routing import routing
from collectors.devices.cisco_asa.text import config
from collectors.devices.syntax.indent import Node
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.device_services import DeviceService, DeviceServices, Service
from collectors.facts.redundancy import Redundancy
from collectors.transports.base import DeviceCli

_READY = {"Standby Ready", "Active"}


def redundancy(cli: DeviceCli) -> Redundancy:
    """How the units fare by `show failover`; digests of routing protocols by interface and neighbour."""
    gaps = Gaps()
    config(cli)  # "no such gateways" is said of a device that was looked at
    cluster = gaps.attempt(("cluster", "peer_up"), lambda: _cluster(cli))
    if cluster == "none":
        gaps.note("peer_up", "unsupported", "this device stands alone")
    peer = gaps.attempt("peer_up", lambda: _peer(cli)) if cluster in ("active-standby", "active-active") else None
    rows = gaps.attempt("routing", lambda: routing(cli))
    if any(row.authenticated is None for row in rows or ()):
        gaps.note("routing[].authenticated", "unsupported", "interfaces or keys of that process could not be told for certain")
    return Redundancy(cluster=cluster, peer_up=peer, gateways=(), routing=rows, unseen=gaps.unseen)


def _cluster(cli: DeviceCli) -> Literal["none", "active-standby", "active-active"]:
    """Failover as it runs; a cluster of its own kind by the configuration, which the system space alone holds in context mode."""
    if any(group.flag("enable") for group in config(cli).blocks("cluster group ")):
        return "active-active"
    text = cli.ask("show failover")
    found = re.search(r"^Failover (On|Off)", text, re.M)
    if not found:
        raise Unparsable("show failover: it says neither on nor off")
    if found[1] == "Off":
        return "none"
    return "active-active" if re.search(r"^\s*Group \d", text, re.M) else "active-standby"


def _peer(cli: DeviceCli) -> bool:
    if any(group.flag("enable") for group in config(cli).blocks("cluster group ")):
        raise Unsupported("a cluster: how its other units fare was not asked")
    text = cli.ask("show failover")
    other = re.search(r"^\s*(?:Other host: .*? -|Peer context:) (\S.*?)\s*$", text, re.M)
    if other:
        return other[1] in _READY
    states = re.findall(r"^\s*Group \d+\s+State:\s+(\S.*?)\s*$", text.partition("Other host:")[2], re.M)
    if not states:
        raise Unparsable("show failover: no word of the other unit")
    return all(state in _READY for state in states)


def device_services(cli: DeviceCli) -> DeviceServices:
    """Those a line of the configuration tells of; where none does, whether a service runs depends on release and box."""
    tree = config(cli)
    lines: tuple[tuple[Service, bool | None], ...] = (
        ("call-home", tree.flag("service call-home")),
        ("dhcp", _there(tree, "dhcpd enable ", "dhcprelay enable ")),
        ("dns-lookup", _there(tree, "dns domain-lookup ")),
        ("http", _there(tree, "http redirect ")),
        ("password-recovery", tree.flag("service password-recovery")),
        ("rest-api", tree.flag("rest-api agent")),
        ("telnet", _there(tree, "telnet ", but=("timeout",))),
    )
    return DeviceServices(
        services=tuple(DeviceService(name=name, on=on, explicit=True) for name, on in lines if on is not None),
        unknown=tuple(name for name, on in lines if on is None),
    )


def _there(tree: Node, *starts: str, but: tuple[str, ...] = ()) -> bool | None:
    """True where such a line stands; without one it is not told."""
    return True if any(line.split()[0] not in but for start in starts for line in tree.lines(start) if line) else None
