"""How is an information system laid out: zones, what stands between them, main devices, ways to the Internet?

No machine is asked for this fact: it is put together from the system's register, which is a person's word, and from what
devices and hosts said of themselves (baselines/systems/design.py). `who` tells of each row whose word it is.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from collectors.facts.base import Fact, Model

ZoneType = Literal[
    "internal", "border", "dmz", "internal_servers", "databases", "wireless", "management", "device_management", "other"
]
Role = Literal[
    "core_switch",
    "central_firewall",
    "web_firewall",
    "database_firewall",
    "storage",
    "web",
    "application",
    "database",
    "mail",
    "file",
    "directory",
    "logs",
    "monitoring",
    "backup",
    "management",
    "other",
]

WHO = "Whose word it is: register, and the devices and hosts that show the same"


class Zone(Model):
    """One zone of the network."""

    name: str
    type: ZoneType
    addresses: tuple[str, ...] = Field(description="Its networks, as registered; () when the register names none")
    apart: bool | None = Field(
        description="Its networks overlap those of no other zone; None when the register names none of its networks"
    )
    filtered: bool | None = Field(
        description="Only firewalls route for it. None: the register does not say, some device was not looked at, or what devices show differs"
    )
    who: str = Field(description=WHO)


class MainDevice(Model):
    """A device the whole system leans on: core switch, central firewall, central storage ..."""

    name: str
    role: Role | None = Field(description="None when the register does not say")
    spare: Literal["hot", "cold", "none"] | None = Field(
        description="hot: a second one runs beside it · cold: one lies ready · none: it stands alone. None: not told, not looked at, or what the device shows differs"
    )
    who: str = Field(description=WHO)


class PlacedServer(Model):
    """A server, and the zone it stands in."""

    name: str
    role: Role | None = Field(description="None when the register does not say")
    public: bool | None = Field(description="People outside reach it; None when the register does not say")
    zone_type: ZoneType | None = Field(
        description="None when nobody looked at it, or the addresses it has lie outside the zone it is registered in"
    )
    who: str = Field(description=WHO)


class SystemDesign(Fact):
    """An information system as a whole."""

    NAME: ClassVar[str] = "system_design"

    zones: tuple[Zone, ...] | None = Field(description="As registered")
    wireless_used: bool | None = Field(description="There is Wi-Fi in the system; None when the register does not say")
    main_devices: tuple[MainDevice, ...] | None = Field(description="None when the register calls no device a main one")
    servers: tuple[PlacedServer, ...] | None = Field(description="None when the register names no server")
    internet_carriers: Annotated[int, Field(ge=0)] | None = Field(
        description="Different carriers of its lines to the Internet; None when the register does not say"
    )
    strangers: tuple[str, ...] | None = Field(
        default=None, description="Addresses seen inside its zones that are no registered asset's; None when nothing looked"
    )
