"""Which known vulnerabilities does the machine have, by the data of those who publish its software?

No machine is asked for this fact: the collector makes it (server/feeds/matching/fact.py) from what was matched with the feeds
in force. One that a machine claims is not believed. The feeds with the days of their data are the sources of the record; so
the fact stays the same where new data say the same.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from collectors.facts.base import Fact, Model

Count = Annotated[int, Field(ge=0)]


class Outstanding(Model):
    """One vulnerability in one package."""

    id: str = Field(description="CVE, or the publisher's own number where there is none")
    package: str = Field(description="Source package on Debian's kin, package on RHEL's; windows; the network system")
    installed: str = Field(description="Version that has it")
    fixed: str = Field(description="First version without it; empty: the publisher names none")
    since: date = Field(description="Day on which it became known here that the machine has it")
    severity: Literal["critical", "high", "medium", "low"] | None = Field(
        description="The highest that a feed says; None when none says one"
    )
    epss: Annotated[float, Field(ge=0, le=1)] | None = Field(
        description="EPSS: probability that it is exploited within 30 days; None when it is not in the data"
    )


class Unassessed(Model):
    """Software that was not held against data, for one reason."""

    why: str = Field(description="Reason, as the page of the machine's vulnerabilities names it")
    count: Count = Field(description="Packages")


class Vulnerabilities(Fact):
    """Known vulnerabilities of the system and of the packages that its own publisher looks after."""

    NAME: ClassVar[str] = "vulnerabilities"
    AT_CENTRE: ClassVar[bool] = True

    exploited_fixable: tuple[Outstanding, ...] | None = Field(
        description="Known to be exploited (KEV), and a fix exists; likeliest first, 50 at most"
    )
    exploited_unfixable: tuple[Outstanding, ...] | None = Field(
        description="Known to be exploited (KEV), and there is no fix, or none will come; likeliest first, 50 at most"
    )
    exploited_undetermined: Count | None = Field(
        description="Known to be exploited (KEV), and it cannot be told whether the machine has them"
    )
    fixable: tuple[Outstanding, ...] | None = Field(
        description="A fix exists and is not in force; longest known first, 50 at most"
    )
    fixable_count: Count | None = Field(
        description="Vulnerabilities for which a fix exists, in packages: each counts once in each"
    )
    unfixable_count: Count | None = Field(description="Those not mended yet, or not to be mended")
    undetermined_count: Count | None = Field(description="Those of which it cannot be told whether the machine has them")
    undetermined_fixable_count: Count | None = Field(description="Of those that cannot be told: a fix is named")
    assessed_count: Count | None = Field(description="Packages (builds, releases) that were held against the data")
    unassessed: tuple[Unassessed, ...] | None = Field(
        description="Software that the data should cover and that could not be held against them, or not wholly"
    )
    uncovered: tuple[Unassessed, ...] | None = Field(
        description="Software of other publishers, of which the data do not speak at all"
    )
    support_ends: date | None = Field(description="Last day of security fixes for everybody, by the data on ends of life")
    extended_support_ends: date | None = Field(
        description="Last day of fixes that need a contract or a group of volunteers (Debian LTS, Ubuntu Pro), by the same data"
    )
