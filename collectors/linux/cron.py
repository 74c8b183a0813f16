"""Which commands does cron start, and how often? Tables of cron(5) and the folders that run-parts goes through."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from collectors.errors import Unparsable

_WORDS = {"@yearly": 366, "@annually": 366, "@monthly": 31, "@weekly": 7, "@daily": 1, "@midnight": 1, "@hourly": 1}
_SETTING = re.compile(r"[A-Za-z_][\w]*[ \t]*=")
_FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_NAMES = {
    name: number
    for names, first in (("jan feb mar apr may jun jul aug sep oct nov dec", 1), ("sun mon tue wed thu fri sat", 0))
    for number, name in enumerate(names.split(), first)
}
FOLDERS = {"/etc/cron.hourly": 1, "/etc/cron.daily": 1, "/etc/cron.weekly": 7, "/etc/cron.monthly": 31}
"""Folder -> days between two runs at most."""


class Entry(NamedTuple):
    """One line of a table that starts something."""

    schedule: str
    """As written: `0 2 * * *`, `@daily`."""
    every_days: int | None
    """Days between two runs at most; None for what runs at boot or less than once a year."""
    command: str


def entries(text: str, path: str, with_user: bool) -> Iterator[Entry]:
    """The lines that start something. `with_user`: the sixth word is an account (/etc/crontab and /etc/cron.d).

    Raises Unparsable at a line cron would refuse: it refuses the whole table then.
    """
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#") or _SETTING.match(line):
            continue
        # SUSE: a - in front keeps the start out of the log
        line = line.removeprefix("-")
        times = 1 if line.startswith("@") else 5
        parts = line.split(None, times + with_user)
        if len(parts) != times + with_user + 1:
            raise Unparsable(f"{path}, line {number}: not a line of a crontab")
        schedule = " ".join(parts[:times])
        yield Entry(schedule, _interval(schedule, f"{path}, line {number}"), parts[-1])


def _interval(schedule: str, where: str) -> int | None:
    if schedule.startswith("@"):
        if schedule not in _WORDS and schedule != "@reboot":
            raise Unparsable(f"{where}: {schedule[:20]!r} is no time of cron")
        return _WORDS.get(schedule)
    sets = [_values(word, bounds, where) for word, bounds in zip(schedule.split(), _FIELDS, strict=True)]
    _, _, days, months, weekdays = sets
    if len(months) < 12:
        return None
    gaps = []
    # a day of the month and a day of the week: cron starts on both, unless one of them is written with a * in front
    stars = [word.startswith("*") for word in schedule.split()]
    if len(days) < 31:
        # months without a 30th or 31st are passed over
        gaps.append(_gap(days, 31) if min(days) < 29 else 62)
    if len({day % 7 for day in weekdays}) < 7:
        gaps.append(_gap({day % 7 for day in weekdays}, 7))
    if not gaps:
        return 1
    return min(gaps) if len(gaps) == 2 and not (stars[2] or stars[4]) else max(gaps)


def _gap(days: set[int], cycle: int) -> int:
    """The longest stretch between two of the days, round the month or week."""
    ordered = sorted(days)
    return max(later - earlier for earlier, later in zip(ordered, [*ordered[1:], ordered[0] + cycle], strict=True))


def _values(word: str, bounds: tuple[int, int], where: str) -> set[int]:
    found: set[int] = set()
    for part in word.lower().split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        low, high = bounds if span == "*" else (_number(first, where), _number(last or first, where))
        if step and not last and span != "*":
            high = bounds[1]
        if not bounds[0] <= low <= high <= bounds[1] or (step and (not step.isdecimal() or not 0 < int(step) < 100)):
            raise Unparsable(f"{where}: {word[:20]!r} is no time of cron")
        found.update(range(low, high + 1, int(step or 1)))
    return found


def _number(word: str, where: str) -> int:
    if word in _NAMES:
        return _NAMES[word]
    if not (word.isascii() and word.isdecimal() and len(word) < 3):
        raise Unparsable(f"{where}: {word[:20]!r} is no time of cron")
    return int(word)
