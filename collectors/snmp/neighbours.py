"""Whom the device sees: its ARP and ND tables (IP-MIB) and its MAC table (BRIDGE-MIB, Q-BRIDGE-MIB)."""

from __future__ import annotations

from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Gaps
from collectors.facts.neighbours import Neighbour, Neighbours
from collectors.snmp.addresses import address_of
from collectors.snmp.device import Device, attempt, device, mac, port_names
from collectors.snmp.interfaces import BRIDGE_PORT
from collectors.transports.base import Snmp

ARP = "1.3.6.1.2.1.4.35.1.4"
OLD_ARP = "1.3.6.1.2.1.4.22.1.2"
FDB_PORT, FDB_STATUS = "1.3.6.1.2.1.17.7.1.2.2.1.2", "1.3.6.1.2.1.17.7.1.2.2.1.3"
OLD_FDB_PORT, OLD_FDB_STATUS = "1.3.6.1.2.1.17.4.3.1.2", "1.3.6.1.2.1.17.4.3.1.3"
VLAN_FDB = "1.3.6.1.2.1.17.7.1.4.2.1.3"
"""Index time mark and VLAN -> number of its table."""
SELF = 4
"""Status of the device's own addresses."""


async def snmp(agent: Snmp) -> Neighbours:
    """An empty table is unseen: the agent answers in the same way when its view leaves the table out."""
    gaps = Gaps()
    seen = await device(agent)
    names = await attempt(gaps, "arp[].interface", port_names(agent, seen.ports)) or {}
    arp = await attempt(gaps, "arp", _arp(agent, names))
    macs = await attempt(gaps, "macs", _macs(agent, names, seen))
    return Neighbours(arp=arp, macs=macs, unseen=gaps.unseen)


async def _arp(agent: Snmp, names: dict[str, str]) -> tuple[Neighbour, ...]:
    found: dict[tuple[str, str], Neighbour] = {}
    for column in (ARP, OLD_ARP):
        rows = (await agent.walk(column, expect=16))[column]
        for index, value in rows.items():
            port, _, rest = index.partition(".")
            station = mac(value)
            if station is None:
                continue  # being asked for, or no Ethernet
            numbers = tuple(map(int, rest.split(".")))
            # the old table has nothing but IPv4 in its index
            address = address_of(numbers if column == ARP else (1, 4, *numbers))
            if address is not None:
                found[port, str(address)] = Neighbour(mac=station, address=str(address), interface=names.get(port))
        if found:
            return tuple(found.values())
    raise Unsupported("the agent shows no ARP table: it is empty, or outside what this account may see")


async def _macs(agent: Snmp, names: dict[str, str], seen: Device) -> tuple[Neighbour, ...]:
    new = await agent.walk(FDB_PORT, FDB_STATUS, expect=16)
    old = {} if new[FDB_PORT] else await agent.walk(OLD_FDB_PORT, OLD_FDB_STATUS, expect=16)
    if not new[FDB_PORT] and not old[OLD_FDB_PORT]:
        raise Unsupported("the agent shows no MAC table: it is no bridge, or the table is outside what this account may see")
    if old and seen.entry is not None and seen.entry.os_id == "cisco_ios":
        raise Unsupported(
            "Cisco IOS shows the MAC table of VLAN 1 alone to a community without the number of a VLAN; ask over the command line"
        )
    bridge = await agent.walk(BRIDGE_PORT, VLAN_FDB)
    vlans = {str(fdb): int(index.rpartition(".")[2]) for index, fdb in bridge[VLAN_FDB].items()}
    ports, states = (new[FDB_PORT], new[FDB_STATUS]) if new[FDB_PORT] else (old[OLD_FDB_PORT], old[OLD_FDB_STATUS])
    found = []
    for index, port in ports.items():
        if states.get(index) == SELF:
            continue
        table, octets = (index.split(".")[:-6], index.split(".")[-6:]) if len(index.split(".")) >= 6 else ([], [])
        if len(octets) != 6:
            raise Unparsable(f"the MAC table has a row that is no address: {index}")
        interface = names.get(str(bridge[BRIDGE_PORT].get(str(port))))
        vlan = vlans.get(table[0]) if table else None
        found.append(Neighbour(mac=bytes(map(int, octets)).hex(":"), interface=interface, vlan=vlan))
    return tuple(found)
