"""Write what was found: what a machine carries, since when, and what it has no longer. Where nothing turned, one row is written."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import transaction
from django.db.models import Max

from server.feeds.matching.codes import ANSWERS, DECIDED
from server.feeds.matching.host import Host
from server.feeds.matching.models import Carried, Ended, Ground, Matched, Weakness, packed
from server.feeds.matching.outcome import Outcome
from server.feeds.matching.said import FIX, UNCERTAIN, Match
from server.feeds.matching.tables import Tables
from server.feeds.models import Exploited, Likelihood, NetworkAdvisory, Vulnerability
from server.findings import rows

CHUNK: Final = 500
"""Names in one question: SQLite takes no more than some thousand values."""
HOSTS_KEPT: Final = 4096
CARRIED = ("machine_id", "ground_id", "since")


class Made(NamedTuple):
    """What a host has, ready to be written for each machine that is like it."""

    grounds: frozenset[int]
    columns: dict[str, Any]
    """Of Matched."""


def digest_of(host: Host) -> str:
    """Equal for hosts that have the same vulnerabilities."""
    return hashlib.sha256(repr(host._replace(has=frozenset())).encode() + repr(sorted(host.has)).encode()).hexdigest()


def key_of(match: Match) -> int:
    """One number for all that a match says."""
    said = "\x1f".join(match).encode()
    return int.from_bytes(hashlib.blake2b(said, digest_size=8).digest(), "big", signed=True)


class Shelf:
    """What was written already, in memory, for one piece of work."""

    def __init__(self, book: Tables) -> None:
        self.book = book
        self._grounds: dict[int, int] = {}
        self._made: dict[str, Made] = {}
        self._subjects: dict[int, tuple[int, str]] = {}
        self.exploited_until = book.exploited_until()
        kev = Exploited.objects.filter(generation__in=book.generations).values_list("identifier", flat=True)
        attacked = NetworkAdvisory.objects.filter(generation__in=book.generations, exploited=True)
        self.exploited = frozenset(kev) | frozenset(attacked.values_list("identifier", flat=True))

    def made(self, digest: str) -> Made | None:
        """Of a host like this one that came before."""
        return self._made.get(digest)

    def make(self, digest: str, outcome: Outcome) -> Made:
        """Rows of what is said, each once; in transactions of their own."""
        if len(self._made) >= HOSTS_KEPT:
            del self._made[next(iter(self._made))]
        self._made[digest] = Made(frozenset(self._ids(outcome.matches)), self._columns(outcome))
        return self._made[digest]

    def subjects(self, grounds: Collection[int]) -> dict[int, tuple[int, str]]:
        """Ground -> its weakness and package."""
        wanted = [ground for ground in grounds if ground not in self._subjects]
        for part in _parts(wanted):
            found = Ground.objects.filter(pk__in=part).values_list("pk", "weakness_id", "package")
            self._subjects.update({pk: (weakness, package) for pk, weakness, package in found})
        return {ground: self._subjects[ground] for ground in grounds}

    def _ids(self, matches: Iterable[Match]) -> list[int]:
        by_key = {key_of(match): match for match in matches}
        new = [key for key in by_key if key not in self._grounds]
        self._grounds.update(_known(new))
        new = [key for key in new if key not in self._grounds]
        if new:
            weaknesses = _weaknesses({by_key[key].identifier for key in new}, self.book)
            made = [_ground(key, by_key[key], weaknesses) for key in new]
            Ground.objects.bulk_create(made, CHUNK, ignore_conflicts=True)
            self._grounds.update(_known(new))
        return [self._grounds[key] for key in by_key]

    def _columns(self, outcome: Outcome) -> dict[str, Any]:
        by_answer: dict[str, set[str]] = {}
        for match in outcome.matches:
            by_answer.setdefault(match.answer, set()).add(match.identifier)
        fixable, uncertain = by_answer.pop(FIX, set()), by_answer.pop(UNCERTAIN, set())
        others: set[str] = set().union(*by_answer.values()) - fixable
        resting = self.book.resting(outcome.ecosystem, *outcome.beside)
        attacked = len(self.exploited & (fixable | others | uncertain))
        ends = [one.carries_until for one in resting if one.carries_until]
        return {
            "ecosystem": outcome.ecosystem[:60],
            "reason": outcome.reason,
            "detail": outcome.detail[:300],
            "feeds": [[one.name, one.dated.isoformat()] for one in resting],
            "carries_until": min(ends, default=None),
            "assessed": outcome.assessed,
            "fixable": len(fixable),
            "exploited": attacked if attacked or self.exploited_until else None,
            "exploited_until": self.exploited_until,
            "others": len(others),
            "undetermined": len(uncertain - fixable - others),
            "left_count": len(outcome.left),
            "packed": packed(outcome.left),
        }


def keep(shelf: Shelf, machine: int, snapshot: str, facts: str, host: str, made: Made, now: datetime) -> tuple[int, int]:
    """Write how a machine stands: (came, went), as vulnerabilities in packages. Inside a transaction of the caller's."""
    before = Matched.objects.select_for_update().filter(pk=machine).values_list("host", flat=True).first()
    held: dict[int, datetime] = dict(Carried.objects.filter(machine=machine).values_list("ground_id", "since"))
    columns = {"snapshot": snapshot, "facts": facts, "host": host, "book": shelf.book.stamp, "at": now, **made.columns}
    Matched.objects.update_or_create(machine_id=machine, defaults=columns)
    came, gone = made.grounds - held.keys(), held.keys() - made.grounds
    if not came and not gone:
        return 0, 0
    subjects = shelf.subjects(came | held.keys()) if held else {}
    since: dict[tuple[int, str], datetime] = {}
    for ground, start in held.items():
        subject = subjects[ground]
        since[subject] = min(start, since.get(subject, start))
    # another version, fix or answer of the same vulnerability in the same package begins nothing anew
    rows.insert(Carried, CARRIED, [(machine, one, since.get(subjects.get(one, (0, "")), now)) for one in sorted(came)])
    for part in _parts(sorted(gone)):
        Carried.objects.filter(machine=machine, ground__in=part).delete()
    if not held:
        return len(came), 0
    left = {subjects[ground] for ground in gone} - {subjects[ground] for ground in made.grounds if ground in subjects}
    ended = [
        Ended(machine_id=machine, weakness_id=w, package=p, since=since[w, p], until=now, by_data=before == host) for w, p in left
    ]
    Ended.objects.bulk_create(ended, CHUNK)
    return len({subjects[ground] for ground in came} - since.keys()), len(left)


