"""Machines follow what publishers say: after a matching, and when a feed passes its age limit, those are judged again whose
fact says something else than the one they were judged with. No others, and no machine is asked.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from datetime import UTC, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from server.assess import centre, judge
from server.assess.models import CentreFact
from server.background.declare import Work
from server.feeds.matching import fact
from server.feeds.matching.codes import ANSWER_WORDS
from server.feeds.matching.models import Carried, Matched
from server.feeds.matching.tables import DECIDING, Tables
from server.feeds.models import EndOfLife, Feed, Generation
from server.ingest.models import IN_SERVICE, Machine

log = logging.getLogger(__name__)

SLICE: Final = 200
"""Machines between two looks at whether to go on."""
TOLD: Final = frozenset({*DECIDING, "epss", "end-of-life"})
"""Kinds of feeds that the fact rests on."""
PREPARED = ("host", "stamp", "matched_at", "packed")
_REASONS: Final = {
    "packages-not-seen": "the packages of this machine were not seen",
    "no-feed": "no feed that was imported speaks of this system",
    "system-not-seen": "what system this is was not seen",
}


class Desk:
    """What one piece of work knows of the feeds, from one book."""

    def __init__(self, book: Tables) -> None:
        self.book = book
        self._feeds = [feed for feed in book.feeds.values() if feed.kind in TOLD]
        numbers = sorted((feed.generation_id or 0, feed.limit) for feed in self._feeds)
        self.stamp = hashlib.sha256(f"1 {book.stamp} {numbers}".encode()).hexdigest()
        self._parts = {
            part: [_resting(feed) for feed in self._feeds if feed.kind == part] for part in (fact.KEV, fact.EPSS, fact.LIFE)
        }
        self._generations: dict[tuple[str, str], fact.Resting] = {}
        self._lives: dict[str, fact.Life | None] = {}

    def prepared(self, stands: Matched) -> fact.Prepared:
        """What is kept of one machine's matching."""
        held = [] if stands.reason else _held(stands.machine_id)
        reason = _REASONS.get(stands.reason, stands.reason)
        matching = fact.Matching(
            stands.host, reason, f"{reason}: {stands.detail}" if reason and stands.detail else reason, stands.assessed,
            stands.left, stands.carries_until,
        )  # fmt: skip
        own = [self._known(name, day) for name, day in stands.feeds]
        return fact.prepared(matching, held, {fact.SYSTEM: own, **self._parts}, self._life(stands.ecosystem))

    def _known(self, name: str, day: str) -> fact.Resting:
        if (name, day) not in self._generations:
            found = (
                Generation.objects.filter(feed__name=name, data_date=day, complete=True)
                .select_related("feed")
                .order_by("-pk")
                .first()
            )
            if found is None:  # swept away meanwhile
                raise LookupError(f"the data of {name} of {day} are here no longer")
            limit = found.feed.limit
            until = found.data_date + timedelta(days=limit) if limit else None
            self._generations[name, day] = fact.Resting(
                name, found.data_date, until, found.digest, found.imported_at, found.feed.kind
            )
        return self._generations[name, day]

    def _life(self, ecosystem: str) -> fact.Life | None:
        if ecosystem not in self._lives:
            product, _, cycle = ecosystem.partition(":")
            cycles = list(dict.fromkeys((cycle, cycle.partition("-")[0], cycle.partition("-")[0].partition(".")[0])))
            told = EndOfLife.objects.filter(generation__in=self.book.generations, product=product, cycle__in=cycles)
            found = min(told, key=lambda one: cycles.index(one.cycle), default=None)
            self._lives[ecosystem] = fact.Life(found.security_ends, found.extended_ends) if found else None
        return self._lives[ecosystem]


def follow(machines: Sequence[int], desk: Desk) -> int:
    """After a slice of machines was matched: put their facts together anew and judge those again whose fact turned. How many."""
    _prepare(list(Matched.objects.filter(machine__in=machines, book=desk.book.stamp)), desk)
    return judge_turned(machines)


