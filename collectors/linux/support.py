"""Until when does the vendor mend this release? The bundled table support_ends.yaml, and the system's own word.

A table and not a question to the machine: a dead release downloads its frozen lists as happily as a living one, so
"no updates pending" says nothing without the date.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Annotated, NamedTuple

import yaml
from pydantic import Field

from collectors.errors import Unparsable, Unsupported
from collectors.facts.base import Model


class Dates(Model):
    """One release's line."""

    free: date
    extended: date | None = None


class Table(Model):
    """support_ends.yaml."""

    as_of: date
    sources: dict[str, str]
    releases: dict[str, dict[Annotated[str, Field(pattern=r"^[0-9.]+$")], Dates]]


class Support(NamedTuple):
    """Last day of the free fixes and of the extended ones; None: there is no such support, or the table does not know it."""

    free: date
    extended: date | None


@cache
def table() -> Table:
    """The bundled table, read once."""
    text = files("collectors.linux").joinpath("support_ends.yaml").read_text("utf-8")
    return Table.model_validate(yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))  # noqa: S506


def support(release: Mapping[str, str]) -> Support:
    """The dates of the release that os-release describes.

    Raises Unsupported when neither the table nor the system itself (SUPPORT_END, which Fedora and Amazon write) tells.
    """
    name, version = release["ID"], release.get("VERSION_ID", "")
    if name == "centos" and "stream" in release.get("NAME", "").lower():
        name = "centos-stream"
    rows = table().releases.get(name, {})
    found = rows.get(version) or rows.get(version.partition(".")[0])
    if found:
        return Support(found.free, found.extended)
    if told := release.get("SUPPORT_END"):
        try:
            return Support(date.fromisoformat(told), None)
        except ValueError:
            raise Unparsable(f"/etc/os-release: SUPPORT_END {told[:40]!r} is no date") from None
    shown = f"{name} {version}".strip()
    raise Unsupported(f"the bundled table of support dates (as of {table().as_of}) does not know {shown}")
