"""What campaigns begin from: patterns.yaml."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict

from baselines.model import Text


class Pattern(BaseModel):
    """One of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    title: Text
    subject: Text
    about: Text
    kinds: tuple[str, ...]
    checks: tuple[str, ...]
    tasks: tuple[Text, ...] = ()
    """What the letter asks of people; no state follows from it."""
    remind_days: tuple[int, ...] = ()
    grace_days: int | None = None


@cache
def patterns() -> dict[str, Pattern]:
    """In the order of the file."""
    read = yaml.safe_load(files("server.campaigns").joinpath("patterns.yaml").read_text("utf-8"))
    return {one.id: one for one in map(Pattern.model_validate, read)}
