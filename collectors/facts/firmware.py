"""Which software runs on the device, and does its maker still mend it?"""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from pydantic import Field

from collectors.facts.base import Fact, Model

Severity = Literal["low", "medium", "high", "critical"]
"""As the source of an advisory rates it."""


class OpenAdvisory(Model):
    """An advisory that names the running release. Whether the function it is about is in use was not looked at."""

    id: str = Field(description="CVE or the maker's own number")
    severity: Severity = Field(description="As the source rates it")
    exploited: bool = Field(description="Attacks that use it are known")
    fixed: str = Field(description="First release of this train that is mended; 'none': the source names none in it")
    condition: str = Field(default="", description="What must be set up for it to matter, where the source says so")


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
        description="Last day the maker mends this release line; None if unknown to the table of releases"
    )
    table_dated: date | None = Field(
        default=None, description="Date of the table that end of support and advisories were looked up in"
    )
    open_advisories: tuple[OpenAdvisory, ...] | None = Field(
        default=None,
        description="Advisories of the table that name this version and are not mended in it; empty only where the table's list is whole",
    )
    known_exploited: tuple[str, ...] | None = Field(
        default=None,
        description="Those of them that attackers are known to use; empty only where the table's list of these is whole",
    )
    signatures_dated: date | None = Field(default=None, description="Date of the newest attack or virus signatures on the device")
