"""Which services does a network device offer that nobody needs?"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from collectors.facts.base import Fact, Model

Service = Literal[
    "tcp-small-servers", "udp-small-servers", "finger", "bootp", "pad", "source-route", "config-network", "smart-install", "cdp",
    "lldp", "ftp", "tftp", "dns-proxy", "dns-lookup", "dhcp", "ntp-server", "proxy-arp", "redirects", "gratuitous-arp", "mop", "upnp",
    "socks", "web-proxy", "bandwidth-test", "mac-server", "neighbour-discovery", "romon", "usb-install", "call-home", "ip-cloud",
    "password-recovery", "telnet", "http", "rest-api", "bash-shell", "pptp", "snmp",
]  # fmt: skip


class DeviceService(Model):
    """One service that the system knows."""

    name: Service
    on: bool
    explicit: bool = Field(
        description="The configuration or a state command says so; False: by the maker's default for this release"
    )


class DeviceServices(Fact):
    """Small services of a network device, each on or off in force."""

    NAME: ClassVar[str] = "device_services"

    services: tuple[DeviceService, ...] | None = Field(
        description="Those the system knows and whose state was seen, sorted by name"
    )
    unknown: tuple[Service, ...] | None = Field(
        default=None, description="Those the system knows whose state depends on a release outside our table"
    )
