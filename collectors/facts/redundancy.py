"""Is there a second device, and do routers check who speaks to them?"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from collectors.facts.base import Fact, Model


class Gateway(Model):
    """A first-hop address shared with another router."""

    interface: str
    protocol: Literal["hsrp", "vrrp", "glbp", "carp"]
    authenticated: bool | None = Field(description="Messages carry a keyed digest; a readable word does not count")
    state: str = Field(default="", description="active, standby, master, backup ... as the device says; empty if not asked")


class Routing(Model):
    """One neighbour, area or process of a routing protocol."""

    protocol: Literal["ospf", "ospfv3", "bgp", "eigrp", "rip", "isis"]
    name: str = Field(description="Process and neighbour, area or interface")
    authenticated: bool | None = Field(description="Messages carry a keyed digest; a readable word does not count")


class Redundancy(Fact):
    """High availability and routing authentication."""

    NAME: ClassVar[str] = "redundancy"

    cluster: Literal["none", "active-standby", "active-active", "stack"] | None = Field(
        description="How this device stands by another"
    )
    peer_up: bool | None = Field(default=None, description="The other one is there and ready now")
    gateways: tuple[Gateway, ...] | None = Field(description="() when there is none")
    routing: tuple[Routing, ...] | None = Field(description="() when no routing protocol runs")
    second_power: bool | None = Field(default=None, description="A second power supply is present and works")
