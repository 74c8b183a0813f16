"""Does the machine follow a time source, and which?"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from collectors.facts.base import Fact, Model


class TimeServer(Model):
    """A source the time software knows."""

    address: str = Field(description="Name or address as the software prints it")
    selected: bool | None = Field(description="The clock follows this one now; None if the software does not say")
    reachable: bool | None = Field(description="At least one of the last eight requests was answered")


class Clock(Fact):
    """Which software keeps the clock, and what it follows."""

    NAME: ClassVar[str] = "clock"

    software: Literal["chrony", "systemd-timesyncd", "ntpd", "ntpsec", "openntpd", "none"] | None = Field(
        description="The time software that runs, or is installed when none runs; none if there is none"
    )
    running: bool | None = Field(description="That software runs now")
    synchronised: bool | None = Field(
        description="The clock follows a source other than itself now (chrony's `local stratum` does not count)"
    )
    servers: tuple[TimeServer, ...] | None = Field(description="Configured or learnt sources")
    stratum: int | None = Field(default=None, description="Distance from a reference clock; 16 is unsynchronised")
    offset_ms: float | None = Field(default=None, description="Last measured distance from the source, milliseconds, absolute")
    timezone: str | None = Field(default=None, description="Name of the time zone, such as Asia/Ho_Chi_Minh")
