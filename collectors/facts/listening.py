"""Which doors are open?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field

from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.facts.base import Fact, Gaps, Model, Outcome
from collectors.linux.process_accounts import effective
from collectors.transports.base import Shell

Protocol = Literal["tcp", "udp"]


class Socket(Model):
    """One listening TCP or bound UDP socket."""

    protocol: Literal["tcp", "udp"] = Field(description="IPv6 sockets are tcp and udp too; see address")
    address: str = Field(
        description="Local address; 0.0.0.0 and :: mean all; %interface behind it where the socket is bound to one"
    )
    port: int = Field(description="Local port")
    exposed: bool = Field(description="Reachable from other machines: the address is not a loopback one")
    process: str | None = Field(
        description="Program that holds it; None if not seen (needs root), or where the kernel or another container holds it"
    )
    account: str | None = Field(
        default=None,
        description="Whose rights that program has now (effective user; Windows: account of the service). Where a master and its workers hold the socket together, a worker's account other than root's. None if not seen",
    )


class Listening(Fact):
    """Open ports of this machine's own network namespace (those of containers are not seen)."""

    NAME: ClassVar[str] = "listening"

    sockets: tuple[Socket, ...] = Field(description="Sorted by protocol, port, address; one per program and address")
    exposed_tcp_ports: tuple[int, ...] = Field(description="Distinct TCP ports of exposed sockets, sorted")
    exposed_udp_ports: tuple[int, ...] = Field(
        description="Distinct UDP ports of exposed sockets below 32768, sorted (higher ones are mostly answers)"
    )


LASTING_UDP = 32768
"""Linux gives out ports from here on for short-lived sockets."""


def linux(shell: Shell) -> Listening:
    """`ss` names the programs; where it cannot be asked the kernel's own tables name the sockets alone."""
    gaps = Gaps()
    try:
        held = _from_ss(shell.run("ss", "-H", "-lntup", root=True).require())
        accounts = gaps.attempt("sockets[].account", lambda: effective(shell, (one.pid for one in held if one.pid is not None)))
        sockets = _sockets(held, accounts or {})
        if any(socket.process is None for socket in sockets):
            if shell.privileged:
                gaps.note(
                    "sockets[].process",
                    "unsupported",
                    "some sockets belong to the kernel or to a container: no program of this machine holds them",
                )
            else:
                gaps.note("sockets[].process", "denied", "ss names the programs of other accounts only to root")
        if accounts is not None and any(socket.account is None for socket in sockets):
            outcome: Outcome = "unsupported" if shell.privileged else "denied"
            gaps.note("sockets[].account", outcome, "no process, and so no account, is known of some sockets, or it had ended")
    except CollectError as error:
        try:
            sockets = _from_kernel(shell)
        except Unsupported:
            raise error from None
        reason = f"the kernel's tables name no programs, and {error}"
        gaps.note(("sockets[].process", "sockets[].account"), error.outcome, reason)
    ordered = tuple(sorted(sockets, key=lambda one: (one.protocol, one.port, one.address, one.process or "")))
    exposed = {(one.protocol, one.port) for one in ordered if one.exposed}
    return Listening(
        sockets=ordered,
        exposed_tcp_ports=tuple(sorted(port for protocol, port in exposed if protocol == "tcp")),
        exposed_udp_ports=tuple(sorted(port for protocol, port in exposed if protocol == "udp" and port < LASTING_UDP)),
        unseen=gaps.unseen,
    )


# --- ss -------------------------------------------------------------------------------------------------------------

_OTHERS = frozenset(
    {
        "u_str",
        "u_dgr",
        "u_seq",
        "nl",
        "p_raw",
        "p_dgr",
        "raw",
        "dccp",
        "sctp",
        "mptcp",
        "tipc",
        "vsock",
        "v_str",
        "v_dgr",
        "xdp",
        "icmp",
        "icmp6",
    }
)
"""Families ss also knows: neither TCP nor UDP."""
_HOLDERS = re.compile(r'users:\((?:\("(?:[^"\\]|\\.)*",pid=\d+,fd=\d+\),?)+\)')
_NAME = re.compile(r'\("((?:[^"\\]|\\.)*)",pid=(\d{1,10})')


class _Held(NamedTuple):
    """One process and one socket that it holds."""

    protocol: Protocol
    address: str
    port: int
    process: str | None
    pid: int | None


def _sockets(held: set[_Held], accounts: Mapping[int, str]) -> set[Socket]:
    """One per program and address, whatever number of its processes hold it."""
    found: dict[tuple[Protocol, str, int, str | None], set[str | None]] = {}
    for one in held:
        account = None if one.pid is None else accounts.get(one.pid)
        found.setdefault((one.protocol, one.address, one.port, one.process), set()).add(account)
    return {
        Socket(protocol=protocol, address=address, port=port, exposed=_exposed(address), process=process, account=_least(names))
        for (protocol, address, port, process), names in found.items()
    }


def _least(names: set[str | None]) -> str | None:
    workers = sorted(name for name in names if name not in (None, "root"))
    return workers[0] if workers else None if None in names else "root"


def _from_ss(text: str) -> set[_Held]:
    """Raises Unparsable at the first line that is not whole: a list cut short would hide open ports."""
    if text and not text.endswith("\n"):
        raise Unparsable("ss: the answer is cut in the middle of a line")
    return {held for number, line in enumerate(text.splitlines(), 1) if line.strip() for held in _ss_line(line, number)}


