"""What does the device let through between networks, and what does it note of it?"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from collectors.facts.base import Fact, Model

Action = Literal["permit", "deny", "reject", "other"]


class FilterRule(Model):
    """One rule for traffic passing through, in the order they are tried."""

    list: str = Field(description="Access list, policy package, VDOM or zone pair it stands in")
    name: str = Field(description="Number, id or name within it")
    action: Action
    enabled: bool
    source_any: bool = Field(description="Any source address")
    destination_any: bool = Field(description="Any destination address")
    service_any: bool = Field(description="Any protocol and port")
    source_zones: tuple[str, ...] = Field(
        default=(), description="Zones or interfaces traffic comes from; () where the list is bound elsewhere"
    )
    destination_zones: tuple[str, ...] = Field(default=(), description="Zones or interfaces it goes to")
    logged: bool | None = Field(description="A record is written when it matches; None if not seen")
    hits: int | None = Field(
        default=None, description="Packets or sessions that matched since the counters were cleared; None where there are none"
    )
    inspected: bool | None = Field(
        default=None, description="A profile looks inside (intrusion prevention, antivirus, web); None where the system has none"
    )
    ips: bool | None = Field(default=None, description="Intrusion prevention looks at what it permits")
    antivirus: bool | None = Field(default=None, description="Malware is looked for in what it permits")


class Zone(Model):
    """A security zone, or a named interface of a firewall."""

    name: str
    interfaces: tuple[str, ...]
    outside: bool | None = Field(description="It leads to the Internet or a foreign network, by its role, security level or name")


class Filtering(Fact):
    """Filtering of traffic between networks. Rules of management access are in device_access."""

    NAME: ClassVar[str] = "filtering"

    stateful: bool | None = Field(description="The device follows connections (a firewall); False: packet lists only")
    default_action: Action | None = Field(
        description="What happens to traffic between zones or interfaces that no rule names; permit where nothing filters"
    )
    default_logged: bool | None = Field(default=None, description="A record is written of what the last, implicit rule refuses")
    rules: tuple[FilterRule, ...] | None = Field(description="() when there is none")
    unbound: tuple[str, ...] | None = Field(default=None, description="Access lists that exist and are bound nowhere")
    zones: tuple[Zone, ...] | None = Field(default=None, description="() where the system knows none")
    anti_spoofing: bool | None = Field(
        default=None,
        description="Source addresses are checked against the way they come (uRPF, strict source check) on outside interfaces",
    )
    dos_protection: bool | None = Field(
        default=None,
        description="Floods and scans are limited (threat detection, DoS policy, screen, zone protection) on outside interfaces",
    )
