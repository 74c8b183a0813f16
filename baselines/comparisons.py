"""The comparisons of the check language: what each operator means for one observed value."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from ipaddress import ip_address, ip_network
from typing import Any

MAX_MATCHED = 256
MAX_REMEMBERED = 50_000

Test = Callable[[Any, Any, datetime], bool | None]
"""(observed, wanted, time of collection): observed is never None."""


def _number(observed: Any) -> float:
    return float("inf") if observed == "unlimited" else observed


def _at_least(observed: Any, wanted: Any, _: datetime) -> bool:
    return _number(observed) >= _number(wanted)


def _at_most(observed: Any, wanted: Any, _: datetime) -> bool:
    return _number(observed) <= _number(wanted)


def _age_days(observed: Any, now: datetime) -> float:
    if observed == "never":
        return float("inf")
    if len(observed) == 10:
        return float((now.date() - date.fromisoformat(observed)).days)
    moment = datetime.fromisoformat(observed)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (now - moment).total_seconds() / 86400


def _within_days(observed: Any, wanted: Any, now: datetime) -> bool | None:
    age = _age_days(observed, now)
    if age < -1:
        return None  # dated in the future: a wrong clock somewhere, not freshness
    return bool(age <= wanted)


def _older_than(observed: Any, wanted: Any, now: datetime) -> bool:
    return bool(_age_days(observed, now) > wanted)


def _days_ahead(observed: Any, wanted: Any, now: datetime) -> bool:
    return bool(-_age_days(observed, now) >= wanted)


def _contains(observed: Any, wanted: Any, _: datetime) -> bool:
    return all(item in observed for item in wanted) if isinstance(wanted, list) else wanted in observed


def _cidr_in(observed: Any, wanted: Any, _: datetime) -> bool:
    networks = [ip_network(item) for item in (wanted if isinstance(wanted, list) else [wanted])]
    addresses = [ip_address(item.split("%")[0]) for item in (observed if isinstance(observed, list) else [observed])]
    return all(any(address in network for network in networks) for address in addresses)


class Patterns(dict[str, bool]):
    """Whether a name is one of the listed names or patterns; upper and lower case are alike, * stands for anything, ? for one
    character. What was asked once is remembered: thousands of packages have the same names on every machine."""

    def __init__(self, listed: list[str]) -> None:
        super().__init__()
        lower = [item.lower() for item in listed]
        wild = [item for item in lower if "*" in item or "?" in item]
        self._names = frozenset(lower) - frozenset(wild)
        self._wild = re.compile("|".join(map(_glob, wild)))

    def __missing__(self, name: str) -> bool:
        lower = name.lower()
        found = lower in self._names or (bool(self._wild.pattern) and self._wild.fullmatch(_short(lower)) is not None)
        if len(self) < MAX_REMEMBERED:
            self[name] = found
        return found


def _glob(item: str) -> str:
    """As a regular expression that never goes back: the first place where a part between two * fits leaves the most room for the
    rest. Tried at every place, five * over 250 letters would take for ever, and such a list may be somebody else's."""
    first, *rest = (re.escape(part).replace(r"\?", ".") for part in item.split("*"))
    if not rest:
        return first
    *middle, last = rest
    return first + "".join(f"(?>.*?{part})" for part in middle if part) + ".*" + last


def _short(text: str) -> str:
    """Text a pattern may be tried on: matching longer ones could take for ever, so they cannot be compared."""
    if len(text) > MAX_MATCHED:
        raise ValueError(f"longer than {MAX_MATCHED} characters")
    return text


def _version(text: str) -> list[tuple[int, int | str]]:
    return [(1, int(part)) if part.isdigit() else (0, part) for part in re.findall(r"\d+|[a-zA-Z]+", text)]


OPERATORS: dict[str, Test] = {
    "eq": lambda observed, wanted, _: observed == wanted,
    "ne": lambda observed, wanted, _: observed != wanted,
    "in": lambda observed, wanted, _: observed in wanted,
    "not_in": lambda observed, wanted, _: observed not in wanted,
    "at_least": _at_least,
    "at_most": _at_most,
    "matches": lambda observed, wanted, _: wanted.fullmatch(_short(observed)) is not None,
    "like": lambda observed, wanted, _: wanted[observed],
    "within_days": _within_days,
    "older_than": _older_than,
    "days_ahead": _days_ahead,
    "version_at_least": lambda observed, wanted, _: _version(observed) >= _version(wanted),
    "is_empty": lambda observed, wanted, _: (len(observed) == 0) is wanted,
    "contains": _contains,
    "cidr_in": _cidr_in,
}
