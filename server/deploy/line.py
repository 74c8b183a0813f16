"""What a look at the collector says, one line for each thing."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

GOOD, WARN, BAD, UNKNOWN = "good", "warn", "bad", "unknown"
SOON = timedelta(days=30)
"""So long before it ends a person should do something."""


class Line(NamedTuple):
    """One thing that was looked at."""

    name: str
    state: str
    seen: str
    do: str = ""
