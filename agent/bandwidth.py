"""How fast this machine may send: a bucket that fills with so many bytes a second, and a body that waits for it.

The line of a small office carries more than rasoat. The cap comes from the collector or from this machine's file, and the
stricter one counts. It starts empty: a run that follows another at once brings no allowance of its own along.
"""

from __future__ import annotations

import time
from collections.abc import Callable

LEAST = 256
"""Bytes a second below which nothing would get through before a server gives up; a smaller cap is taken as this."""
SLICES = 4
"""Parts of a second's allowance sent at a time: the line is never taken for a whole second."""


def stricter(*caps: int | None) -> int | None:
    """The lowest of the caps that are set; None: none is."""
    found = [cap for cap in caps if cap is not None]
    return max(LEAST, min(found)) if found else None


class Bucket:
    """Hands out bytes at a rate. Not for several threads: one thing is sent at a time."""

    def __init__(
        self, rate: int, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self.rate = rate
        self._clock, self._sleep = clock, sleep
        self._level, self._at = 0.0, clock()

    @property
    def portion(self) -> int:
        """Most that is taken at once."""
        return max(64, self.rate // SLICES)

    def take(self, count: int) -> None:
        """Wait until so many bytes may go. What was not used for long is not saved up: at most one portion is."""
        now = self._clock()
        self._level = min(self.portion, self._level + max(0.0, now - self._at) * self.rate) - count
        self._at = now
        if self._level < 0:
            self._sleep(-self._level / self.rate)


class Paced:
    """A body that is read no faster than the bucket allows."""

    def __init__(self, body: bytes, bucket: Bucket) -> None:
        self._body, self._bucket, self._sent = memoryview(body), bucket, 0

    def read(self, size: int = -1) -> bytes:
        part = self._body[self._sent : self._sent + min(self._bucket.portion, size if size > 0 else len(self._body))]
        if part:
            self._bucket.take(len(part))
        self._sent += len(part)
        return bytes(part)
