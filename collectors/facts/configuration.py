"""Is the running configuration the saved one, who changed it last, and is there a copy elsewhere?"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from pydantic import Field

from collectors.facts.base import Fact, Model


class Unsaved(Model):
    """What a restart would change. Lines are redacted, without clocks and counters, and carry the lines above them: `interface Vlan1 > shutdown`."""

    added: tuple[str, ...] = Field(description="Lines that run and are not saved, in the order of the running configuration")
    removed: tuple[str, ...] = Field(description="Lines that are saved and do not run; both empty where the order alone differs")
    left_out: int = Field(
        default=0, description="Number of differing lines beyond the first 200 of each kind, which are not named"
    )


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
    unsaved: Unsaved | None = Field(
        default=None,
        description="Where what runs and what is saved differ; empty where they do not; None where the texts were not compared",
    )
    changed_at: datetime | None = Field(default=None, description="Last change by the device's own word, UTC")
    changed_by: str | None = Field(default=None, description="Who made it, by the device's own word")
    backup_configured: bool | None = Field(
        default=None, description="The device itself sends copies to another machine on a schedule or at each change"
    )
