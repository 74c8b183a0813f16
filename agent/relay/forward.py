"""Passing on: one thing at a time, newest of each machine first, no faster than the line may be used.

A snapshot leaves the spool when the centre's signed answer about it is on disk; whatever that answer says, its agent will
read it there and act on it. An answer without the centre's signature changes nothing: it is tried again.
"""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path
from typing import Any

from agent.relay.settings import Identity, Settings
from agent.relay.store import Store
from agent.spool import Waiting
from agent.upload import Collector, Offline, Reply
from collectors import VERSION
from collectors.centre import FOR_CENTRE, Answer, CentreError, read_answer, read_envelope, relayed

SNAPSHOTS, REPORT = "/api/v1/snapshots", "/api/v1/relays/me/report"
REST = 60.0
"""Seconds for which nobody is made to wait for a centre that has just not answered."""
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 600.0
NEVER = ("damaged", "too-large", "media-type")
"""What the centre calls something that no centre can use: garbage, of a stranger or of a broken disk."""


class Upstream:
    """The way to the centre. Each request bears this relay's own signature, beside the agent's that is inside."""

    def __init__(self, settings: Settings, identity: Identity, paced: bool = False) -> None:
        ca_file = Path(settings.ca_file) if settings.ca_file else None
        self._collector = Collector(identity.url, ca_file, settings.proxy or None)
        if paced and settings.bytes_per_second:
            self._collector.at_most(settings.bytes_per_second)
        self._identity = identity
        self.base = self._collector.base
        self.failed_at = 0.0
        self.skew = 0.0

    @property
    def resting(self) -> bool:
        return time.monotonic() - self.failed_at < REST and self.failed_at > 0

    def ask(self, method: str, path: str, body: bytes | None = None, address: str = "", **headers: str) -> Reply:
        """Raises Offline."""
        reply = self._once(method, path, body, address, headers)
        if reply.status == 401 and reply.document.get("error") == "relay-clock" and abs(reply.skew - self.skew) > 300:
            # also where the centre's clock, or ours, has been put right since
            self.skew = reply.skew
            reply = self._once(method, path, body, address, headers)
        return reply

    def _once(self, method: str, path: str, body: bytes | None, address: str, headers: dict[str, str]) -> Reply:
        at = int(time.time() + self.skew)
        mark = relayed(self._identity.id, self._identity.key, method, self.base + path, at, address, body or b"")
        sent = {name.replace("_", "-"): value for name, value in headers.items()} | {"Rasoat-Relay": mark}
        try:
            reply = self._collector.ask(method, path, body, sent)
        except Offline as offline:
            # 429 and 503 are answers too: the line is there, and only this asks for a pause
            if offline.pause is None:
                self.failed_at = time.monotonic()
            raise
        self.failed_at = 0.0
        return reply


class Forwarder(threading.Thread):
    """Sends what waits, and says now and then how things stand."""

    def __init__(self, settings: Settings, identity: Identity, store: Store) -> None:
        super().__init__(name="forward", daemon=True)
        self._settings, self._identity, self._store = settings, identity, store
        self._line = Upstream(settings, identity, paced=True)
        self._stop_asked = threading.Event()
        self._failures = 0
        self._reported = float("-inf")
        self.trouble = ""

    def stop(self) -> None:
        self._stop_asked.set()
        self._store.arrived.set()

    def run(self) -> None:
        while not self._stop_asked.is_set():
            pause = self.step()
            if pause > 0:
                self._store.arrived.wait(pause) if not self._failures else self._stop_asked.wait(pause)

    def step(self) -> float:
        """Send one, or report; seconds until there is something to do again."""
        if time.monotonic() - self._reported >= self._settings.report_seconds:
            self._reported = time.monotonic()
            self.report()
        self._store.arrived.clear()
        hours = self._settings.hours
        entry = self._store.next(bulk=hours is None or hours.opens(time.time()) <= time.time())
        if entry is None:
            return min(self._settings.report_seconds, 30.0)
        try:
            self._send(entry)
        except Offline as offline:
            return self._failed(offline)
        self._failures, self.trouble = 0, ""
        return 0

    def _failed(self, offline: Offline) -> float:
        self._failures += 1
        self.trouble = str(offline)
        if offline.pause is not None:
            return offline.pause + random.uniform(0, offline.pause)  # noqa: S311  (no secret)
        return random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self._failures, 12)))  # noqa: S311

    def _send(self, entry: Waiting) -> None:
        try:
            blob = entry.read()
            envelope = read_envelope(blob)
        except (OSError, CentreError):
            self._store.done(entry)  # gave way to a newer one meanwhile, or the disk damaged it: its agent has it still
            return
        reply = self._line.ask("POST", SNAPSHOTS, blob, Content_Type=FOR_CENTRE)
        try:
            answer = read_answer(self._identity.centre, reply.document)
        except CentreError:
            if reply.status == 400 and reply.document.get("error") in NEVER:
                self._store.done(entry)
                return
            raise Offline(f"HTTP {reply.status}: {reply.complaint}") from None
        if answer.about != envelope.about or answer.agent != envelope.agent:
            raise Offline("the centre's answer belongs to something else")
        self._store.receipt(answer, reply.document)
        self._store.done(entry)

    def report(self) -> None:
        """Tell the centre how things stand here, and keep how that went."""
        import json

        summary = self._store.summary()
        kept: dict[str, Any] = self._store.state.read("report.json") or {}
        try:
            body = json.dumps(summary | {"version": VERSION}).encode()
            reply = self._line.ask("POST", REPORT, body, Content_Type="application/json")
            why = "" if reply.status == 200 else reply.complaint
        except Offline as offline:
            why = str(offline)
        now = int(time.time())
        kept |= {"at": now, "error": why} | ({} if why else {"contact": now})
        self._store.state.try_keep("report.json", kept)


def signed(identity: Identity, reply: Reply) -> Answer | None:
    """The centre's own word, or None: then it is somebody else's, and nothing is kept of it."""
    try:
        return read_answer(identity.centre, reply.document)
    except CentreError:
        return None
