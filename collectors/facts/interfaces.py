"""Which ports does the device have, which are open to whoever plugs in, and what guards them?"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import ClassVar, Literal

from pydantic import Field

from collectors.facts.base import Fact, Gaps, Model


class Port(Model):
    """One physical port, or one routed interface."""

    name: str
    description: str = Field(default="", description="As configured")
    physical: bool = Field(description="A socket somebody can plug into; False for VLAN interfaces, loopbacks, tunnels")
    enabled: bool | None = Field(description="Administratively up")
    up: bool | None = Field(default=None, description="Something is connected and the link works now")
    idle_days: int | None = Field(
        default=None, description="Days since the link last changed or last carried a packet, where the device tells"
    )
    mode: Literal["access", "trunk", "dynamic", "routed", "other"] | None = Field(
        default=None, description="dynamic: lets the other end choose (DTP)"
    )
    vlan: int | None = Field(default=None, description="Access VLAN")
    native_vlan: int | None = Field(default=None, description="VLAN of untagged frames on a trunk")
    addresses: tuple[str, ...] = Field(default=(), description="IPv4 and IPv6 addresses with prefix length")
    port_security: bool | None = Field(default=None, description="The number of stations, or which, is limited")
    authenticated: bool | None = Field(
        default=None,
        description="802.1X or MAC authentication admits stations. False where nobody is asked, or everybody is let in while asked; "
        "None where a setting lets those in who could not be authenticated, or while no server answers",
    )
    bpdu_guard: bool | None = Field(
        default=None, description="A switch plugged in here is shut out (BPDU guard, root guard on edge ports)"
    )
    snooping_trusted: bool | None = Field(default=None, description="DHCP answers are believed here")
    proxy_arp: bool | None = Field(default=None, description="Answers ARP for others")
    redirects: bool | None = Field(default=None, description="Sends ICMP redirects")


class Interfaces(Fact):
    """Ports and what guards the local network."""

    NAME: ClassVar[str] = "interfaces"

    ports: tuple[Port, ...] | None = Field(description="In the device's own order")
    unused_open: tuple[str, ...] | None = Field(description="Physical ports that are administratively up with nothing connected")
    unguarded: tuple[str, ...] | None = Field(
        default=None,
        description="Access ports, up or not shut, with neither port security nor 802.1X; () on a router; "
        "None where it rests on a port of which that is not known",
    )
    dhcp_snooping_vlans: tuple[str, ...] | None = Field(
        default=None, description="VLANs where foreign DHCP servers are ignored, as configured; () when none"
    )
    arp_inspection_vlans: tuple[str, ...] | None = Field(
        default=None, description="VLANs where forged ARP is dropped; () when none"
    )
    native_vlan_default: bool | None = Field(default=None, description="Some trunk carries VLAN 1 untagged")
    dynamic_trunks: tuple[str, ...] | None = Field(default=None, description="Ports that would become a trunk for whoever asks")


def unguarded(ports: Iterable[Port], gaps: Gaps) -> tuple[str, ...] | None:
    """Names of those of the given ports (access ports in use) that let anybody in.

    None, with the reason noted, where none certainly does and of some it is not known.
    """
    open_ports = [port for port in ports if not (port.port_security or port.authenticated)]
    certain = tuple(port.name for port in open_ports if None not in (port.port_security, port.authenticated))
    if len(certain) == len(open_ports) or certain:
        return certain
    more = f" and {len(open_ports) - 1} more" if len(open_ports) > 1 else ""
    gaps.note("unguarded", "unsupported", f"what guards {open_ports[0].name}{more} is not told: see ports[]")
    return None


def vouched(name: str, admits: bool, loophole: str | None, gaps: Gaps) -> bool | None:
    """`authenticated` of a port that asks who is there. `loophole`: the setting by which somebody gets in for whom nobody vouched."""
    if admits and loophole:
        why = f"{name} lets in whom no server vouched for ({loophole}); what such a station reaches was not followed"
        gaps.note("ports[].authenticated", "unsupported", why)
        return None
    return admits


def unused_of_table(ports: Iterable[Port], known: Container[str], named: Iterable[str], gaps: Gaps) -> tuple[str, ...] | None:
    """As `unused_open`, where a table of states names ports too: one that the configuration does not speak of may be open."""
    if strange := [name for name in named if name not in known]:
        gaps.note("unused_open", "unparsable", f"{strange[0]} is in the table of ports and not in the configuration")
        return None
    return unused_open(ports, gaps)


def unused_open(ports: Iterable[Port], gaps: Gaps) -> tuple[str, ...] | None:
    """Names of physical ports that are open with nothing connected.

    None, with the reason noted, where the state of an open port is missing: a table that leaves a port out proves nothing of it.
    """
    sockets = [port for port in ports if port.physical]
    blind = [port.name for port in sockets if port.enabled is None or (port.enabled and port.up is None)]
    if blind:
        more = f" and {len(blind) - 1} more" if len(blind) > 1 else ""
        gaps.note("unused_open", "unparsable", f"whether {blind[0]}{more} is open and connected is not told")
        return None
    return tuple(port.name for port in sockets if port.enabled and port.up is False)
