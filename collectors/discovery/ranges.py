"""The approved ranges: where rasoat may knock, when, how fast, and whose signature allows it.

    approval: {number: 123/QĐ-STTTT, date: 2026-11-01, until: 2027-03-31}
    ranges: [192.0.2.0/24, 2001:db8:7::/120]
    excluded: [192.0.2.77]          # never asked
    window: 22:00-05:00             # local time of this machine; any time without it
    max_rate: 300                   # packets a second
    largest: {ipv4: 16, ipv6: 112}  # the shortest prefix that may be asked at once

Every mistake is reported at once as file:line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from collectors.transports.nmap import Network, network

if TYPE_CHECKING:
    import yaml

MAX_RATE = 300
"""Packets a second where nobody says otherwise: a 10 Mbit/s line to a commune carries a thousand and more."""

LARGEST = {4: 16, 6: 112}
"""Shortest prefix: 65,536 addresses."""

T = TypeVar("T")
Day = date


@dataclass(frozen=True)
class Approval:
    """The written approval a run rests on."""

    number: str
    date: Day
    until: Day | None = None


class Window(NamedTuple):
    """A time of day, local. One that ends before it begins goes over midnight."""

    begin: time
    end: time

    def left(self, now: datetime) -> float:
        """Seconds until it closes; 0 outside of it."""
        today = now.replace(hour=self.begin.hour, minute=self.begin.minute, second=0, microsecond=0)
        for opens in (today - timedelta(days=1), today):
            closes = opens.replace(hour=self.end.hour, minute=self.end.minute)
            if closes <= opens:
                closes += timedelta(days=1)
            if opens <= now < closes:
                return (closes - now).total_seconds()
        return 0.0

    def __str__(self) -> str:
        return f"{self.begin:%H:%M}-{self.end:%H:%M}"


class Approved(NamedTuple):
    """What may be done. Without a file: no range is approved by name, and the limits are the house's."""

    approval: Approval | None = None
    ranges: tuple[Network, ...] | None = None
    excluded: tuple[Network, ...] = ()
    window: Window | None = None
    max_rate: int = MAX_RATE
    largest: dict[int, int] = LARGEST

    def refusals(self, wanted: Iterable[Network], today: date) -> Iterator[str]:
        """Why these may not be asked; nothing when they may."""
        if self.approval and self.approval.until and today > self.approval.until:
            yield f"approval {self.approval.number} ended on {self.approval.until}; have it renewed"
        if self.approval and today < self.approval.date:
            yield f"approval {self.approval.number} begins on {self.approval.date}"
        for each in wanted:
            shortest = self.largest[each.version]
            if each.prefixlen < shortest:
                yield f"{each} is too large: {each.num_addresses:,} addresses; at most /{shortest} at once"
            if self.ranges is not None and not any(_within(each, allowed) for allowed in self.ranges):
                yield f"{each} is not inside the approved ranges: {', '.join(map(str, self.ranges))}"

    def without_excluded(self, wanted: Network) -> tuple[Network, ...]:
        """What is left of a network: an excluded address is never asked, not even whether it is there."""
        left = [wanted]
        for out in self.excluded:
            left = [part for each in left for part in _minus(each, out)]
        return tuple(sorted(left, key=lambda each: int(each.network_address)))


def _within(inner: Network, outer: Network) -> bool:
    return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]


def _minus(each: Network, out: Network) -> list[Network]:
    if each.version != out.version or not each.overlaps(out):
        return [each]
    if _within(each, out):
        return []
    return list(each.address_exclude(out))  # type: ignore[arg-type]