def _ss_line(line: str, number: int) -> Iterator[_Held]:
    parts = line.split(None, 6)
    if parts[0] in _OTHERS:
        return
    protocol: Protocol | None = "tcp" if parts[0] == "tcp" else "udp" if parts[0] == "udp" else None
    # [::1]:22 may stand right behind a full queue column, but never without a space; fewer columns is a cut line
    if (
        protocol is None
        or len(parts) < 6
        or parts[1] not in ("LISTEN", "UNCONN")
        or not (parts[2].isdecimal() and parts[3].isdecimal())
    ):
        raise Unparsable(f"ss: line {number} is not a listening socket")
    address, port = _endpoint(parts[4], parts[5], number)
    for name, pid in _holders(parts[6] if len(parts) > 6 else "", number):
        yield _Held(protocol, address, port, name, pid)


def _holders(tail: str, number: int) -> Iterable[tuple[str | None, int | None]]:
    if "users:" not in tail:
        return ((None, None),)
    found = _HOLDERS.search(tail)
    if not found:
        raise Unparsable(f"ss: line {number}: the list of programs is cut")
    return [(name, int(pid)) for name, pid in _NAME.findall(found.group(0))]


def _endpoint(local: str, peer: str, number: int) -> tuple[str, int]:
    host, _, port = local.rpartition(":")
    if not port.isdecimal() or not host or int(port) > 65535:
        raise Unparsable(f"ss: line {number}: {local!r} is not an address and a port")
    host, percent, scope = host.partition("%")
    host = host.removeprefix("[").removesuffix("]")
    scope = scope.removesuffix("]")
    if host == "*":
        # today "all, IPv4 and IPv6"; until iproute2 4.17 "all of IPv4", and then the peer of IPv6 is :::*
        host = "::"
    try:
        plain = _plain(ip_address(host))
    except ValueError:
        raise Unparsable(f"ss: line {number}: {host!r} is not an address") from None
    return plain + percent + scope, int(port)


# --- /proc/net ------------------------------------------------------------------------------------------------------

_TABLES: tuple[tuple[str, Protocol, str], ...] = (
    ("/proc/net/tcp", "tcp", "0A"),
    ("/proc/net/tcp6", "tcp", "0A"),
    ("/proc/net/udp", "udp", "07"),
    ("/proc/net/udp6", "udp", "07"),
)
"""(file, protocol, state of a socket that waits: TCP_LISTEN, or for UDP TCP_CLOSE, which is "bound to no peer")."""


class _Entry(NamedTuple):
    address: str
    port: int
    state: str


def exposed_tcp_ports(shell: Shell) -> Mapping[Literal["ip", "ip6"], tuple[int, ...]]:
    """By family, from the kernel's own tables, without asking `ss`. A socket on all of IPv6 takes IPv4 too, as far as one can see from there.

    Raises Unsupported where no kernel runs.
    """
    ports: dict[Literal["ip", "ip6"], set[int]] = {"ip": set(), "ip6": set()}
    for one in _from_kernel(shell):
        if one.exposed and one.protocol == "tcp":
            found = ip_address(one.address.partition("%")[0])
            if isinstance(found, IPv4Address) or found.ipv4_mapped or found.is_unspecified:
                ports["ip"].add(one.port)
            if isinstance(found, IPv6Address) and not found.ipv4_mapped:
                ports["ip6"].add(one.port)
    return {family: tuple(sorted(numbers)) for family, numbers in ports.items()}


def _from_kernel(shell: Shell) -> set[Socket]:
    files = shell.read_all("/proc/net/tcp", "/proc/net/tcp6", "/proc/net/udp", "/proc/net/udp6")
    if "/proc/net/tcp" not in files:
        raise Unsupported("no kernel runs here; its sockets cannot be listed")
    return {
        Socket(protocol=protocol, address=entry.address, port=entry.port, exposed=_exposed(entry.address), process=None)
        for path, protocol, waiting in _TABLES
        for entry in _entries(path, files.get(path, ""))
        if entry.state == waiting
    }


def _entries(path: str, text: str) -> Iterator[_Entry]:
    lines = text.splitlines()
    if text and (not text.endswith("\n") or "local_address" not in lines[0]):
        raise Unparsable(f"{path}: cut, or not the kernel's table")
    for number, line in enumerate(lines[1:], 2):
        parts = line.split()
        try:
            host, port = parts[1].split(":")
            yield _Entry(_address(host), int(port, 16), parts[3])
        except (IndexError, ValueError):
            raise Unparsable(f"{path}, line {number}: not understood") from None


def _address(digits: str) -> str:
    """The kernel prints each 32-bit word as the processor holds it: little-endian on all but s390x, where ss is at hand."""
    words = [bytes.fromhex(digits[at : at + 8])[::-1] for at in range(0, len(digits), 8)]
    return _plain(ip_address(b"".join(words)))


def _plain(address: IPv4Address | IPv6Address) -> str:
    """As people write it: ::ffff:127.0.0.1, not ::ffff:7f00:1."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return f"::ffff:{mapped}" if mapped else str(address)


def _exposed(address: str) -> bool:
    host, _, scope = address.partition("%")
    if scope == "lo":
        return False
    found = ip_address(host)
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return not (mapped or found).is_loopback
