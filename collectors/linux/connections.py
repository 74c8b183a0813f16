"""Whom does this machine speak with now? What `ss` says of sockets that have a peer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv6Address, ip_address
from typing import Literal, NamedTuple

from collectors.errors import Unparsable
from collectors.transports.base import Shell

_WAITING = frozenset({"LISTEN", "UNCONN"})
_STATES = _WAITING | {
    "ESTAB", "SYN-SENT", "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSE-WAIT", "LAST-ACK", "CLOSING", "CLOSED", "NEW-SYN-RECV",
}  # fmt: skip
_HOLDERS = re.compile(r'users:\((?:\("(?:[^"\\]|\\.)*",pid=\d+,fd=\d+\),?)+\)')
_NAME = re.compile(r'\("((?:[^"\\]|\\.)*)",pid=\d')


class Peer(NamedTuple):
    """The other end of a socket, and a program that holds it here."""

    protocol: Literal["tcp", "udp"]
    address: str
    port: int
    incoming: bool
    """It came to a port that this machine listens on."""
    process: str | None


def peers(shell: Shell) -> frozenset[Peer]:
    """Peers on other machines, those of a moment ago (TIME-WAIT) included. Raises Unparsable at a line that is not whole."""
    text = shell.run("ss", "-H", "-antup", root=True).require()
    if text and not text.endswith("\n"):
        raise Unparsable("ss: the answer is cut in the middle of a line")
    rows = [_parts(line, number) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    doors = {(row[0], _endpoint(row[4])[1]) for row in rows if row[1] in _WAITING}
    found: set[Peer] = set()
    for row in rows:
        if row[1] not in _WAITING:
            host, port = _endpoint(row[5])
            incoming = (row[0], _endpoint(row[4])[1]) in doors
            if _elsewhere(host):
                # the peer's port of what came in is a number of the moment
                kept = _endpoint(row[4])[1] if incoming else port
                found.update(Peer(_protocol(row[0]), host, kept, incoming, name) for name in _holders(row[6]))
    return frozenset(found)


def _parts(line: str, number: int) -> list[str]:
    parts = line.split(None, 6)
    if len(parts) < 6 or parts[0] not in ("tcp", "udp") or parts[1] not in _STATES:
        raise Unparsable(f"ss: line {number} is not a socket")
    if not (parts[2].isdecimal() and parts[3].isdecimal()):
        raise Unparsable(f"ss: line {number} is not a socket")
    return [*parts, ""][:7]


def _protocol(word: str) -> Literal["tcp", "udp"]:
    return "tcp" if word == "tcp" else "udp"


def _endpoint(text: str) -> tuple[str, int]:
    """0 for a port that is not told (*)."""
    host, _, port = text.rpartition(":")
    host = host.partition("%")[0].removeprefix("[").removesuffix("]")
    if not host or not (port == "*" or (port.isdecimal() and int(port) < 65536)):
        raise Unparsable(f"ss: {text[:60]!r} is not an address and a port")
    if host == "*":
        return "::", 0 if port == "*" else int(port)
    try:
        found = ip_address(host)
    except ValueError:
        raise Unparsable(f"ss: {text[:60]!r} is not an address and a port") from None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped or found), 0 if port == "*" else int(port)


def _elsewhere(host: str) -> bool:
    found = ip_address(host)
    return not (found.is_loopback or found.is_unspecified)


def _holders(tail: str) -> Iterator[str | None]:
    if "users:" not in tail:
        yield None
        return
    found = _HOLDERS.search(tail)
    if found is None:
        raise Unparsable("ss: the list of programs is cut")
    yield from _NAME.findall(found[0])
