"""Does the machine filter what comes in?"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from collectors.facts.base import Fact

Action = Literal["accept", "drop", "reject"]


class Firewall(Fact):
    """The host firewall as the kernel has it now, not as a service is enabled."""

    NAME: ClassVar[str] = "firewall"

    managers: tuple[str, ...] | None = Field(description="Front ends installed: ufw, firewalld, nftables, iptables-persistent, shorewall ...")
    active: bool | None = Field(description="At least one rule or a non-accept policy stands on the way in (input hook), IPv4")
    default_inbound: Action | None = Field(
        description="What happens to an IPv4 packet no rule names: chain policy, or a final catch-all rule of the input chain"
    )
    default_inbound_ipv6: Action | None = Field(description="The same for IPv6; None also when IPv6 is off, see ipv6")
    default_forward: Action | None = Field(default=None, description="The same for packets passing through, IPv4")
    ipv6: bool | None = Field(description="IPv6 is on")
    input_rules: int | None = Field(description="Rules on the way in, IPv4 and IPv6 together")
    kernel_seen: bool = Field(description="True: the kernel's rules were read. False: only configuration files were")
