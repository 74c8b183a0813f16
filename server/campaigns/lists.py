"""Lists that a letter goes with (leaked accounts, botnet addresses, warned vulnerabilities), as far as a campaign shows them.

A seam: whoever keeps such lists and matches them against machines answers through `state`. Until then a campaign says of each
list it names that it was not matched here; no machine is done or not done by a list.
"""

from __future__ import annotations

from typing import NamedTuple

from server.units.models import User


class ListState(NamedTuple):
    """How a list stands for what one person sees."""

    title: str
    entries: int
    matched: int
    """Entries that fit something here."""
    open: int
    """Of these, not yet closed by a later report."""


def state(number: str, user: User | None) -> ListState | None:
    """None: not available, which is never the same as nothing found."""
    return None
