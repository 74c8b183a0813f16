"""Which software runs on the device, and does its maker still mend it?"""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from pydantic import Field

from collectors.facts.base import Fact


class Firmware(Fact):
    """The software of a network device."""

    NAME: ClassVar[str] = "firmware"

    version: str = Field(description="As the maker writes it: 15.2(7)E3, 17.9.4a, 7.4.3, 21.4R3-S5")
    train: str | None = Field(description="The release line that support dates are given for: 15.2, 17.9, 7.4, 21.4")
    next_boot: str | None = Field(
        default=None, description="Image or version that the next start loads, where it differs or is told"
    )
    pending_restart: bool | None = Field(default=None, description="Another version than the running one will start next time")
    support_ends: date | None = Field(
        description="Last day the maker mends this release line; None if unknown to the bundled table"
    )
    signatures_dated: date | None = Field(default=None, description="Date of the newest attack or virus signatures on the device")
