"""What one run of the agent works with: its settings, its folder, its spool, and what it has to tell of the collector; when it is due."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agent import limits, schedule
from agent.config import Config
from agent.spool import Spool
from agent.state import State
from agent.terminal import Progress

if TYPE_CHECKING:
    from agent.upload import Collector


@dataclass
class Run:
    """What a run works with, and what it has to tell."""

    config: Config
    state: State
    spool: Spool
    identity: dict[str, Any]
    progress: Progress
    contact: dict[str, Any] = field(default_factory=dict)
    asked: tuple[int, ...] = ()
    """Numbers of the scans of this machine that people asked for."""

    def connect(self) -> Collector:
        """The collector, sent to no faster than it and this machine's file allow."""
        from agent.bandwidth import stricter

        collector = self._collector()
        told = (self.state.read("policy.json") or {}).get("bytes_per_second")
        collector.at_most(stricter(self.config.bytes_per_second, told if isinstance(told, int) else None))
        return collector

    def _collector(self) -> Collector:
        from agent.upload import Collector

        own_ca = self.state.folder / "ca.pem"
        ca_file = self.config.ca_file or (own_ca if own_ca.is_file() else None)
        url = self.config.url or self.identity["url"]
        if not self.identity.get("centre") or not self.config.seal_for_centre:
            return Collector(url, ca_file, self.config.proxy)
        from agent.centre import SealedCollector
        from collectors.centre import Centre

        centre, days = Centre.parse(self.identity["centre"]), self.config.work_max_days
        return SealedCollector(
            url, ca_file, self.config.proxy, centre, self.identity["agent_id"], self.state.key(), self.state, days
        )

    def heard(self) -> None:
        """The collector answered."""
        self.contact.update(last_contact=now(), last_error=None)

    def failed(self, why: str) -> None:
        """It did not, or what it said cannot be used."""
        self.contact.update(last_error=why, last_error_at=now())

    def keep_contact(self) -> None:
        self.state.try_keep("contact.json", self.contact)


def own_due(config: Config, state: State, now: float) -> float:
    """When this machine itself is due, by what its folder holds."""
    identity, contact = state.identity(), state.read("contact.json") or {}
    table = schedule.timetable(state.read("policy.json") or {}, config.interval_seconds, config.jitter_seconds)
    woke = (state.read("awake.json") or {}).get("woke")
    due = schedule.moment_of(
        table, identity["agent_id"], contact.get("last_scan"), now, woke if isinstance(woke, (int, float)) else 0
    )
    return max(due, limits.resting(state, now))


def now() -> str:
    from datetime import UTC, datetime

    return datetime.now(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
