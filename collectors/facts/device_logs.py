"""What does a network device write down, and where does it send it?"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from collectors.facts.base import Fact, Model

Level = Literal["emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug"]


class LogHost(Model):
    """One server that receives the device's records."""

    address: str = Field(description="Address or name as configured")
    protocol: Literal["udp", "tcp"] | None = Field(default=None, description="None if not seen")
    encrypted: bool | None = Field(
        default=None, description="The records travel under TLS (or an encrypted protocol of the maker)"
    )
    level: Level | None = Field(default=None, description="Least severity sent there; None if not seen or decided by facilities")


class DeviceLogs(Fact):
    """Logging of a network device, in force."""

    NAME: ClassVar[str] = "device_logs"

    enabled: bool | None = Field(description="Logging is on")
    hosts: tuple[LogHost, ...] | None = Field(description="Servers that receive records; () when there is none")
    buffer: bool | None = Field(default=None, description="Records are kept on the device too (memory, flash, disk)")
    level: Level | None = Field(default=None, description="Least severity written or sent where one level counts for the device")
    timestamps: bool | None = Field(description="Each record carries date and time")
    logons: bool | None = Field(description="Log-ons that succeed and that fail are both recorded")
    changes: bool | None = Field(description="Each change of the configuration is recorded with who made it")
    synchronous_source: str | None = Field(
        default=None, description="Interface or address the records come from, where one is fixed"
    )
