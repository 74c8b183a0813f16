"""What every fact has in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from collectors.errors import CollectError

T = TypeVar("T")


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
    AT_CENTRE: ClassVar[bool] = False
    """Made by the collector from what it keeps; no machine is asked for it, and none is believed that claims it."""
    MOMENT: ClassVar[bool] = False
    """What it says is another thing a minute later: left out where it is asked whether anything changed."""

    unseen: tuple[Unseen, ...] = Field(default=(), description="The fields that are None and the reason of each")


class Gaps:
    """Collects the `unseen` of a fact while it is put together from several questions."""

    def __init__(self) -> None:
        self._entries: list[Unseen] = []

    def attempt(self, fields: str | tuple[str, ...], ask: Callable[[], T]) -> T | None:
        """What `ask` returns; None, with the reason noted for each field, when it raises a CollectError."""
        try:
            return ask()
        except CollectError as error:
            self.note(fields, error.outcome, str(error))
            return None

    def note(self, fields: str | tuple[str, ...], outcome: Outcome, reason: str) -> None:
        """Say why fields are None."""
        for field in (fields,) if isinstance(fields, str) else fields:
            self._entries.append(Unseen(field=field, outcome=outcome, reason=reason))

    @property
    def unseen(self) -> tuple[Unseen, ...]:
        return tuple(self._entries)


def once(ask: Callable[[], T]) -> Callable[[], T]:
    """`ask`, called at most once: the same value, or the same CollectError, every time.

    So several fields can rest on one answer, and each names that answer's reason when it did not come.
    """
    values: list[T] = []
    errors: list[CollectError] = []

    def answer() -> T:
        if not values and not errors:
            try:
                values.append(ask())
            except CollectError as error:
                errors.append(error)
        if errors:
            raise errors[0]
        return values[0]

    return answer
