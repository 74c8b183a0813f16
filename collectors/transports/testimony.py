"""What every witness keeps while a fact is asked: the sources noted, and the time that is left."""

from __future__ import annotations

import time

from collectors.errors import Unreachable
from collectors.model import Source


class Testimony:
    """The base of the witnesses of hosts, devices and SNMP agents."""

    def __init__(self) -> None:
        self._noted: dict[tuple[str, str], Source] = {}
        self._until: float | None = None
        self._limit = 0.0

    def allow(self, seconds: float) -> None:
        """From now on the questions may take so long together; then each is Unreachable, unless answered from memory."""
        self._limit, self._until = seconds, time.monotonic() + seconds

    def testimony(self) -> tuple[Source, ...]:
        """Sources noted since the last call, in the order they were asked; each once."""
        noted, self._noted = tuple(self._noted.values()), {}
        return noted

    def _note(self, *sources: Source) -> None:
        for source in sources:
            self._noted.setdefault((source.kind, source.what), source)

    def _left(self) -> float:
        """Seconds. Raises Unreachable when there are none."""
        if self._until is None:
            return float("inf")
        left = self._until - time.monotonic()
        if left <= 0:
            raise self._spent()
        return left

    def _spent(self) -> Unreachable:
        return Unreachable(f"this fact took more than {self._limit:g} s; it was not asked further")
