"""When a scan station looks at which target: the interval, the last day of the month, the window, the rate of a site."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collectors.model import Target

_WINDOW = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-3]):([0-5]\d)")


class Window(NamedTuple):
    """The time of day in which targets may be begun, in minutes after local midnight; it may reach over midnight."""

    begin: int
    end: int

    @classmethod
    def parse(cls, text: str) -> Window:
        """From `22:00-05:00`. Raises ValueError; a window of no length is a mistake, not a way to say never."""
        found = _WINDOW.fullmatch(text)
        if found is None:
            raise ValueError
        hour, minute, last_hour, last_minute = map(int, found.groups())
        window = cls(60 * hour + minute, 60 * last_hour + last_minute)
        if window.begin == window.end:
            raise ValueError
        return window

    def opens(self, moment: float) -> float:
        """The moment itself when the window is open then, else the next time it opens."""
        local = datetime.fromtimestamp(moment)  # noqa: DTZ006  (the wall clock of this place is meant)
        minute = 60 * local.hour + local.minute
        inside = self.begin <= minute < self.end if self.begin < self.end else minute >= self.begin or minute < self.end
        if inside:
            return moment
        start = local.replace(hour=self.begin // 60, minute=self.begin % 60, second=0, microsecond=0)
        return (start if start > local else start + timedelta(days=1)).timestamp()

    def __str__(self) -> str:
        return f"{self.begin // 60:02}:{self.begin % 60:02}-{self.end // 60:02}:{self.end % 60:02}"


def last_day(moment: float) -> float:
    """When the next last day of a month begins, local time; the running one only while `moment` is before it.

    The customer's rule: configurations are copied on the last day of each month, whatever the interval is.
    """
    local = datetime.fromtimestamp(moment)  # noqa: DTZ006  (the wall clock of this place is meant)
    while True:
        following = (local.replace(day=28) + timedelta(days=4)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        begins = following - timedelta(days=1)
        if begins.timestamp() > moment:
            return begins.timestamp()
        local = following


def due(last: float | None, now: float, interval: int, offset: int) -> float:
    """When a target is due that was last looked at then; `now` or earlier: it is."""
    from agent.schedule import next_scan

    regular = next_scan(last, now, interval, offset)
    return regular if last is None or regular <= now else min(regular, last_day(last))


def waves(targets: Iterable[Target], per_minute: int) -> Iterator[list[Target]]:
    """The targets in groups, in none of which a site stands more than `per_minute` times; one is begun a minute.

    A target with two labels counts at both sites, one without any at the site of those without.
    """
    left = list(targets)
    while left:
        count: Counter[str] = Counter()
        wave, rest = [], []
        for target in left:
            sites = target.labels or ("",)
            if all(count[site] < per_minute for site in sites):
                count.update(sites)
                wave.append(target)
            else:
                rest.append(target)
        yield wave
        left = rest
