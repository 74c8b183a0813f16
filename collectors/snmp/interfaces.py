"""Which ports the device has, which are up, and which VLAN an untagged frame joins there: IF-MIB and Q-BRIDGE-MIB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from collectors.devices.snmp_identity import text
from collectors.errors import Unsupported
from collectors.facts.base import Gaps
from collectors.facts.interfaces import Interfaces, Port, unused_open
from collectors.redact import redact
from collectors.snmp.addresses import addresses
from collectors.snmp.device import ENGINE_TIME, IF_ALIAS, IF_CONNECTOR, IF_DESCR, IF_NAME, UPTIME, Device, attempt, device
from collectors.transports.base import Snmp, Value

IF_TYPE, IF_ADMIN, IF_OPER, IF_CHANGED = (f"1.3.6.1.2.1.2.2.1.{column}" for column in (3, 7, 8, 9))
BRIDGE_PORT = "1.3.6.1.2.1.17.1.4.1.2"
"""Number of a port of the bridge -> ifIndex."""
PVID = "1.3.6.1.2.1.17.7.1.4.5.1.1"
EGRESS, UNTAGGED = "1.3.6.1.2.1.17.7.1.4.2.1.4", "1.3.6.1.2.1.17.7.1.4.2.1.5"

PHYSICAL = frozenset({6, 26, 37, 39, 62, 69, 71, 94, 117, 169, 202, 205, 220, 222, 250, 285})
"""Kinds of interface (IANAifType) that somebody can plug into: Ethernet in its old and new names, radio, DSL, optical lines."""
_UP: Mapping[object, bool] = {1: True, 2: False, 6: False, 7: False}
"""ifOperStatus up, down, notPresent, lowerLayerDown. Testing, unknown and dormant are not told apart from either."""
_ENABLED: Mapping[object, bool] = {1: True, 2: False}
WRAP = 2**32 / 100
DAY = 86_400

_NO_SAY = ("unguarded", "dhcp_snooping_vlans", "arp_inspection_vlans", "native_vlan_default", "dynamic_trunks")
_PORT_NO_SAY = ("port_security", "authenticated", "bpdu_guard", "snooping_trusted", "proxy_arp", "redirects")


class Vlans(NamedTuple):
    """What a port carries, where Q-BRIDGE-MIB tells."""

    mode: Literal["access", "trunk"] | None
    pvid: int | None


async def snmp(agent: Snmp) -> Interfaces:
    """Raises Unsupported where the agent shows no interfaces."""
    gaps = Gaps()
    seen = await device(agent)
    columns = await agent.walk(
        IF_DESCR, IF_TYPE, IF_ADMIN, IF_OPER, IF_CHANGED, IF_NAME, IF_CONNECTOR, IF_ALIAS, expect=seen.ports
    )
    if not columns[IF_TYPE]:
        raise Unsupported("the agent shows no interfaces")
    vlans = await attempt(gaps, ("ports[].mode", "ports[].vlan", "ports[].native_vlan"), _vlans(agent, seen.ports)) or {}
    own = await attempt(gaps, "ports[].addresses", addresses(agent)) or {}
    sockets = _sockets(columns[IF_TYPE], columns[IF_CONNECTOR])
    now = _now(seen)
    if now is None:
        gaps.note("ports[].idle_days", "unsupported", "the agent's clock has turned over, or it tells none")
    ports = tuple(
        _port(index, columns, index in sockets, vlans.get(index), own.get(index, ()), now) for index in columns[IF_TYPE]
    )
    gaps.note(_NO_SAY, "unsupported", "SNMP does not tell; ask over the command line")
    gaps.note(tuple(f"ports[].{field}" for field in _PORT_NO_SAY), "unsupported", "SNMP does not tell; ask over the command line")
    for field in ("enabled", "up"):
        unclear = [port.name for port in ports if getattr(port, field) is None]
        if unclear:
            gaps.note(f"ports[].{field}", "unparsable", f"the agent's state of {', '.join(unclear[:5])} is neither up nor down")
    return Interfaces(ports=ports, unused_open=_unused(ports, gaps), unseen=gaps.unseen)


def _port(
    index: str,
    columns: Mapping[str, Mapping[str, Value]],
    socket: bool,
    vlans: Vlans | None,
    own: tuple[str, ...],
    now: float | None,
) -> Port:
    up = _UP.get(columns[IF_OPER].get(index))
    mode = vlans.mode if vlans else None
    return Port(
        name=text(columns[IF_NAME].get(index)) or text(columns[IF_DESCR].get(index)) or f"ifIndex {index}",
        description=redact(text(columns[IF_ALIAS].get(index)) or ""),
        physical=socket,
        enabled=_ENABLED.get(columns[IF_ADMIN].get(index)),
        up=up,
        idle_days=_idle(columns[IF_CHANGED].get(index), now) if up is False else None,
        mode=mode,
        vlan=vlans.pvid if vlans and mode == "access" else None,
        native_vlan=vlans.pvid if vlans and mode == "trunk" else None,
        addresses=own,
    )


def _sockets(types: Mapping[str, Value], connectors: Mapping[str, Value]) -> set[str]:
    """Interfaces with a place to plug in. ifConnectorPresent is believed only of an agent that says yes of some port."""
    kinds = {index for index, kind in types.items() if kind in PHYSICAL}
    if not any(connectors.get(index) == 1 for index in kinds):
        return kinds
    return {index for index in kinds if connectors.get(index) != 2}


def _now(seen: Device) -> float | None:
    """sysUpTime in seconds; None once it has turned over, because then ifLastChange may be of any turn."""
    ticks, engine = seen.values.get(UPTIME), seen.values.get(ENGINE_TIME)
    if not isinstance(ticks, int) or (isinstance(engine, int) and engine > ticks / 100 + WRAP / 2):
        return None
    return ticks / 100


def _idle(changed: Value | None, now: float | None) -> int | None:
    if now is None or not isinstance(changed, int) or changed / 100 > now:
        return None
    return int((now - changed / 100) // DAY)


def _unused(ports: tuple[Port, ...], gaps: Gaps) -> tuple[str, ...] | None:
    if not any(port.physical for port in ports):
        gaps.note("unused_open", "unsupported", "the agent shows no physical port")
        return None
    return unused_open(ports, gaps)


async def _vlans(agent: Snmp, ports: int) -> dict[str, Vlans]:
    """ifIndex -> what it carries. Raises Unsupported where the agent keeps no Q-BRIDGE-MIB."""
    columns = await agent.walk(PVID, BRIDGE_PORT, expect=ports)
    if not columns[PVID]:
        raise Unsupported("the agent shows no Q-BRIDGE-MIB; ask over the command line")
    members = await agent.walk(EGRESS, UNTAGGED)
    found = {}
    for number, pvid in columns[PVID].items():
        index = columns[BRIDGE_PORT].get(number)
        if index is not None and isinstance(pvid, int):
            found[str(index)] = Vlans(_mode(int(number), members[EGRESS], members[UNTAGGED]), pvid)
    return found


def _mode(port: int, egress: Mapping[str, Value], untagged: Mapping[str, Value]) -> Literal["access", "trunk"] | None:
    """One VLAN and that untagged: access. Several, or a tagged one: trunk. None where the port is in none."""
    carried = [index for index, bits in egress.items() if _has(bits, port)]
    if not carried:
        return None
    plain = [index for index in carried if _has(untagged.get(index), port)]
    return "access" if len(carried) == len(plain) == 1 else "trunk"


def _has(bits: Value | None, port: int) -> bool:
    """PortList: the first bit of the first octet is port 1."""
    if not isinstance(bits, bytes):
        return False
    place = port - 1
    return place // 8 < len(bits) and bool(bits[place // 8] & (0x80 >> place % 8))
