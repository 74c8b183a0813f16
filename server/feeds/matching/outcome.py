"""What a machine is found to have, and what could not be assessed: the two are never told one without the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from server.feeds.matching.said import Match

REASONS: Final = (
    "third-party", "no-publisher", "publisher-not-seen", "no-rule", "stream-not-seen", "stream-not-told", "epoch-not-known",
    "kernel-not-seen", "kernel-not-packaged", "list-not-whole", "not-covered", "updates-not-seen",
    "support-not-covered",
)  # fmt: skip
"""Why a package was not assessed, or not wholly."""
NO_PACKAGES, NO_FEED, NO_SYSTEM, NOT_COVERED = "packages-not-seen", "no-feed", "system-not-seen", "no-feed-for-system"
"""Why a whole machine was not: its packages were not seen · data on its release are not in force · what it is was not seen ·
rasoat reads no data on such a system at all."""


class Left(NamedTuple):
    """A package of which nothing can be said, or not all."""

    package: str
    version: str
    why: str
    """One of REASONS."""
    detail: str = ""
    """Who published it, or what was not seen."""


Found = tuple[list[Match], list[Left]]
Cache = dict[object, Found]
"""What one version of one package has, kept for the next machine."""


@dataclass
class Outcome:
    """Of one machine."""

    ecosystem: str
    beside: tuple[str, ...] = ()
    """Other ecosystems whose data it rests on too."""
    matches: list[Match] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    assessed: int = 0
    """Packages (builds, releases) that were held against data that cover them."""
    reason: str = ""
    """Set: nothing at all was assessed, and why: one of the four words above."""
    detail: str = ""

    @property
    def whole(self) -> bool:
        """Everything there is was assessed."""
        return not self.reason and not self.left
