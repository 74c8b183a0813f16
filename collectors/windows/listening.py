"""Which doors of a Windows machine are open?"""

from __future__ import annotations

from ipaddress import ip_address

from collectors.errors import Unparsable
from collectors.facts.base import Gaps
from collectors.facts.listening import LASTING_UDP, Listening, Socket
from collectors.transports.base import Shell
from collectors.windows.document import Section, document

_SHORT_LIVED = 49152
"""Windows gives out ports from here on; those of RPC services change with every start, so they are no lasting fact."""


def listening(shell: Shell) -> Listening:
    gaps = Gaps()
    rows = document(shell).section("sockets").rows()
    if not rows:
        raise Unparsable("sockets: none is listed, and no running Windows has none")
    sockets = {_socket(row) for row in rows}
    kept = [one for one in sockets if one.protocol == "tcp" or one.port < _SHORT_LIVED]
    if any(one.process is None for one in kept):
        gaps.note("sockets[].process", "denied", "the program of some sockets was not told, or had ended")
    ordered = tuple(sorted(kept, key=lambda one: (one.protocol, one.port, one.address, one.process or "")))
    exposed = {(one.protocol, one.port) for one in ordered if one.exposed}
    return Listening(
        sockets=ordered,
        exposed_tcp_ports=tuple(sorted(port for protocol, port in exposed if protocol == "tcp")),
        exposed_udp_ports=tuple(sorted(port for protocol, port in exposed if protocol == "udp" and port < LASTING_UDP)),
        unseen=gaps.unseen,
    )


def _socket(row: Section) -> Socket:
    protocol, text, port = row.text("protocol"), row.text("address") or "", row.number("port")
    if protocol not in ("tcp", "udp") or port is None or not 0 <= port <= 65535:
        raise Unparsable(f"sockets: protocol {str(protocol)[:20]!r}, port {port}")
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        raise Unparsable(f"sockets: {text[:60]!r} is no address") from None
    return Socket(
        protocol="tcp" if protocol == "tcp" else "udp",
        address=str(address),
        port=port,
        exposed=not address.is_loopback,
        process=row.text("program"),
    )
