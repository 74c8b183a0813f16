"""The letters in force, and what the data in force say of what they name. Read once for one piece of work."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml
from django.db.models import Max

from server.feeds.matching.tables import DECIDING, Tables
from server.feeds.models import Affected, Feed, Generation, Superseded, Warning, WarningItem, WindowsBuild, in_force
from server.sweeps.models import Concern, Item, Letter, doubt

PROGRAM: Final = 1
"""Raised when letters are held against machines otherwise than before."""
KIND: Final = "warnings"
PRODUCTS = Path(__file__).with_name("products.yaml")
CHUNK: Final = 500
_SAID = ("cve", "product", "version", "fixed_version", "kb", "note")


class Update(NamedTuple):
    """A row of the table of updates of Windows."""

    build: int
    series: str
    ubr: int | None
    released: date


def stamp() -> str:
    """Of the letters and of the data they rest on; another one on the day a feed goes over its limit."""
    old = sorted(feed.name for feed in Feed.objects.filter(kind__in=DECIDING).select_related("generation") if feed.is_old())
    words = f"{PROGRAM} {' '.join(map(str, in_force(KIND, *DECIDING)))} {' '.join(old)}"
    return hashlib.sha256(words.encode()).hexdigest()


class Book:
    """Letters, each with its items, and the data on what they name."""

    def __init__(self) -> None:
        self.stamp = stamp()
        self.tables = Tables()
        self.matching = self.tables.stamp
        """Matches made by other data say nothing of now."""
        data = Generation.objects.filter(pk__in=in_force(*DECIDING)).aggregate(newest=Max("imported_at"))
        self.since: datetime = data["newest"] or datetime.min.replace(tzinfo=UTC)
        """The newest of the data are in force since then."""
        self.letters = {letter.pk: letter for letter in Letter.objects.filter(generation__in=in_force(KIND))}
        self.items: dict[int, list[Item]] = defaultdict(list)
        for item in Item.objects.filter(letter__in=self.letters):
            self.items[item.letter_id].append(item)
        every = [item for items in self.items.values() for item in items]
        self.cves = sorted({item.cve for item in every if item.cve})
        self.said = _said(self.cves)
        self.updates = _updates(sorted({kb for item in every for kb in item.kb.split()}))
        self._packages: dict[tuple[str, str], bool] = {}
        self._holders = _holders()
        self._days = _days()

    def knows_package(self, ecosystem: str, package: str) -> bool:
        """Publishers of that system speak of a package of that name: it is a name that its machines would have."""
        key = ecosystem, package
        if key not in self._packages:
            rows = Affected.objects.filter(generation__in=in_force(*DECIDING), ecosystem=ecosystem, package=package)
            self._packages[key] = rows.exists()
        return self._packages[key]

    def holders(self, kb: str) -> frozenset[str]:
        """Updates of Windows that hold all of this one."""
        found: set[str] = set()
        wanted = [kb]
        while wanted:
            for by in self._holders.get(wanted.pop(), ()):
                if by not in found:
                    found.add(by)
                    wanted.append(by)
        return frozenset(found)

    def released(self, build: int, series: str) -> frozenset[date]:
        """Days on which updates of that build came out, by the data."""
        return self._days.get((build, series), frozenset())


def missing() -> tuple[int, ...]:
    """Editions in force that are not kept here yet."""
    kept = Letter.objects.values_list("generation", flat=True)
    return tuple(one for one in in_force(KIND) if one not in set(kept))


def bring(now: datetime) -> None:
    """Keep letters and their items here, apart from the rows of their feed. In a transaction of the caller's."""
    generations = missing()
    feeds = dict(Generation.objects.filter(pk__in=generations).values_list("pk", "feed__name"))
    for told in Warning.objects.filter(generation__in=generations):
        columns = {
            "generation": told.generation_id, "number": told.number, "dated": told.dated, "issuer": told.issuer, "title": told.title,
        }  # fmt: skip
        letter, _new = Letter.objects.update_or_create(
            feed=feeds[told.generation_id], defaults=columns, create_defaults={**columns, "since": now}
        )
        if _items(letter, told.generation_id):
            doubt(Concern.objects.filter(letter=letter))


def _items(letter: Letter, generation: int) -> bool:
    """The items of another edition; whether it names more. What both hold keeps its row, and with it its history."""
    told: dict[str, dict[str, Any]] = {}
    for row in WarningItem.objects.filter(generation=generation).order_by("line", "pk"):
        said = {name: getattr(row, name) for name in _SAID}
        words = "\x1f".join(said[name] for name in _SAID if name != "note")
        told.setdefault(hashlib.sha256(words.encode()).hexdigest()[:32], {"line": row.line, **said})
    letter.items.exclude(key__in=told).delete()
    more = told.keys() - set(letter.items.values_list("key", flat=True))
    made = [Item(letter=letter, key=key, **columns) for key, columns in told.items()]
    Item.objects.bulk_create(
        made, CHUNK, update_conflicts=True, unique_fields=["letter", "key"], update_fields=["line", "note"]
    )  # fmt: skip
    return bool(more)


def _said(cves: list[str]) -> dict[str, dict[str, frozenset[str]]]:
    """CVE -> system -> packages of it that the data name."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    generations = in_force(*DECIDING)
    for part in _parts(cves):
        rows = Affected.objects.filter(generation__in=generations, identifier__in=part)
        for cve, ecosystem, package in rows.values_list("identifier", "ecosystem", "package").distinct():
            found[cve][ecosystem].add(package)
    return {cve: {one: frozenset(packages) for one, packages in systems.items()} for cve, systems in found.items()}


def _updates(kbs: list[str]) -> dict[str, list[Update]]:
    found: dict[str, list[Update]] = defaultdict(list)
    for part in _parts(kbs):
        rows = WindowsBuild.objects.filter(generation__in=in_force(*DECIDING), kb__in=part)
        for kb, build, series, ubr, released in rows.values_list("kb", "build", "series", "ubr", "released"):
            found[kb].append(Update(build, series, ubr, released))
    return found


def _holders() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = defaultdict(tuple)
    for kb, by in Superseded.objects.filter(generation__in=in_force(*DECIDING)).values_list("kb", "by"):
        found[kb] += (by,)
    return found


def _days() -> dict[tuple[int, str], frozenset[date]]:
    found: dict[tuple[int, str], set[date]] = defaultdict(set)
    rows = WindowsBuild.objects.filter(generation__in=in_force(*DECIDING))
    for build, series, released in rows.values_list("build", "series", "released").distinct():
        found[build, series].add(released)
    return {key: frozenset(days) for key, days in found.items()}


def _parts(names: list[str]) -> Iterable[list[str]]:
    return (names[start : start + CHUNK] for start in range(0, len(names), CHUNK))


def folded(text: str) -> str:
    """Without case, accents and signs."""
    bare = unicodedata.normalize("NFKD", text.replace("đ", "d").replace("Đ", "D"))
    letters = "".join(letter if letter.isalnum() else " " for letter in bare if not unicodedata.combining(letter))
    return " ".join(letters.casefold().split())


@cache
def systems() -> dict[str, frozenset[str]]:
    """Name of a system in letters -> values of os_id."""
    rows = yaml.safe_load(PRODUCTS.read_text("utf-8"))
    return {folded(name): frozenset(row["platforms"]) for row in rows for name in row["names"]}


_TAIL: Final = re.compile(r"(?:\s+(?:v?\d+(?:\s\d+)*|x64|x86|64|32|bit|arm64|en us|vi vn))+$")


def program_name(text: str) -> str:
    """As an installer writes it, without version and architecture at its end."""
    return _TAIL.sub("", folded(text))
