"""What can be asked for. A room declares a kind: how it is told to the second person, and how it is carried out.

    KIND = declare("waiver", _("Waiver"), told=told, carry_out=carry_out)

`carry_out` runs in the transaction of the approval and is short; what takes long it enqueues as a job, which exists once the
approval is committed. It takes everything from the request and raises CannotCarryOut when the world has changed since: then
nothing was done and the request goes on waiting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    from server.approvals.models import Request
    from server.units.models import User


class CannotCarryOut(Exception):
    """Why it cannot be done as it was asked for; `str(error)` is for people."""


@dataclass(frozen=True)
class Kind:
    """A declared kind."""

    name: str
    title: str | _StrPromise
    told: Callable[[Request], list[tuple[str, str]]]
    carry_out: Callable[[Request, User], None]
    """Given the second person as well."""
    template: str = ""
    """Shown below what would change; its context is the request."""


KINDS: dict[str, Kind] = {}


def declare(
    name: str, title: str | _StrPromise, *, told: Callable[[Request], list[tuple[str, str]]],
    carry_out: Callable[[Request, User], None], template: str = "",
) -> Kind:  # fmt: skip
    """Add a kind to what can be asked for."""
    if name in KINDS:
        raise ValueError(f"{name} is declared twice")
    KINDS[name] = Kind(name, title, told, carry_out, template)
    return KINDS[name]
