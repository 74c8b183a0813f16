"""Which doors of a Windows machine are open?"""

from __future__ import annotations

from ipaddress import ip_address

from collectors.errors import Unparsable
from collectors.facts.base import Gaps
from collectors.facts.listening import LASTING_UDP, Listening, Socket
from collectors.transports.base import Shell
from collectors.windows.document import Document, Section, document

_SHORT_LIVED = 49152
"""Windows gives out ports from here on; those of RPC services change with every start, so they are no lasting fact."""


def listening(shell: Shell) -> Listening:
    gaps = Gaps()
    answers = document(shell)
    rows = answers.section("sockets").rows()
    if not rows:
        raise Unparsable("sockets: none is listed, and no running Windows has none")
    accounts = gaps.attempt("sockets[].account", lambda: _accounts(answers))
    sockets = {_socket(row, accounts or {}) for row in rows}
    kept = [one for one in sockets if one.protocol == "tcp" or one.port < _SHORT_LIVED]
    if any(one.process is None for one in kept):
        gaps.note("sockets[].process", "denied", "the program of some sockets was not told, or had ended")
    if accounts is not None and any(one.account is None for one in kept):
        gaps.note("sockets[].account", "unsupported", "some programs are no services: whose rights they have is not asked")
    ordered = tuple(sorted(kept, key=lambda one: (one.protocol, one.port, one.address, one.process or "")))
    exposed = {(one.protocol, one.port) for one in ordered if one.exposed}
    return Listening(
        sockets=ordered,
        exposed_tcp_ports=tuple(sorted(port for protocol, port in exposed if protocol == "tcp")),
        exposed_udp_ports=tuple(sorted(port for protocol, port in exposed if protocol == "udp" and port < LASTING_UDP)),
        unseen=gaps.unseen,
    )


def _accounts(answers: Document) -> dict[int, str]:
    """Process number -> account of the service in it; the kernel itself is number 4. Services that share a process share its account."""
    found = {4: "LocalSystem"}
    for row in answers.section("services").rows():
        number, account = row.number("ProcessId"), row.text("StartName")
        if number and account:
            found[number] = account
    return found


def _socket(row: Section, accounts: dict[int, str]) -> Socket:
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
        account=accounts.get(row.number("pid") or 0),
    )
