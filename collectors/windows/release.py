"""Which Windows is it? By its build and kind: the registry's ProductName says "Windows 10" on Windows 11 too."""

from __future__ import annotations

import os
import re
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Final, Literal, NamedTuple

import yaml
from pydantic import Field

from collectors.errors import Unparsable
from collectors.facts.base import Model
from collectors.windows.document import Section
from collectors.windows.registry import CONTROL, CV, Registry

Edition = Literal["home", "enterprise", "ltsc", "server"]
"""How long fixes come depends on it: home and pro, enterprise and education, long-term channel, server."""

TABLE: Final = Path(__file__).parent / "builds.yaml"


class Support(Model):
    """Until when a release gets fixes."""

    ends: date | None = Field(default=None, description="Last day of free security fixes")
    extended: date | None = Field(default=None, description="Last day of paid ones (ESU)")


class Update(Model):
    """A cumulative update: what UBR it brings."""

    ubr: int
    kb: str
    date: date


class Build(Model):
    """An entry of builds.yaml, whose head explains it."""

    build: int
    server: bool = Field(description="A server's build; clients and servers of one number have UBRs of their own")
    name: str
    version: str
    support: dict[Edition, Support] = {}
    newest: Update | None = None


class Release(NamedTuple):
    """What is installed."""

    build: int
    ubr: int | None
    """None before Windows 10 and Server 2016, whose UBR tells nothing."""
    server: bool
    core: bool
    controller: bool
    edition: Edition
    edition_id: str
    known: Build | None
    display: str | None

    @property
    def version(self) -> str | None:
        return self.known.version if self.known else self.display

    @property
    def name(self) -> str:
        family = self.known.name if self.known else f"Windows{' Server' if self.server else ''} (build {self.build})"
        words = [family, "" if self.server else _EDITIONS.get(self.edition_id, self.edition_id)]
        if self.version and self.version not in family:
            words.append(self.version)
        if self.server:
            words.append(_EDITIONS.get(self.edition_id, self.edition_id))
        if self.core:
            words.append("(Server Core)")
        return " ".join(word for word in words if word)

    @property
    def number(self) -> str:
        head = "6.3" if self.build == 9600 else "6.2" if self.build == 9200 else "6.1" if self.build < 9200 else "10.0"
        return f"{head}.{self.build}" + (f".{self.ubr}" if self.ubr is not None else "")

    @property
    def support(self) -> Support | None:
        return self.known.support.get(self.edition) if self.known else None


_EDITIONS = {
    "Core": "Home", "CoreSingleLanguage": "Home", "CoreN": "Home", "Professional": "Pro", "ProfessionalN": "Pro", "ProfessionalWorkstation": "Pro",
    "ProfessionalEducation": "Pro", "Enterprise": "Enterprise", "EnterpriseN": "Enterprise", "Education": "Education", "EnterpriseS": "Enterprise LTSC",
    "EnterpriseSN": "Enterprise LTSC", "IoTEnterprise": "IoT Enterprise", "IoTEnterpriseS": "IoT Enterprise LTSC", "ServerStandard": "Standard",
    "ServerDatacenter": "Datacenter", "ServerTurbine": "Datacenter: Azure Edition", "ServerSolution": "Essentials",
}  # fmt: skip


def release(registry: Registry) -> Release:
    """Raises Denied or Unparsable when the build cannot be told: everything else depends on it."""
    key = registry.key(CV)
    if key is None:
        raise Unparsable(f"{CV}: the key that every Windows has is not there")
    word = key.text("CurrentBuildNumber") or ""
    if not re.fullmatch(r"[1-9]\d{3,5}", word):
        raise Unparsable(f"{CV}: CurrentBuildNumber is {word[:40]!r}")
    build = int(word)
    product = registry.text(rf"{CONTROL}\ProductOptions", "ProductType")
    if product not in ("WinNT", "ServerNT", "LanmanNT"):
        raise Unparsable(f"ProductOptions: ProductType is {str(product)[:40]!r}: client or server cannot be told")
    server = product != "WinNT"
    edition_id = key.text("EditionID") or ""
    return Release(
        build=build,
        ubr=key.number("UBR") if build >= 10240 else None,
        server=server,
        core=key.text("InstallationType") == "Server Core",
        controller=product == "LanmanNT",
        edition=_edition(server, edition_id),
        edition_id=edition_id,
        known=next((row for row in builds() if row.build == build and row.server == server), None),
        display=key.text("DisplayVersion") or key.text("ReleaseId"),
    )


def _edition(server: bool, edition_id: str) -> Edition:
    if server:
        return "server"
    if edition_id.removesuffix("N").endswith("S") and edition_id.startswith(("Enterprise", "IoTEnterprise")):
        return "ltsc"
    return "enterprise" if edition_id.startswith(("Enterprise", "Education", "IoTEnterprise")) else "home"


@cache
def builds() -> tuple[Build, ...]:
    """The bundled table with what a site has added. Raises Unparsable where the site's file is no table: half of it would mislead."""
    own = site()
    bundled = table(TABLE.read_text("utf-8"))
    try:
        text = own.read_text("utf-8")
    except FileNotFoundError:
        return bundled
    except (OSError, UnicodeDecodeError) as error:
        raise Unparsable(f"{own}: {type(error).__name__}: the site's table of builds cannot be read") from None
    try:
        return merged(bundled, table(text))
    except ValueError as error:
        raise Unparsable(f"{own}: {str(error)[:200]}") from None


def site() -> Path:
    """Where a site keeps updates of the table: on the machine that asks, beside its other settings."""
    data = os.environ.get("PROGRAMDATA")
    return (Path(data) / "rasoat" if os.name == "nt" and data else Path("/etc/rasoat")) / "windows_builds.yaml"


def merged(bundled: tuple[Build, ...], own: tuple[Build, ...]) -> tuple[Build, ...]:
    """A site adds builds and newer updates. An older update or another support date of a build that is known changes nothing: that
    would loosen what is asked, and loosening takes a waiver."""
    rows = {(row.build, row.server): row for row in bundled}
    for row in own:
        known = rows.get((row.build, row.server))
        if known is None:
            rows[row.build, row.server] = row
        elif row.newest is not None and (known.newest is None or row.newest.ubr > known.newest.ubr):
            rows[row.build, row.server] = known.model_copy(update={"newest": row.newest})
    return tuple(rows.values())


def table(text: str) -> tuple[Build, ...]:
    """Raises ValueError when the text is no table of builds."""
    try:
        loaded = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  (safe)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None
    if not isinstance(loaded, dict) or not isinstance(loaded.get("builds"), list):
        raise ValueError("a table of builds has a list called builds")
    return tuple(Build.model_validate(row) for row in loaded["builds"])


def booted(section: Section) -> datetime | None:
    """Start of the system, to the minute."""
    found = section.only().date("LastBootUpTime")
    return None if found is None else found.replace(second=0)
