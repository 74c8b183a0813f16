"""Check Point Gaia: interfaces with their links, a second gateway, routing protocols, small services, the table of neighbours.

What passes between networks is a matter of the security policy, which Gaia does not hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from collectors.devices.checkpoint_gaia.text import config
from collectors.devices.syntax.set_lines import Lines
from collectors.devices.vocabulary import mac
from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.device_services import DeviceService, DeviceServices, Service
from collectors.facts.interfaces import Interfaces, Port, unused_open
from collectors.facts.neighbours import Neighbour, Neighbours
from collectors.facts.redundancy import Gateway, Redundancy, Routing
from collectors.transports.base import DeviceCli

_LINKS = {"link up": True, "no link": False, "link down": False}


def interfaces(cli: DeviceCli) -> Interfaces:
    """Every interface of `show interfaces all`, which names those nobody configured too."""
    gaps = Gaps()
    ports = tuple(_port(name, rows) for name, rows in _blocks(cli.ask("show interfaces all")).items())
    why = "a firewall guards no access ports"
    gaps.note(("unguarded", "dhcp_snooping_vlans", "arp_inspection_vlans", "native_vlan_default"), "unsupported", why)
    return Interfaces(
        ports=ports,
        unused_open=unused_open(ports, gaps),
        unguarded=None,
        dhcp_snooping_vlans=None,
        arp_inspection_vlans=None,
        native_vlan_default=None,
        dynamic_trunks=(),  # no port asks the other end whether it would like to be a trunk
        unseen=gaps.unseen,
    )


def _blocks(text: str) -> Mapping[str, Mapping[str, str]]:
    """Interface -> row -> what stands behind it."""
    found: dict[str, dict[str, str]] = {}
    rows: dict[str, str] | None = None
    for line in text.splitlines():
        if head := re.match(r"Interface (\S+)\s*$", line):
            rows = found.setdefault(head[1], {})
        elif not line.strip() or line.startswith("Statistics"):
            continue
        elif rows is not None and (row := re.match(r"\s+([a-z0-9-]+)(?:\s+(\S.*?))?\s*$", line)):
            rows.setdefault(row[1], row[2] or "")
    if not found:
        raise Unparsable("show interfaces all: no interface in it")
    return found


def _port(name: str, rows: Mapping[str, str]) -> Port:
    said = (rows.get("ipv4-address", ""), rows.get("ipv6-address", ""))
    return Port(
        name=name,
        description=rows.get("comments", ""),
        physical=rows.get("type") == "ethernet",
        enabled={"on": True, "off": False}.get(rows.get("state", "")),
        up=_LINKS.get(rows.get("link-state", "").lower()),
        mode="routed",
        addresses=tuple(address.lower() for address in said if re.match(r"[0-9A-Fa-f.:]+/\d+$", address)),
    )


# --- redundancy -------------------------------------------------------------------------------------------------------


def redundancy(cli: DeviceCli) -> Redundancy:
    """ClusterXL as `show cluster state` tells it, VRRP and routing protocols from the configuration."""
    gaps = Gaps()
    text = gaps.attempt(("cluster", "peer_up"), lambda: _state(cli))
    alone = text is not None and _members(text) == {}
    if alone:
        gaps.note("peer_up", "unsupported", "the gateway stands alone")
    lines = gaps.attempt(("gateways", "routing"), lambda: _routes(cli))
    cluster = None if text is None else gaps.attempt("cluster", lambda: _cluster(text))
    return Redundancy.model_validate(
        {
            "cluster": cluster,
            "peer_up": None if text is None or alone else _peers_ready(text),
            "gateways": None if lines is None else tuple(_gateways(lines)),
            "routing": None if lines is None else (*_ospf(lines), *_bgp(lines), *_rip(lines)),
            "second_power": gaps.attempt("second_power", lambda: _second_power(cli)),
            "unseen": gaps.unseen,
        }
    )


def _routes(cli: DeviceCli) -> Lines:
    """The configuration of somebody who sees routing: a role without that feature is shown no line of it."""
    lines = config(cli)
    if lines.after("set", "router-options") is None and lines.after("set", "static-route") is None:
        raise Unsupported("no line of routing is shown: this account may not see them")
    return lines


def _state(cli: DeviceCli) -> str:
    text = cli.ask("show cluster state")
    if not _members(text) and not re.search(r"HA module not started", text):
        raise Unparsable("show cluster state: neither a cluster nor its absence in it")
    return text


def _members(text: str) -> Mapping[str, tuple[bool, str]]:
    """Number -> (this one, its state)."""
    rows = re.finditer(r"^\s*(\d+) (\(local\))?\s+\S+\s+\d+%\s+([A-Za-z]+(?:\([!\w]+\))?)", text, re.M)
    return {row[1]: (bool(row[2]), row[3].upper()) for row in rows}


def _cluster(text: str) -> str:
    if not _members(text):
        return "none"
    mode = re.search(r"^\s*Cluster Mode:\s*(\S.*?)\s*$", text, re.M | re.I)
    if mode and "High Availability" in mode[1]:
        return "active-standby"
    if mode and re.search(r"Load Sharing|Active.Active", mode[1]):
        return "active-active"
    raise Unsupported("show cluster state: a mode this program does not know")


def _peers_ready(text: str) -> bool:
    """Some other member is ready, and none is down. A mark behind the state (ACTIVE(!)) tells of a fault."""
    others = [state for own, state in _members(text).values() if not own]
    return bool(others) and all(state in ("ACTIVE", "STANDBY", "BACKUP") for state in others)


def _gateways(lines: Lines) -> Iterator[Gateway]:
    """VRRP of Gaia knows none and simple, a readable word (Gaia Administration Guide, VRRP)."""
    found: dict[str, None] = {}
    for words in lines.each("set", "vrrp", "interface"):
        for word in ("monitored-circuit", "virtual-router"):
            if word in words and "vrid" in words[:-1] and words[-1] != "off":
                found[f"{words[0]} {words[words.index('vrid') + 1]}"] = None
    for verb in ("add", "set"):
        for words in lines.each(verb, "mcvr", "vrid"):
            if words:
                found[f"vrid {words[0]}"] = None
    for name in found:
        yield Gateway(interface=name, protocol="vrrp", authenticated=False)


def _ospf(lines: Lines) -> Iterator[Routing]:
    """Area by area: each interface in it must sign. `simple` is a readable word."""
    for word in ("ospf", "ipv6-ospf3"):
        areas: dict[str, list[bool | None]] = {}
        places: dict[tuple[str, str], str] = {}
        signed: dict[tuple[str, str], bool | None] = {}
        for words in lines.each("set", word):
            if "interface" not in words[:-1]:
                continue
            at = words.index("interface")
            key = (" ".join(words[:at]), words[at + 1])
            rest = words[at + 2 :]
            if rest[:1] == ("area",) and len(rest) > 1:
                places.pop(key, None) if rest[-1] == "off" else places.update({key: rest[1]})
            elif rest[:1] == ("authtype",) and len(rest) > 1:
                signed[key] = {"none": False, "simple": False, "cryptographic": True, "md5": True}.get(rest[1])
            elif rest[:1] == ("ipsec",):
                signed[key] = None
        for key, area in places.items():
            areas.setdefault(f"{key[0]} area {area}".strip(), []).append(signed.get(key, False))
        for name, links in areas.items():
            keyed = False if False in links else None if None in links else True
            protocol = "ospf" if word == "ospf" else "ospfv3"
            yield Routing.model_validate({"protocol": protocol, "name": name, "authenticated": keyed})


def _bgp(lines: Lines) -> Iterator[Routing]:
    peers: dict[str, bool] = {}
    for words in lines.each("set", "bgp"):
        if "peer" not in words[:-1]:
            continue
        at = words.index("peer")
        name, rest = words[at + 1], words[at + 2 :]
        if rest[-1:] == ("off",) and len(rest) == 1:
            peers.pop(name, None)
        elif rest[:1] == ("authtype",) and len(rest) > 1:
            peers[name] = rest[1] == "md5"
        else:
            peers.setdefault(name, False)
    for name, keyed in peers.items():
        yield Routing(protocol="bgp", name=f"neighbor {name}", authenticated=keyed)


def _rip(lines: Lines) -> Iterator[Routing]:
    on: dict[str, bool] = {}
    for words in lines.each("set", "rip", "interface"):
        if len(words) == 2 and words[1] in ("on", "off"):
            on[words[0]] = words[1] == "on"
    for name, runs in on.items():
        if runs:
            said = lines.word("set", "rip", "interface", name, "authtype")
            yield Routing(protocol="rip", name=f"interface {name}", authenticated=said == "md5")


def _second_power(cli: DeviceCli) -> bool:
    states: list[str] = re.findall(r"^\s*Power supply \d+ status: *(\S+)", cli.ask("show asset all"), re.M | re.I)
    if not states:
        raise Unsupported("show asset all tells of no power supply")
    return sum(state.lower() == "up" for state in states) > 1


# --- small services ---------------------------------------------------------------------------------------------------


def device_services(cli: DeviceCli) -> DeviceServices:
    """Switches the configuration prints; what it does not print stays unknown."""
    lines = config(cli)
    rows: dict[Service, bool] = {}
    unknown: list[Service] = []
    switches: tuple[tuple[Service, tuple[str, ...]], ...] = (
        ("telnet", ("set", "net-access", "telnet")),
        ("snmp", ("set", "snmp", "agent")),
        ("lldp", ("set", "lldp", "state")),
        ("dhcp", ("set", "dhcp", "server")),
    )
    for name, start in switches:
        said = next((words[0] for words in reversed(list(lines.each(*start))) if words and words[0] in _SAID), None)
        if said is None:
            unknown.append(name)
        else:
            rows[name] = _SAID[said]
    return DeviceServices(
        services=tuple(DeviceService(name=name, on=on, explicit=True) for name, on in sorted(rows.items())),
        unknown=tuple(sorted(unknown)),
    )


_SAID = {"on": True, "off": False, "enable": True, "disable": False}


# --- neighbours -------------------------------------------------------------------------------------------------------


def neighbours(cli: DeviceCli) -> Neighbours:
    """Entries the kernel learnt; Gaia has no table of hardware addresses of its own."""
    gaps = Gaps()
    gaps.note("macs", "unsupported", "a router keeps no table of hardware addresses")
    return Neighbours(arp=gaps.attempt("arp", lambda: tuple(_arp(cli))), macs=None, unseen=gaps.unseen)


def _arp(cli: DeviceCli) -> Iterator[Neighbour]:
    text = cli.ask("show arp dynamic all")
    if not re.search(r"Dynamic Arp|Mac Address", text, re.I):
        raise Unparsable("show arp dynamic all: no table in it")
    for found in re.finditer(r"^\s*(\d+(?:\.\d+){3})\s+((?:[0-9a-fA-F]{1,2}:){5}[0-9a-fA-F]{1,2})(?:\s+(\S+))?\s*$", text, re.M):
        digits = ":".join(part.zfill(2) for part in found[2].split(":"))
        yield Neighbour(mac=mac(digits), address=found[1], interface=found[3])
