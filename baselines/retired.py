"""Checks that are no more: an id once released is kept here for ever, so that old verdicts can still be read."""

from __future__ import annotations

from functools import cache
from importlib.resources import files as package_files
from typing import Annotated

import yaml
from pydantic import Field, TypeAdapter

from baselines.model import Text
from collectors.facts.base import Model


class Tombstone(Model):
    """What became of a check."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)+$")]
    since: str = Field(description="Version of rasoat from which it is no more")
    why: Text
    replaced_by: tuple[str, ...] = Field(default=(), description="Checks that ask it now; () when nothing does")


_Tombstones = TypeAdapter(tuple[Tombstone, ...])


def parse(text: str) -> dict[str, Tombstone]:
    """Tombstones by id. Raises ValueError for text that holds something else, or one id twice."""
    stones = _Tombstones.validate_python(yaml.load(text, Loader=yaml.BaseLoader) or [])  # noqa: S506  (makes text only)
    found = {stone.id: stone for stone in stones}
    if len(found) < len(stones):
        raise ValueError("a check has two tombstones")
    return found


@cache
def tombstones() -> dict[str, Tombstone]:
    """Those that ship with rasoat, from retired.yaml."""
    return parse((package_files("baselines") / "retired.yaml").read_text("utf-8"))


def way_out(check: str) -> str:
    """What to add to "unknown check": where the check went; empty when it never was one."""
    stone = tombstones().get(check)
    if stone is None:
        return ""
    instead = f"; name {', '.join(stone.replaced_by)} instead" if stone.replaced_by else "; take it out"
    return f", retired in {stone.since}: {stone.why.en}{instead}"
