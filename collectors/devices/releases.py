"""Until when does the maker mend this release of a network OS, and which advisories name it? By releases.yaml and the site's own table.

`placed` alone fills the fields of the fact, for every system at once. What the table does not know stays None: that a train is not
in it, or that its list of advisories is not whole, never reads as "supported" or "nothing open".
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import Field, ValidationError

from collectors.devices.release_forms import FORMS, Release, reading
from collectors.errors import CollectError, Unparsable, Unsupported
from collectors.facts.base import Fact, Gaps, Model, Outcome
from collectors.facts.firmware import Firmware, OpenAdvisory, Severity
from collectors.model import Platform

TABLE: Final = Path(__file__).parent / "releases.yaml"

Text = Annotated[str, Field(min_length=1, max_length=300)]


class Advisory(Model):
    """One advisory, as it concerns one train."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9:._-]{2,60}$")]
    severity: Severity
    exploited: bool
    since: str | None = Field(default=None, description="First release of the train that is named; None: from its first on")
    fixed: str | None = Field(description="First release that is mended for good; None: none in this train")
    also: tuple[str, ...] = Field(default=(), description="Earlier releases whose rebuilds are mended from here on: 10.2.8-h3")
    condition: str = Field(default="", max_length=300, description="What must be set up for it to matter")
    source: Text


class Row(Model):
    """An entry of releases.yaml, whose head explains it."""

    platform: Platform
    train: Text
    support_ends: date | None = Field(default=None, description="Last day of security fixes")
    sale_ends: date | None = Field(default=None, description="Last day of sale, for the reader")
    covers: Literal["all", "exploited", "some"] = "some"
    advisories: tuple[Advisory, ...] = ()
    source: Text
    dated: date
    """Of the table it stands in."""


def placed(platform: Platform, fact: Fact) -> Fact:
    """The fact with what the tables know of its version; any other fact as it is."""
    if not isinstance(fact, Firmware):
        return fact
    try:
        return against(rows(), platform, fact)
    except Unparsable as error:
        gaps = _nothing(error.outcome, str(error))
        gaps.note("table_dated", error.outcome, str(error))
        return _filled(fact, gaps, table_dated=None)


def against(known: Sequence[Row], platform: Platform, fact: Firmware) -> Firmware:
    """What these rows say of the version in the fact."""
    newest = max((row.dated for row in known), default=None)
    try:
        release = reading(platform, fact.version) if platform in FORMS else None
        if release is None:
            raise Unsupported(f"releases of {platform.value} are not compared with a table")
        found = next((row for row in known if (row.platform, row.train) == (platform, release.train)), None)
        if found is None:
            raise Unsupported(f"the table of {newest} does not know the train {release.train} of {platform.value}")
    except CollectError as error:
        gaps = _nothing(error.outcome, str(error))
        if newest is None:
            gaps.note("table_dated", "unsupported", "there is no table")
        return _filled(fact, gaps, table_dated=newest)
    gaps = Gaps()
    if found.support_ends is None:
        gaps.note("support_ends", "unsupported", f"the table of {found.dated} tells no end of support of {found.train}")
    still = tuple(_open(one) for one in found.advisories if concerns(platform, one, release))
    exploited = tuple(one.id for one in still if one.exploited)
    partial = f"none of the advisories in the table of {found.dated} is open, but its list for {found.train} is not whole"
    if not still and found.covers != "all":
        gaps.note("open_advisories", "unsupported", partial)
    if not exploited and found.covers == "some":
        gaps.note("known_exploited", "unsupported", partial)
    return _filled(
        fact,
        gaps,
        table_dated=found.dated,
        support_ends=found.support_ends,
        open_advisories=still if still or found.covers == "all" else None,
        known_exploited=exploited if exploited or found.covers != "some" else None,
    )


def concerns(platform: Platform, one: Advisory, release: Release) -> bool:
    """The advisory names this release, and no fix of it is in."""
    if one.since is not None and release.place < reading(platform, one.since).place:
        return False
    if one.fixed is not None and release.place >= reading(platform, one.fixed).place:
        return False
    rebuilds = (reading(platform, text) for text in one.also)
    return not any(release.base == other.base and release.rebuild >= other.rebuild for other in rebuilds)


def _open(one: Advisory) -> OpenAdvisory:
    return OpenAdvisory(
        id=one.id, severity=one.severity, exploited=one.exploited, fixed=one.fixed or "none", condition=one.condition
    )


_FIELDS: Final = ("support_ends", "open_advisories", "known_exploited")


