"""Is the running configuration the saved one, who changed it last, and is there a copy elsewhere?"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from pydantic import Field

from collectors.facts.base import Fact


class Configuration(Fact):
    """The configuration of a network device as a text."""

    NAME: ClassVar[str] = "configuration"

    lines: int = Field(description="Lines of the running configuration")
    digest: str = Field(
        description="sha256 of the redacted text without clocks and counters: equal digests mean nothing a person would call a change"
    )
    text: str | None = Field(
        description="The redacted running configuration without clocks and counters, for people and for comparing; None above 4 MiB"
    )
    saved: bool | None = Field(description="What runs is what will run after a restart")
    changed_at: datetime | None = Field(default=None, description="Last change by the device's own word, UTC")
    changed_by: str | None = Field(default=None, description="Who made it, by the device's own word")
    backup_configured: bool | None = Field(
        default=None, description="The device itself sends copies to another machine on a schedule or at each change"
    )
