"""Cisco ASA: failover, routing neighbours, and services nobody needs."""

from __future__ import annotations

import re
from typing import Literal

from collectors.devices.cisco_asa.text import config, multiple, resolved
from collectors.devices.syntax.indent import Node
from collectors.errors import Unparsable
from collectors.facts.base import Gaps
from collectors.facts.device_services import DeviceService, DeviceServices, Service
from collectors.facts.redundancy import Redundancy, Routing
from collectors.transports.base import DeviceCli


def redundancy(cli: DeviceCli) -> Redundancy:
    """`failover` of the configuration and how the other unit fares; digests of routing protocols."""
    gaps = Gaps()
    cluster = gaps.attempt(("cluster", "peer_up"), lambda: _cluster(cli))
    if cluster == "none":
        gaps.note("peer_up", "unsupported", "this device stands alone")
    peer = gaps.attempt("peer_up", lambda: _peer(cli)) if cluster in ("active-standby", "active-active") else None
    return Redundancy(
        cluster=cluster,
        peer_up=peer,
        gateways=(),
        routing=gaps.attempt("routing", lambda: _routing(config(cli))),
        unseen=gaps.unseen,
    )


def _cluster(cli: DeviceCli) -> Literal["none", "active-standby", "active-active", "stack"]:
    if multiple(cli):
        text = cli.ask("show failover")
        found = re.search(r"^Failover (On|Off)", text, re.M)
        if not found:
            raise Unparsable("show failover: it says neither on nor off")
        return (
            "active-active"
            if found[1] == "On" and re.search(r"^\s*Group \d", text, re.M)
            else "active-standby"
            if found[1] == "On"
            else "none"
        )
    tree = config(cli)
    for group in tree.blocks("cluster group "):
        if group.flag("enable"):
            return "active-active"
    return "active-standby" if tree.has("failover") else "none"


def _peer(cli: DeviceCli) -> bool:
    text = cli.ask("show failover")
    other = re.search(r"^\s*Other host: .*? - (\S.*?)\s*$", text, re.M)
    if other:
        return other[1] in ("Standby Ready", "Active")
    if "Other host:" in text and (
        states := re.findall(r"^\s*Group \d+\s+State:\s+(\S.*?)\s*$", text.partition("Other host:")[2], re.M)
    ):
        return all(state in ("Standby Ready", "Active") for state in states)
    raise Unparsable("show failover: no word of the other unit")


def _routing(tree: Node) -> tuple[Routing, ...]:
    rows: list[Routing] = []
    for block in tree.blocks("router "):
        words = block.text.split()
        if words[1] == "bgp":
            rows += _bgp(block)
        elif words[1] == "ospf":
            rows += [
                _ospf(tree, block, words[2], area)
                for area in dict.fromkeys(m[1] for m in block.matches(r"network \S+ \S+ area (\S+)"))
            ]
        elif words[1] == "eigrp":
            said = [
                child
                for interface in tree.blocks("interface ")
                for child in interface.lines(f"authentication key eigrp {words[2]} ")
            ]
            rows.append(Routing(protocol="eigrp", name=words[2], authenticated=bool(said) and None))
        elif words[1] == "rip":
            rows.append(
                Routing(
                    protocol="rip",
                    name="rip",
                    authenticated=any(n.text.startswith("rip authentication mode md5") for n in tree.walk()),
                )
            )
    for block in tree.blocks("ipv6 router ospf "):
        rows.append(Routing(protocol="ospfv3", name=block.text.split()[3], authenticated=None))
    return tuple(rows)


def _bgp(block: Node) -> list[Routing]:
    peers: dict[str, bool] = {}
    for node in block.walk():
        if found := re.match(r"neighbor (\S+) (remote-as|password)(?: |$)", node.text):
            peers[found[1]] = peers.get(found[1], False) or found[2] == "password"
    return [Routing(protocol="bgp", name=f"{block.text.split()[2]} {peer}", authenticated=said) for peer, said in peers.items()]


def _ospf(tree: Node, block: Node, process: str, area: str) -> Routing:
    """The area demands a digest, or every interface on its own; one interface may take it back."""
    whole = block.flag(f"area {area} authentication message-digest") is True
    off = any(
        interface.has("ospf authentication null") or interface.has("ospf authentication")
        for interface in tree.blocks("interface ")
    )
    keyed = any(True for interface in tree.blocks("interface ") for _ in interface.blocks("ospf message-digest-key "))
    some = any(interface.has("ospf authentication message-digest") for interface in tree.blocks("interface "))
    authenticated = (whole and keyed and not off) or (None if some or off else False)
    return Routing(protocol="ospf", name=f"{process} area {area}", authenticated=authenticated)


def device_services(cli: DeviceCli) -> DeviceServices:
    """Those with a line of their own; by default off, but for password-recovery, which the resolved configuration writes out."""
    tree = config(cli)
    gaps = Gaps()
    rows = [
        _on(tree, "dhcp", ("dhcpd enable ",)),
        _on(tree, "dns-lookup", ("dns domain-lookup ",)),
        _on(tree, "rest-api", ("rest-api agent",)),
        _on(tree, "http", ("http redirect ",)),
        DeviceService(
            name="telnet",
            on=any(re.match(r"\S+ \S+ \S+$|\S+/\d+ \S+$", line) for line in tree.lines("telnet ")),
            explicit=bool(tree.lines("telnet ")),
        ),
    ]
    unknown: list[Service] = []
    recovery = tree.flag("service password-recovery")
    if recovery is None and not resolved(cli):
        # "By default, password recovery is enabled" (Cisco ASA Series Command Reference, S, all of 8.x and 9.x)
        recovery_row = DeviceService(name="password-recovery", on=True, explicit=False)
        rows.append(recovery_row)
    elif recovery is None:
        unknown.append("password-recovery")
    else:
        rows.append(DeviceService(name="password-recovery", on=recovery, explicit=True))
    call = tree.flag("service call-home")
    if call is not None:
        rows.append(DeviceService(name="call-home", on=call, explicit=True))
    else:
        unknown.append("call-home")
    return DeviceServices(
        services=tuple(sorted(rows, key=lambda row: row.name)), unknown=tuple(sorted(unknown)), unseen=gaps.unseen
    )


def _on(tree: Node, name: Service, starts: tuple[str, ...]) -> DeviceService:
    on = any(True for start in starts for _ in tree.blocks(start))
    return DeviceService(name=name, on=on, explicit=on)