class RangesError(ValueError):
    """The file cannot be used. `problems` holds one line per mistake: file:line: what is wrong; what to do."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def load(path: Path) -> Approved:
    """Read the file. Raises RangesError with every mistake in it."""
    try:
        return parse(path.read_text("utf-8-sig"), str(path))
    except OSError as error:
        raise RangesError([f"{path}: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise RangesError([f"{path}:1: not UTF-8; save the file as UTF-8"]) from None


def parse(text: str, name: str = "ranges.yaml") -> Approved:
    """The same from text."""
    import yaml

    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise RangesError([f"{name}:{mark.line + 1 if mark else 1}: not YAML: {error.problem or error.context}"]) from None
    except (yaml.YAMLError, RecursionError):
        raise RangesError([f"{name}:1: not YAML"]) from None
    return _Reader(name).approved(root)


class _Reader:
    """Walks the nodes, because only they know their line, and gathers mistakes instead of stopping at the first."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._problems: list[tuple[int, str]] = []

    def approved(self, root: yaml.Node | None) -> Approved:
        top = self._mapping(root, ("approval", "ranges", "excluded", "window", "max_rate", "largest"), "the file", 1)
        for needed in ("approval", "ranges"):
            if needed not in top:
                self._say(root, f"no {needed}; without it nobody has approved anything")
        approval = self._approval(top.get("approval"))
        ranges = self._networks(top.get("ranges"), "ranges")
        if "ranges" in top and not ranges:
            self._say(top["ranges"], "ranges: write at least one, such as [192.0.2.0/24]")
        largest = self._mapping(top.get("largest"), ("ipv4", "ipv6"), "largest")
        found = Approved(
            approval,
            ranges,
            self._networks(top.get("excluded"), "excluded"),
            self._read(top.get("window"), _window, None),
            self._read(top.get("max_rate"), _between(1, 100_000), MAX_RATE),
            {
                4: self._read(largest.get("ipv4"), _between(8, 32), LARGEST[4]),
                6: self._read(largest.get("ipv6"), _between(104, 128), LARGEST[6]),
            },
        )
        if self._problems:
            raise RangesError(f"{self._name}:{line}: {what}" for line, what in sorted(set(self._problems)))
        return found

    def _approval(self, node: yaml.Node | None) -> Approval | None:
        if node is None:
            return None
        parts = self._mapping(node, ("number", "date", "until"), "approval")
        for needed in ("number", "date"):
            if needed not in parts:
                self._say(node, f"approval: no {needed}; write the {needed} of the written approval")
        number, day = self._read(parts.get("number"), _line, ""), self._read(parts.get("date"), _day, None)
        until = self._read(parts.get("until"), _day, None)
        return Approval(number=number, date=day, until=until) if number and day else None

    def _mapping(self, node: yaml.Node | None, allowed: tuple[str, ...], what: str, line: int = 0) -> dict[str, yaml.Node]:
        if node is None and not line:
            return {}
        if getattr(node, "id", "") != "mapping" or node is None:
            self._say(node, f"{what} must be written as key: value")
            return {}
        found: dict[str, yaml.Node] = {}
        for key, body in node.value:
            if key.value not in allowed:
                self._say(key, f"{what}: unknown key {key.value}; known are {', '.join(allowed)}")
            elif key.value in found:
                self._say(key, f"{what}: {key.value} stands there twice; remove one")
            else:
                found[key.value] = body
        return found

    def _networks(self, node: yaml.Node | None, what: str) -> tuple[Network, ...]:
        if node is None:
            return ()
        if getattr(node, "id", "") != "sequence":
            self._say(node, f"{what} must be a list of addresses and CIDRs")
            return ()
        found = (self._read(item, lambda text: network(text), None) for item in node.value)
        return tuple(each for each in found if each is not None)

    def _read(self, node: yaml.Node | None, read: Callable[[str], T], default: Any) -> Any:
        if node is None:
            return default
        try:
            if not isinstance(node.value, str):
                raise ValueError("must be one value")
            return read(str(node.value))
        except ValueError as problem:
            self._say(node, str(problem))
            return default

    def _say(self, node: yaml.Node | None, what: str) -> None:
        self._problems.append((int(node.start_mark.line) + 1 if node else 1, what))


def _line(text: str) -> str:
    if not text.strip() or not text.isprintable() or len(text) > 100:
        raise ValueError(f"{text!r} is no number of a document")
    return text.strip()


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no date; write it as 2026-11-30") from None


def _window(text: str) -> Window:
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-3]):([0-5]\d)", text)
    if not found or found[1] + found[2] == found[3] + found[4]:
        raise ValueError(f"{text!r} is no time of day; write it as 22:00-05:00")
    return Window(time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4])))


def _between(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise ValueError(f"{text!r} is no whole number from {low} to {high}")
        return int(text)

    return read
