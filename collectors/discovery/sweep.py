"""Asking a network what answers.

In pieces of at most 256 addresses, so that a window that closes or a piece that fails costs that piece alone. Imports next to
nothing: whatever is loaded before nmap starts is time added to nmap's own.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from collectors.discovery.ranges import Approved
from collectors.errors import CollectError
from collectors.transports.nmap import Answer, Network, PortScanner
from collectors.transports.nmap_result import Host

PIECE_SECONDS = 1800.0
"""A piece takes no longer: 256 hosts with every port asked take about five minutes at the usual rate."""

AT_ONCE = 4
"""Pieces asked at the same time; they share the rate. A piece in which nobody answers is mostly waiting."""


@dataclass(frozen=True)
class Gap:
    """Addresses that were not asked, or not to the end, and why."""

    addresses: int
    where: str
    why: Literal["excluded", "window", "failed"]
    detail: str = ""


class Swept(NamedTuple):
    """What the sweep brought: answers per piece, and what was not asked."""

    answers: tuple[Answer, ...]
    asked: tuple[Network, ...]
    gaps: tuple[Gap, ...]

    def hosts(self) -> Iterator[tuple[Host, Answer]]:
        return ((host, answer) for answer in self.answers for host in answer.result.hosts)

    def was_asked(self, address: str) -> bool:
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in each for each in self.asked)


Step = Callable[[int, int, str], None]


class _Piece(NamedTuple):
    whole: Network
    allowed: tuple[Network, ...]

    @property
    def size(self) -> int:
        return sum(each.num_addresses for each in self.allowed)


def pieces(wanted: Iterable[Network], approved: Approved) -> Iterator[_Piece]:
    """Pieces of a /24 or /120 at most: overlapping networks once, excluded addresses taken out."""
    given = tuple(wanted)
    for version, longest in ((4, 24), (6, 120)):
        mine = [each for each in given if each.version == version]
        for each in ipaddress.collapse_addresses(mine):  # type: ignore[type-var]
            for piece in each.subnets(new_prefix=longest) if each.prefixlen < longest else (each,):
                yield _Piece(piece, approved.without_excluded(piece))


def sweep(
    scanner: PortScanner,
    wanted: Iterable[Network],
    approved: Approved,
    services: bool = True,
    step: Step | None = None,
    now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    at_once: int = AT_ONCE,
) -> Swept:
    """Ask the networks. What the network does costs at most its piece; no piece is begun outside the window."""
    todo = list(pieces(wanted, approved))
    asking = [piece for piece in todo if piece.allowed]
    gaps = [
        Gap(piece.whole.num_addresses - piece.size, str(piece.whole), "excluded")
        for piece in todo
        if piece.size < piece.whole.num_addresses
    ]
    workers = max(1, min(at_once, len(asking)))
    rate = max(1, approved.max_rate // workers)

    def ask(piece: _Piece) -> Answer | Gap:
        left = approved.window.left(now()) if approved.window else PIECE_SECONDS
        if left < 1:
            return Gap(piece.size, str(piece.whole), "window", str(approved.window))
        try:
            return scanner.scan(piece.allowed, services, rate, min(left, PIECE_SECONDS))
        except CollectError as error:
            return Gap(piece.size, str(piece.whole), "failed", str(error))

    from concurrent.futures import ThreadPoolExecutor

    answers: list[Answer] = []
    asked: list[Network] = []
    if step and asking:
        step(0, len(asking), str(asking[0].whole))
    pool = ThreadPoolExecutor(workers, thread_name_prefix="discover")
    try:
        for done, (piece, outcome) in enumerate(zip(asking, pool.map(ask, asking), strict=True), 1):
            if step:
                step(done, len(asking), str(piece.whole))
            if isinstance(outcome, Gap):
                gaps.append(outcome)
            else:
                answers.append(outcome)
                asked += piece.allowed
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return Swept(tuple(answers), tuple(asked), tuple(gaps))
