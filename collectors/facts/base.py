"""What every fact has in common."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field


class Model(BaseModel):
    """The project's one base model: frozen, and a field nobody declared is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Limit = Annotated[int, Field(ge=0)] | Literal["unlimited"]
"""A ceiling. Zero never means infinity: whoever has no ceiling says "unlimited"."""

Outcome = Literal["seen", "unreachable", "denied", "unsupported", "unparsable", "bug"]
"""How a question ended. Anything but `seen` makes verdicts that rest on it unknown."""


class Unseen(Model):
    """A part of a fact that could not be looked at, and why."""

    field: str = Field(description="Name of the field that is None; a field inside a row is written rows[].field")
    outcome: Outcome = Field(description="Why: denied, unsupported, unparsable, unreachable")
    reason: str = Field(description="A sentence for the reader")


class Fact(Model):
    """What was seen on a target; never a judgement. None in a field means: not seen, and nothing else."""

    NAME: ClassVar[str]
    VERSION: ClassVar[int] = 1

    unseen: tuple[Unseen, ...] = Field(default=(), description="The fields that are None and the reason of each")
