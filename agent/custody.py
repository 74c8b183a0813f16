"""Snapshots a relay keeps for the centre, until the centre itself has said that it has them.

    custody.json    snapshot id -> when a relay took it, and which

While one is in custody it is not sent again, and its file stays in the spool: a relay whose disk dies loses nothing. What
the relay no longer has, and what was not acknowledged in days, is sent again.
"""

from __future__ import annotations

import time
from typing import Any

from agent.spool import Spool, Waiting
from agent.state import State

FILE = "custody.json"
REOFFER = 3 * 86400


class Custody:
    """What is where, kept on disk with each change: losing it costs a second delivery, which the centre recognises."""

    def __init__(self, state: State) -> None:
        self._state = state
        found = state.read(FILE) or {}
        self._kept: dict[str, dict[str, Any]] = {name: entry for name, entry in found.items() if isinstance(entry, dict)}

    def holds(self, snapshot: str, now: float | None = None) -> bool:
        """A relay has it, and it is not yet time to offer it again."""
        entry = self._kept.get(snapshot)
        at = entry.get("at") if entry else None
        now = time.time() if now is None else now
        # a moment in the future: the clock was set back, so nothing is known
        return isinstance(at, (int, float)) and at <= now + 300 and now - at < REOFFER

    def took(self, snapshot: str, relay: str) -> None:
        since = self._kept.get(snapshot, {}).get("since", time.time())
        self._kept[snapshot] = {"at": time.time(), "since": since, "relay": relay}
        self._state.try_keep(FILE, self._kept)

    def forget(self, *snapshots: str) -> None:
        if any(self._kept.pop(name, None) for name in snapshots):
            self._state.try_keep(FILE, self._kept)

    def names(self) -> list[str]:
        return list(self._kept)

    def open(self, spool: Spool) -> list[Waiting]:
        """What is in custody and still here; the rest is forgotten."""
        waiting = {entry.id: entry for entry in spool.waiting()}
        self.forget(*(name for name in list(self._kept) if name not in waiting))
        return [waiting[name] for name in sorted(self._kept)]

    def summary(self) -> dict[str, Any]:
        """For `rasoat agent status`."""
        since = [entry["since"] for entry in self._kept.values() if isinstance(entry.get("since"), (int, float))]
        relays = sorted({str(entry.get("relay", "")) for entry in self._kept.values()})
        return {"count": len(self._kept), "oldest": min(since, default=None), "relays": relays}


def to_send(state: State, spool: Spool) -> list[Waiting]:
    """What waits and lies with no relay."""
    custody = Custody(state)
    return [entry for entry in spool.waiting() if not custody.holds(entry.id)]
