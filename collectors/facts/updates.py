"""Which updates are missing, how old is what we know about them, and will they come by themselves?"""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar, Literal

from pydantic import Field

from collectors.facts.base import Fact, Model


class PendingUpdate(Model):
    """One installed package for which the known lists hold something newer."""

    name: str = Field(description="Binary package name")
    arch: str = Field(default="", description="Architecture as the package manager writes it")
    installed: str = Field(description="Installed version")
    candidate: str = Field(description="Newest version in the enabled lists")
    security: bool = Field(description="Any version above the installed one stands in a security pocket or a security advisory")
    held: bool = Field(description="Held, locked or excluded: no upgrade will install it")
    phased: bool = Field(default=False, description="Ubuntu rolls it out in phases and this machine may have to wait")
    advisory: str | None = Field(default=None, description="Advisory or CVE id where the lists name one")
    severity: str | None = Field(default=None, description="Vendor's severity where the lists name one")


class Updates(Fact):
    """Patch state. `pending` is None unless there was data to compare with: no lists is not "no updates"."""

    NAME: ClassVar[str] = "updates"

    manager: Literal["apt", "dnf", "yum", "zypper"] = Field(description="The package manager asked")
    installed_count: int | None = Field(description="Installed packages")
    pending: tuple[PendingUpdate, ...] | None = Field(description="Installed packages with a newer version in the known lists, held ones included")
    pending_count: int | None = Field(description="Length of pending")
    security_count: int | None = Field(
        description="Those of pending with a version above the installed one in a security pocket, held ones included; None when no security list is known"
    )
    held_security_count: int | None = Field(description="Those of security_count that are held and so will never be installed")
    held: tuple[str, ...] | None = Field(description="Names of held, locked or excluded packages")
    security_source: bool | None = Field(description="A list of a security pocket (or advisories) is present")
    lists_dated: datetime | None = Field(
        description="Date the vendor put on the security list (on the newest list when there is no security list): age of the data, UTC"
    )
    lists_valid_until: datetime | None = Field(default=None, description="Valid-Until of the security list, UTC; None where the vendor sets none")
    refreshed_at: datetime | None = Field(description="When the lists were last fetched or checked, as nearly as the machine tells, UTC")
    last_installed_at: datetime | None = Field(default=None, description="Last time a package was upgraded, UTC")
    support_ends: date | None = Field(description="Last day the vendor gives free security fixes for this release; None if unknown to the bundled table")
    extended_support_ends: date | None = Field(default=None, description="Last day of paid or volunteer extended support (LTS, ESM, ELS)")
    running_kernel: str | None = Field(default=None, description="Package version of the running kernel")
    newest_kernel: str | None = Field(default=None, description="Newest installed kernel package version")
    reboot_required: bool | None = Field(
        description="A newer kernel than the running one is installed, or the system says a restart is due; None if neither could be looked at"
    )
    livepatched: bool | None = Field(default=None, description="A live patch is loaded in the running kernel")
    automatic: bool | None = Field(description="Security updates install themselves (unattended-upgrades, dnf-automatic ...)")
    point_release_behind: bool | None = Field(default=None, description="Debian: a newer point release than the installed one is in the lists")
