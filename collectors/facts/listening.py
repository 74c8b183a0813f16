"""Which doors are open?"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from collectors.facts.base import Fact, Model


class Socket(Model):
    """One listening TCP or bound UDP socket."""

    protocol: Literal["tcp", "udp"] = Field(description="IPv6 sockets are tcp and udp too; see address")
    address: str = Field(description="Local address; 0.0.0.0 and :: mean all")
    port: int = Field(description="Local port")
    exposed: bool = Field(description="Reachable from other machines: the address is not a loopback one")
    process: str | None = Field(description="Program that holds it; None if not seen (needs root)")
    user: str | None = Field(default=None, description="Account it runs as; None if not seen")


class Listening(Fact):
    """Open ports of this machine's own network namespace (those of containers are not seen)."""

    NAME: ClassVar[str] = "listening"

    sockets: tuple[Socket, ...] = Field(description="Sorted by protocol, port, address; one per program and address")
    exposed_tcp_ports: tuple[int, ...] = Field(description="Distinct TCP ports of exposed sockets, sorted")
    exposed_udp_ports: tuple[int, ...] = Field(description="Distinct UDP ports of exposed sockets below 32768, sorted (higher ones are mostly answers)")
