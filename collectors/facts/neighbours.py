"""Whom does the device see: addresses, hardware addresses, and on which port?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from pydantic import Field

from collectors.facts.base import Fact, Gaps, Model


class Neighbour(Model):
    """One line of an ARP, ND or MAC table."""

    mac: str = Field(description="aa:bb:cc:dd:ee:ff")
    address: str | None = Field(default=None, description="IPv4 or IPv6 address; None in a MAC table")
    interface: str | None = Field(default=None, description="Port or VLAN interface it was seen on")
    vlan: int | None = Field(default=None)


class Neighbours(Fact):
    """Stations a router or switch has in its tables now. Feeds discovery; nobody is judged by it."""

    NAME: ClassVar[str] = "neighbours"

    arp: tuple[Neighbour, ...] | None = Field(description="ARP and ND tables; () when empty")
    macs: tuple[Neighbour, ...] | None = Field(
        default=None, description="MAC table; () when empty, None on a router or when not asked"
    )


def both_tables(arp: Callable[[], Iterable[Neighbour]], macs: Callable[[], Iterable[Neighbour]]) -> Neighbours:
    """Each table asked for by itself: one that is refused costs the other nothing."""
    gaps = Gaps()
    return Neighbours(
        arp=gaps.attempt("arp", lambda: tuple(arp())), macs=gaps.attempt("macs", lambda: tuple(macs())), unseen=gaps.unseen
    )
