"""Compressed time: a clock that runs fast while little happens, and waits while the collector is as busy as it can be."""

from __future__ import annotations

import heapq
import itertools
import queue
import threading
import time
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

HERE = ZoneInfo("Asia/Ho_Chi_Minh")
STEP = 0.004


class Stage:
    """What is to happen when, by the simulated clock or by the real one; done by a few threads.

    The clock runs `fastest` times as fast as the real one, slower the more hosts are sending or were told to wait by the
    collector, and stands still at `crowd` of them: so the day is as dense as the collector bears, many times denser than a
    real one. Pauses that agents draw themselves are of the simulated clock; those that the collector asks for are real.
    """

    def __init__(self, start: float, fastest: float, crowd: int, threads: int) -> None:
        self.now, self.fastest, self.crowd = start, fastest, crowd
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._really: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers, self._lock = itertools.count(), threading.Lock()
        self._ready: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._busy = 0
        self.trouble: list[BaseException] = []
        self._threads = [threading.Thread(target=self._work, name=f"hosts-{n}", daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    def at(self, moment: float, do: Callable[[], object]) -> None:
        """By the simulated clock."""
        with self._lock:
            heapq.heappush(self._due, (moment, next(self._numbers), do))

    def after(self, seconds: float, do: Callable[[], object]) -> None:
        """By the real clock."""
        with self._lock:
            heapq.heappush(self._really, (time.monotonic() + seconds, next(self._numbers), do))

    def run(self, until: float, beat: Callable[[], object] = lambda: None, drain: bool = False) -> None:
        """Let time pass until then; with `drain`, until nothing is left to do."""
        last, beaten = time.monotonic(), 0.0
        while self.now < until or (drain and self.left):
            time.sleep(STEP)
            real = time.monotonic()
            with self._lock:
                pressure = (self._busy + len(self._really)) / self.crowd
                self.now += (real - last) * self.fastest * max(0.0, 1 - pressure)
                if not drain:
                    self.now = min(self.now, until)
                while self._due and self._due[0][0] <= self.now and self._busy + len(self._really) < self.crowd:
                    self._begin(heapq.heappop(self._due)[2])
                while self._really and self._really[0][0] <= real:
                    self._begin(heapq.heappop(self._really)[2])
                if drain and not self._busy and not self._really and self._due:
                    self.now = max(self.now, self._due[0][0])
            last = real
            if self.trouble:
                raise self.trouble[0]
            if real - beaten > 1:
                beat()
                beaten = real

    def _begin(self, do: Callable[[], object]) -> None:
        self._busy += 1
        self._ready.put(do)

    @property
    def left(self) -> int:
        with self._lock:
            return self._busy + len(self._due) + len(self._really)

    @property
    def told_to_wait(self) -> int:
        return len(self._really)

    def clock(self) -> str:
        return datetime.fromtimestamp(self.now, HERE).strftime("%H:%M")

    def _work(self) -> None:
        while (do := self._ready.get()) is not None:
            try:
                do()
            except BaseException as error:  # told to whoever runs the clock
                self.trouble.append(error)
            with self._lock:
                self._busy -= 1

    def close(self) -> None:
        for _ in self._threads:
            self._ready.put(None)
