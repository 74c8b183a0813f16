"""IP addresses of the interfaces: ipAddressTable of IP-MIB, and the table of IPv4 alone before it, which old agents keep."""

from __future__ import annotations

import ipaddress

from collectors.errors import Unparsable
from collectors.transports.base import Snmp

OLD_INDEX, OLD_MASK = "1.3.6.1.2.1.4.20.1.2", "1.3.6.1.2.1.4.20.1.3"
NEW_INDEX, NEW_TYPE, NEW_PREFIX = (f"1.3.6.1.2.1.4.34.1.{column}" for column in (3, 4, 5))
BROADCAST = 3
"""ipAddressType of what is nobody's own address."""

V4, V6, V4_ZONE, V6_ZONE = 1, 2, 3, 4
_LENGTHS = {V4: 4, V6: 16, V4_ZONE: 8, V6_ZONE: 20}


async def addresses(agent: Snmp) -> dict[str, tuple[str, ...]]:
    """ifIndex -> addresses with prefix length, where it is told; else of one host (/32, /128)."""
    columns = await agent.walk(OLD_INDEX, OLD_MASK, NEW_INDEX, NEW_TYPE, NEW_PREFIX)
    found: dict[str, dict[str, str]] = {}
    for index, number in columns[NEW_INDEX].items():
        address = address_of(tuple(map(int, index.split("."))))
        if address is not None and columns[NEW_TYPE].get(index) != BROADCAST:
            length = _length(columns[NEW_PREFIX].get(index), address)
            found.setdefault(str(number), {})[str(address)] = f"{address}/{length}"
    for index, number in columns[OLD_INDEX].items():
        mask = columns[OLD_MASK].get(index)
        try:
            interface = ipaddress.IPv4Interface(f"{index}/{mask}" if isinstance(mask, str) else index)
        except ValueError:
            raise Unparsable(f"ipAddrTable: {index} with mask {mask!r} is no address") from None
        found.setdefault(str(number), {})[str(interface.ip)] = str(interface)
    return {number: tuple(rows.values()) for number, rows in found.items()}


def address_of(index: tuple[int, ...]) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """InetAddressType and InetAddress as they stand in an index: type, length, octets. None for names and unknown types."""
    kind, count, octets = index[0], index[1] if len(index) > 1 else 0, bytes(number & 0xFF for number in index[2:])
    if kind not in _LENGTHS:
        return None
    if len(octets) != count or count != _LENGTHS[kind]:
        raise Unparsable(f"an index that holds no address: {'.'.join(map(str, index))}")
    # the zone behind a link-local address is the agent's number for the interface
    return ipaddress.IPv4Address(octets[:4]) if kind in (V4, V4_ZONE) else ipaddress.IPv6Address(octets[:16])


def _length(prefix: object, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> int:
    """The last number of the row ipAddressPrefix points to; 0.0 where an agent keeps no such table."""
    last = int(prefix.rpartition(".")[2]) if isinstance(prefix, str) and prefix.startswith("1.3.6.1.2.1.4.32.") else 0
    return last if 0 < last <= address.max_prefixlen else address.max_prefixlen
