"""How many uploads one process takes on at a time, and what it says to the rest: come back then.

Three numbers of the eight threads that serve (serve.py): so many snapshots are opened and judged at once, so many uploads
are in the house, being read or waiting for their turn; the threads that remain answer questions (work, pages) and turn away,
without reading what was sent. Whoever is turned away hears when to come back: the more were turned away of late and the
longer one takes, the later, and never two at the same second. Nothing is lost by it: an agent keeps what was not acknowledged.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.http import HttpRequest, HttpResponse

from server.errors import Refused, error_response
from server.ingest import counters
from server.web.middleware import Handler

UPLOAD, ENROL = "/api/v1/snapshots", ("/api/v1/enrol", "/api/v1/relays/enrol")
WORKING, INSIDE, ENROLLING = 2, 5, 2
"""Opened seals may take 64 MiB each; more than two at once would let a few senders exhaust the memory."""
PATIENCE = 20.0
"""Seconds an upload waits for its turn; longer means that the database is stuck, and a thread is worth more."""
RECENT = 15.0
MAX_WAIT = 300


class Gate:
    """Counts who is in. One for each process."""

    def __init__(self, working: int = WORKING, inside: int = INSIDE, clock: Callable[[], float] = time.monotonic) -> None:
        self._turns, self._turn_count = threading.BoundedSemaphore(working), working
        self._room = inside
        self._lock, self._clock = threading.Lock(), clock
        self._inside = 0
        self._seconds = 0.05
        self._turned_away: deque[float] = deque(maxlen=10_000)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """From before the first byte is read until the answer. Raises Refused(429)."""
        with self._lock:
            full = self._inside >= self._room
            self._inside += not full
        counters.note_inside(self._inside)
        if full:
            raise self.away()
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
            counters.note_inside(self._inside)

    @contextmanager
    def working(self) -> Iterator[None]:
        """While one is opened, judged and stored. Raises Refused(429) when its turn does not come."""
        if not self._turns.acquire(timeout=PATIENCE):
            raise self.away()
        began = self._clock()
        try:
            yield
        finally:
            self._turns.release()
            took = self._clock() - began
            with self._lock:
                self._seconds += (took - self._seconds) / 8
            counters.note_taken(took)

    def away(self) -> Refused:
        """What is said to one for whom there is no room."""
        with self._lock:
            self._turned_away.append(self._clock())
        counters.note_away()
        return Refused(429, "busy", "too many uploads at once; nothing is lost, come back when Retry-After says", self.wait())

    def wait(self) -> int:
        """Seconds after which there should be room: the time it takes to serve all who were turned away of late, spread."""
        now = self._clock()
        with self._lock:
            while self._turned_away and now - self._turned_away[0] > RECENT:
                self._turned_away.popleft()
            needed = (len(self._turned_away) + self._inside) * self._seconds / self._turn_count
        return min(MAX_WAIT, 1 + round(random.uniform(0.5, 1.5) * needed))  # noqa: S311  (no secret)


gate = Gate()
_enrolling = threading.BoundedSemaphore(ENROLLING)


class Admission:
    """The middleware: in front of all that reads a body."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return self.get_response(request)
        if request.path == UPLOAD:
            try:
                with gate.inside():
                    return self.get_response(request)
            except Refused as full:
                return _answer(full)
        if request.path in ENROL:
            if not _enrolling.acquire(blocking=False):
                return _answer(gate.away())
            try:
                return self.get_response(request)
            finally:
                _enrolling.release()
        return self.get_response(request)


def _answer(refusal: Refused) -> HttpResponse:
    return error_response(refusal.status, refusal.code, refusal.message, refusal.wait)