def refresh(book: Tables) -> int:
    """Say anew of every weakness what the data in force say; how many."""
    after, done = 0, 0
    while part := list(Weakness.objects.filter(pk__gt=after).order_by("pk")[:CHUNK]):
        after = part[-1].pk
        _describe(part, book)
        with transaction.atomic():
            Weakness.objects.bulk_update(part, ["title", "severity", "exploited", "due", "ransomware", "epss"])
        done += len(part)
    return done


def _ground(key: int, match: Match, weaknesses: dict[str, int]) -> Ground:
    return Ground(
        key=key, weakness_id=weaknesses[match.identifier], package=match.package[:120], installed=match.installed[:200],
        fixed=match.fixed[:200], answer=ANSWERS[match.answer], decided_by=DECIDED[match.decided_by], note=match.note[:120],
        advisory=match.advisory[:60],
    )  # fmt: skip


def _known(keys: Sequence[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for part in _parts(keys):
        found.update(Ground.objects.filter(key__in=part).values_list("key", "pk"))
    return found


def _weaknesses(identifiers: set[str], book: Tables) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in _parts(sorted(identifiers)):
        known = dict(Weakness.objects.filter(identifier__in=part).values_list("identifier", "pk"))
        if new := [Weakness(identifier=one) for one in part if one not in known]:
            _describe(new, book)
            Weakness.objects.bulk_create(new, ignore_conflicts=True)
            known = dict(Weakness.objects.filter(identifier__in=part).values_list("identifier", "pk"))
        found.update(known)
    return found


def _describe(part: Sequence[Weakness], book: Tables) -> None:
    named = {"generation__in": book.generations, "identifier__in": [one.identifier for one in part]}
    said = Vulnerability.objects.filter(**named).values("identifier").annotate(worst=Max("severity"), words=Max("title"))
    worst = {row["identifier"]: (row["worst"], row["words"]) for row in said}
    networks = NetworkAdvisory.objects.filter(**named).values("identifier").annotate(worst=Max("severity"))
    graded = {row["identifier"]: row["worst"] for row in networks}
    attacked = set(NetworkAdvisory.objects.filter(**named, exploited=True).values_list("identifier", flat=True))
    kev_until = book.exploited_until()
    exploited = {one.identifier: one for one in Exploited.objects.filter(**named)}
    likely = dict(Likelihood.objects.filter(**named).values_list("identifier", "epss"))
    for one in part:
        kev = exploited.get(one.identifier)
        one.severity, one.title = worst.get(one.identifier, (0, ""))
        one.severity = max(one.severity, graded.get(one.identifier, 0))
        one.exploited = True if one.identifier in attacked else False if kev_until else None
        one.due, one.ransomware = None, None
        if kev is not None:
            one.exploited, one.due, one.ransomware = True, kev.due, kev.ransomware
            one.title = one.title or kev.name
        one.epss = likely.get(one.identifier)


def _parts(names: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (names[start : start + CHUNK] for start in range(0, len(names), CHUNK))