def follow_rest(work: Work, desk: Desk) -> int:
    """Those whose fact is not put together yet from how they are matched, or from the data in force: other data came that
    match nothing anew, such as EPSS, or a worker died between the two."""
    judged, after = 0, 0
    current = Q(machine__centre_fact__matched_at=F("at"), machine__centre_fact__stamp=desk.stamp)
    stale = Matched.objects.filter(book=desk.book.stamp).filter(~current | Q(machine__centre_fact=None)).order_by("pk")
    while part := list(stale.filter(pk__gt=after).values_list("pk", flat=True)[:SLICE]):
        judged += follow(part, desk)
        after = part[-1]
        work.check()
    return judged


def judge_turned(machines: Sequence[int], waiting: bool = False) -> int:
    """Judge those again whose newest snapshot was judged with another fact than is known today; nothing of the others is opened.

    What came in after the last matching is not among them: it is matched within minutes, and then this is asked again. With
    `waiting` it is, where it was judged on an earlier day: if matching fails, it waits for long.
    """
    today, turned = timezone.localdate(), []
    found = Machine.objects.filter(IN_SERVICE, pk__in=machines, matched__isnull=False).exclude(latest__assessment__centre="")
    of = "latest__assessment__"
    columns = ("pk", "centre_fact__packed", "matched__host", f"{of}centre", f"{of}judged_at", "latest_id", "matched__snapshot")
    for pk, packed, host, judged_with, judged_at, latest, matched in found.values_list(*columns):
        if judged_with is None:
            continue  # could not be judged at all: no matter of this
        if latest != matched:
            turned += [pk] if waiting and timezone.localtime(judged_at).date() < today else []
        elif centre.digest(None if packed is None else bytes(packed), host, today) != judged_with:
            turned.append(pk)
    chosen = Machine.objects.filter(pk__in=turned).select_related("unit", "latest__base").order_by("pk")
    judged, _failed = judge.rejudge(chosen.iterator(chunk_size=20)) if turned else (0, 0)
    return judged


def age(work: Work) -> dict[str, int]:
    """A day has begun, and with it data may have passed their age limit, or have come back: every machine is asked of its row."""
    done = {"judged": 0, "after": 0} | work.kept
    machines = Machine.objects.filter(IN_SERVICE).exclude(latest=None).order_by("pk")
    if not done["after"]:
        work.expect(work.done + machines.count())
    while part := list(machines.filter(pk__gt=done["after"]).values_list("pk", flat=True)[:SLICE]):
        work.check()
        done["judged"] += judge_turned(part, waiting=True)
        done["after"] = part[-1]
        work.advance(len(part), **done)
    return {"judged": done["judged"]} if done["judged"] else {}


def _prepare(stands: Sequence[Matched], desk: Desk) -> None:
    """Nothing is put together where machine and data are the ones it was put together from."""
    held = CentreFact.objects.filter(machine__in=[one.machine_id for one in stands], stamp=desk.stamp)
    current: dict[int, str] = dict(held.values_list("machine_id", "host"))
    new = []
    for one in stands:
        if current.get(one.machine_id) == one.host:
            CentreFact.objects.filter(pk=one.machine_id).update(matched_at=one.at)
            continue
        try:
            packed = centre.pack(desk.prepared(one))
        except LookupError as error:
            log.error("machine %s: %s", one.machine_id, error)
            continue
        new.append(CentreFact(machine_id=one.machine_id, host=one.host, stamp=desk.stamp, matched_at=one.at, packed=packed))
    with transaction.atomic():
        CentreFact.objects.bulk_create(new, update_conflicts=True, unique_fields=["machine"], update_fields=PREPARED)


def _held(machine: int) -> list[fact.Held]:
    of = "ground__weakness__"
    columns = (f"{of}identifier", "ground__package", "ground__installed", "ground__fixed", "ground__answer", "since",
               f"{of}severity", f"{of}exploited", f"{of}epss")  # fmt: skip
    found = Carried.objects.filter(machine=machine).values_list(*columns)
    return [
        fact.Held(identifier, package, installed, fixed, ANSWER_WORDS[answer], since.astimezone(UTC).date(), *said)
        for identifier, package, installed, fixed, answer, since, *said in found
    ]


def _resting(feed: Feed) -> fact.Resting:
    made = feed.generation
    assert made is not None
    return fact.Resting(feed.name, made.data_date, feed.carries_until(), made.digest, made.imported_at, feed.kind)