def _nothing(outcome: Outcome, reason: str) -> Gaps:
    gaps = Gaps()
    gaps.note(_FIELDS, outcome, reason)
    return gaps


def _filled(fact: Firmware, gaps: Gaps, **values: Any) -> Firmware:
    """The reader's own word on these fields gives way: it looked at no table."""
    kept = tuple(entry for entry in fact.unseen if entry.field not in (*_FIELDS, "table_dated"))
    return fact.model_copy(update={**dict.fromkeys(_FIELDS), **values, "unseen": (*kept, *gaps.unseen)})


@cache
def rows() -> tuple[Row, ...]:
    """The bundled table with the site's. Raises Unparsable where the site's file is no table: half of it would mislead."""
    bundled = table(TABLE.read_text("utf-8"), TABLE.name)
    own = site()
    try:
        text = own.read_text("utf-8")
    except FileNotFoundError:
        return bundled
    except (OSError, UnicodeDecodeError) as error:
        raise Unparsable(f"{own}: {type(error).__name__}: the site's table of releases cannot be read") from None
    try:
        return merged(bundled, table(text, str(own)))
    except ValueError as error:
        raise Unparsable(str(error)[:300]) from None


def site() -> Path:
    """Where a site keeps its own table: on the machine that asks, beside its other settings."""
    data = os.environ.get("PROGRAMDATA")
    return (Path(data) / "rasoat" if os.name == "nt" and data else Path("/etc/rasoat")) / "network_releases.yaml"


def merged(bundled: tuple[Row, ...], own: tuple[Row, ...]) -> tuple[Row, ...]:
    """A site adds trains, and replaces rows by ones of a table that is not older. Advisories that stand in the bundled row stay:
    a list that a site cut short would make a device look mended, and that takes a waiver."""
    found = {(row.platform, row.train): row for row in bundled}
    for row in own:
        known = found.get((row.platform, row.train))
        if known is None:
            found[row.platform, row.train] = row
        elif row.dated >= known.dated:
            theirs = {one.id for one in known.advisories}
            more = tuple(one for one in row.advisories if one.id not in theirs)
            ends = row.support_ends or known.support_ends
            found[row.platform, row.train] = row.model_copy(
                update={"advisories": (*known.advisories, *more), "support_ends": ends}
            )
    return tuple(found.values())


def table(text: str, name: str) -> tuple[Row, ...]:
    """Raises ValueError, with file and line, when the text is no table of releases."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        loaded = yaml.load(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ValueError(f"{name}:{mark.line + 1 if mark else 1}: no YAML: {getattr(error, 'problem', error)}") from None
    dated = loaded.get("dated") if isinstance(loaded, dict) else None
    if not isinstance(dated, date) or not isinstance(loaded.get("releases"), list):
        raise ValueError(f"{name}:1: a table of releases has a date called dated and a list called releases")
    found: dict[tuple[Platform, str], Row] = {}
    for index, one in enumerate(loaded["releases"]):
        row = _row(one, dated, lambda *path, at=index: f"{name}:{_line(node, ('releases', at, *path))}")
        if (row.platform, row.train) in found:
            raise ValueError(f"{name}:{_line(node, ('releases', index))}: {row.platform.value} {row.train} stands here twice")
        found[row.platform, row.train] = row
    return tuple(found.values())


def _row(one: object, dated: date, where: Any) -> Row:
    if not isinstance(one, dict) or "dated" in one:
        raise ValueError(f"{where()}: a release is a mapping, and its date is that of the table")
    try:
        row = Row.model_validate({**one, "dated": dated})
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{where(*first['loc'])}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    if row.platform not in FORMS:
        raise ValueError(f"{where('platform')}: releases of {row.platform.value} are not compared with a table")
    for number, advisory in enumerate(row.advisories):
        for text in filter(None, (advisory.since, advisory.fixed, *advisory.also)):
            try:
                release = reading(row.platform, text)
            except Unparsable as error:
                raise ValueError(f"{where('advisories', number)}: {error}") from None
            if release.train != row.train:
                raise ValueError(f"{where('advisories', number)}: {text} is of the train {release.train}, not {row.train}")
    return row


def _line(node: yaml.Node | None, path: tuple[str | int, ...]) -> int:
    """The line of what the path leads to, or of the last thing on it that is there."""
    line = 1
    for step in path:
        if isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == step), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
        else:
            node = None
        if node is None:
            break
        line = node.start_mark.line + 1
    return line
