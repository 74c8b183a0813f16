"""The book of one piece of work: the generations in force when it was opened, read as they are asked for."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from sys import intern
from typing import Final, NamedTuple

from pydantic import ValidationError

from collectors.devices.releases import Advisory, Row
from collectors.model import Platform
from server.feeds.codes import SEVERITY_WORDS
from server.feeds.matching.said import Said
from server.feeds.models import Affected, Feed, NetworkAdvisory, NetworkRelease, Superseded, in_force

PROGRAM: Final = 8
"""Raised when the same facts and data are matched otherwise than before: everything is then matched again."""
DECIDING: Final = ("csaf", "debian", "kev", "msrc", "network", "osv", "windows")
"""Kinds of feeds that change what is matched; others only what is told beside it."""
_COLUMNS = (
    "generation", "package", "identifier", "state", "fixed_version", "introduced", "module", "urgency", "needs", "note", "advisory",
)  # fmt: skip


class Resting(NamedTuple):
    """A feed that speaks of a system."""

    name: str
    dated: date
    carries_until: date | None


class Overtaken(Exception):
    """Data of the book are in force no longer, and may be half removed: what is not read yet cannot be read from it any more."""


class Tables:
    """See said.Book. A swap that comes meanwhile changes nothing in what was read; reading on raises Overtaken."""

    def __init__(self) -> None:
        self.generations = in_force()
        self.feeds = {feed.generation_id: feed for feed in Feed.objects.exclude(generation=None).select_related("generation")}
        self._deciding = in_force(*DECIDING)
        # another limit: until when what is matched carries a verdict is written anew
        limits = sorted((feed.name, feed.limit) for feed in self.feeds.values() if feed.kind in DECIDING)
        words = f"{PROGRAM} {' '.join(map(str, self._deciding))} {limits}"
        self.stamp = hashlib.sha256(words.encode()).hexdigest()
        self._said: dict[str, Mapping[str, tuple[Said, ...]]] = {}
        self._by: dict[str, frozenset[int]] = {}
        self._trains: dict[str, tuple[Row, ...]] = {}
        self._holders: Mapping[str, tuple[str, ...]] | None = None

    def knows(self, ecosystem: str) -> bool:
        return bool(self._ecosystem(ecosystem))

    def said(self, ecosystem: str, package: str) -> tuple[Said, ...]:
        return self._ecosystem(ecosystem).get(package, ())

    def superseding(self, kb: str) -> frozenset[str]:
        if self._holders is None:
            holders: dict[str, tuple[str, ...]] = defaultdict(tuple)
            for held, by in Superseded.objects.filter(generation__in=self.generations).values_list("kb", "by"):
                holders[held] += (by,)
            self._whole()
            self._holders = holders
        found: set[str] = set()
        wanted = [kb]
        while wanted:
            for by in self._holders.get(wanted.pop(), ()):
                if by not in found:  # a circle in the data ends here
                    found.add(by)
                    wanted.append(by)
        return frozenset(found)

    def trains(self, os: str) -> tuple[Row, ...]:
        if os not in self._trains:
            self._trains[os] = tuple(self._read_trains(os))
            self._whole()
        return self._trains[os]

    def resting(self, *ecosystems: str) -> tuple[Resting, ...]:
        """The feeds that speak of this system, by name."""
        systems = (ecosystem.partition(":")[0] for ecosystem in ecosystems)
        keys = [os if os in self._trains else ecosystem for os, ecosystem in zip(systems, ecosystems, strict=True)]
        generations = frozenset[int]().union(*(self._by.get(key, ()) for key in keys))
        feeds = (self.feeds[one] for one in generations if one in self.feeds)
        known = [
            Resting(feed.name, feed.generation.data_date, feed.carries_until()) for feed in feeds if feed.generation is not None
        ]
        return tuple(sorted(known, key=lambda one: one.name))

    def exploited_until(self) -> date | None:
        """Last day on which the newest KEV says what is known to be exploited and what is not; None: there is none."""
        ends = (feed.carries_until() for feed in self.feeds.values() if feed.kind == "kev" and not feed.is_old())
        return max(filter(None, ends), default=None)

    def _ecosystem(self, ecosystem: str) -> Mapping[str, tuple[Said, ...]]:
        if ecosystem not in self._said:
            found: dict[str, list[Said]] = defaultdict(list)
            by: set[int] = set()
            rows = Affected.objects.filter(generation__in=self.generations, ecosystem=ecosystem)
            for generation, package, identifier, state, *texts in rows.values_list(*_COLUMNS).iterator(chunk_size=5000):
                by.add(generation)
                found[package].append(Said(identifier, state, *map(intern, texts)))
            self._whole()
            self._by[ecosystem] = frozenset(by)
            self._said[ecosystem] = {package: tuple(dict.fromkeys(rows)) for package, rows in found.items()}
        return self._said[ecosystem]

    def _whole(self) -> None:
        """Rows of a generation are removed once it is in force no longer: as long as it is, all that was read is there."""
        if in_force(*DECIDING) != self._deciding:
            raise Overtaken

    def _read_trains(self, os: str) -> list[Row]:
        advisories: dict[str, list[Advisory]] = defaultdict(list)
        mine = list(NetworkAdvisory.objects.filter(generation__in=self.generations, os=os))
        for told in mine:
            advisories[told.train].append(_advisory(told))
        releases = list(NetworkRelease.objects.filter(generation__in=self.generations, os=os))
        self._by[os] = frozenset({*(one.generation_id for one in releases), *(one.generation_id for one in mine)})
        return [self._row(os, one, advisories[one.train]) for one in releases]

    def _row(self, os: str, one: NetworkRelease, advisories: list[Advisory]) -> Row:
        feed = self.feeds[one.generation_id]
        assert feed.generation is not None
        return Row.model_validate(
            {
                "platform": Platform(os), "train": one.train, "support_ends": one.support_ends, "sale_ends": one.sale_ends,
                "covers": one.covers, "advisories": tuple(advisories), "source": feed.name, "dated": feed.generation.data_date,
            }
        )  # fmt: skip


def _advisory(one: NetworkAdvisory) -> Advisory:
    try:
        return Advisory.model_validate(
            {
                "id": one.identifier, "severity": SEVERITY_WORDS.get(one.severity, "high"), "exploited": one.exploited,
                "since": one.since or None, "fixed": one.fixed or None, "also": tuple(one.also.split()),
                "condition": one.condition, "source": one.source or "feed",
            }
        )  # fmt: skip
    except ValidationError as error:
        raise ValueError(f"{one.os} {one.train} {one.identifier}: {error.errors()[0]['msg']}") from None
