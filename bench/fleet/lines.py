"""The way from hosts to web processes: a load balancer that goes round, and the agent's own client counted."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from typing import Any

from agent import upload

CLOSED_FOR = 0.2
"""Real seconds for which a port that refused a connection is not tried again: the many attempts that hosts make in a simulated
outage of hours would measure nothing but refused connections. They count as made."""


class Front:
    """Web processes in turns; one that refuses connections is left out for a moment."""

    def __init__(self, urls: list[str]) -> None:
        self.urls = urls
        self.counts: Counter[str] = Counter()
        self.seconds: list[float] = []
        """Of the deliveries that were taken."""
        self._closed: dict[str, float] = {}
        self._turn, self._lock = itertools.count(), threading.Lock()

    def pick(self) -> tuple[str, bool]:
        """(where to, whether it is known to be closed)."""
        now = time.monotonic()
        for _ in self.urls:
            url = self.urls[next(self._turn) % len(self.urls)]
            if self._closed.get(url, 0) < now:
                return url, False
        return url, True

    def closed(self, url: str) -> None:
        self._closed[url] = time.monotonic() + CLOSED_FOR

    def count(self, what: str) -> None:
        with self._lock:
            self.counts[what] += 1

    def took(self, seconds: float) -> None:
        with self._lock:
            self.seconds.append(seconds)


class Line(upload.Collector):
    """One run of one agent: a connection of its own, as each agent is a process of its own."""

    def __init__(self, front: Front) -> None:
        url, self._known_closed = front.pick()
        super().__init__(url)
        self._front = front
        self.asked_to_wait: float | None = None

    def ask(self, method: str, path: str, body: bytes | None = None, headers: Any = None) -> upload.Reply:
        what = path.rpartition("/")[2]
        if self._known_closed:
            self._front.count(f"{what} not reached")
            raise upload.Offline("closed")
        began = time.monotonic()
        try:
            reply = super().ask(method, path, body, headers)
        except upload.Offline as offline:
            self.asked_to_wait = offline.pause
            why = "not reached" if "HTTP " not in str(offline) else str(offline).rpartition("HTTP ")[2].rstrip(")")
            if why == "not reached":
                self._front.closed(self.url)
            self._front.count(f"{what} {why}")
            raise
        self._front.count(f"{what} {reply.status}")
        if what == "snapshots" and reply.status in (200, 201):
            self._front.took(time.monotonic() - began)
        return reply

    def close(self) -> None:
        self._pool.clear()
