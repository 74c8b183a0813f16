"""Matching stored facts: after a swap of data, and after a machine's facts turned. No machine is asked."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from pydantic_core import from_json

from collectors.model import Snapshot, facts_digest
from server.assess import following
from server.background.declare import Outcome as Told
from server.background.declare import Work, task
from server.background.models import Job
from server.background.periodic import COLLECTOR
from server.feeds.matching import host, store
from server.feeds.matching.match import match
from server.feeds.matching.models import Ended, Matched
from server.feeds.matching.outcome import Cache
from server.feeds.matching.store import Made, Shelf
from server.feeds.matching.tables import Overtaken, Tables
from server.ingest.models import IN_SERVICE, Machine, StoredSnapshot
from server.storage import retention

log = logging.getLogger(__name__)

CONCERNS = following.TOLD
"""Kinds of feeds after whose swap there is something to do."""
SLICE = 50
"""Machines of one transaction."""
ENDED_SLICE = 2000
SOON = timedelta(minutes=1)
"""So long a report with other packages waits for more of its kind."""
REPORTS = "matching.match/reports"
"""Key of the job that reports ask for."""


class Ready(NamedTuple):
    """A machine, matched and not yet written."""

    machine: int
    snapshot: StoredSnapshot
    host: str
    made: Made


@task("matching.match", _("Match stored facts with the data on vulnerabilities"), lock="matching.match", gives_way=True)
def rematch(work: Work, refresh: bool = False) -> Told:
    """Machines whose newest snapshot, or the data it was matched with, is another than when they were last matched.

    `refresh`: data came that change no match, such as EPSS. The book is opened once: a swap that comes meanwhile has asked
    for a job of its own, which begins where this one can read no further. A slice begun twice writes nothing twice.
    """
    book = Tables()
    done = {"matched": 0, "failed": 0, "came": 0, "went": 0, "after": 0} | work.kept
    wanted = _wanted(book)
    if not done["after"]:
        work.expect(work.done + wanted.count())
        if refresh or Matched.objects.exclude(book=book.stamp).exists():
            store.refresh(book)
    shelf, desk = Shelf(book), following.Desk(book)
    cache: Cache = {}
    overtaken = False
    while not overtaken and (part := list(wanted.filter(pk__gt=done["after"])[:SLICE])):
        work.check()
        ready = []
        for machine in part:
            try:
                ready.append(_matched(machine, shelf, cache))
            except Overtaken:
                overtaken = True
                break
            except Exception:  # one machine's bad luck must not stop the others
                log.exception("machine %s: snapshot %s could not be matched", machine.pk, machine.latest_id)
                done["failed"] += 1
        now = timezone.now()
        with transaction.atomic():
            for one in ready:
                came, went = store.keep(shelf, one.machine, one.snapshot.pk, one.snapshot.deciding, one.host, one.made, now)
                done["came"] += came
                done["went"] += went
        following.follow([one.machine for one in ready], desk)
        done["matched"] += len(ready)
        if ready:
            done["after"] = ready[-1].machine
        if not overtaken:
            done["after"] = part[-1].pk
        work.advance(len(ready) if overtaken else len(part), **done)
    following.follow_rest(work, desk)
    _forget(work)
    return {name: done[name] for name in ("matched", "failed", "came", "went")}


def follow(by: str) -> Job:
    """Data were swapped: match by them. To be called in the transaction of the swap."""
    return rematch.enqueue(by=by, key="matching.match/swap", refresh=True)


def wake() -> None:
    """A machine reports other packages than before: match soon, all that come until then at once. What waits already is asked
    for by one look, so that a morning's reports do not each write a job. To be called once the report is committed."""
    if not Job.objects.filter(key=REPORTS, state=Job.WAITING).exists():
        rematch.enqueue(by=COLLECTOR, key=REPORTS, after=SOON)


def _wanted(book: Tables) -> QuerySet[Machine]:
    current = Q(matched__snapshot=F("latest_id"), matched__book=book.stamp)
    machines = Machine.objects.filter(IN_SERVICE).exclude(latest=None).filter(~current | Q(matched=None))
    return machines.select_related("latest__base", "matched").order_by("pk")


def _matched(machine: Machine, shelf: Shelf, cache: Cache) -> Ready:
    """Nothing is opened where the facts are the same as before and a host like it was matched already."""
    stored = machine.latest
    assert stored is not None
    before: Matched | None = getattr(machine, "matched", None)
    if before is not None and _same(before, stored) and (made := shelf.made(before.host)):
        return Ready(machine.pk, stored, before.host, made)
    seen = host.read(_records(stored))
    digest = store.digest_of(seen)
    made = shelf.made(digest) or shelf.make(digest, match(seen, shelf.book, cache))
    return Ready(machine.pk, stored, digest, made)


def _same(before: Matched, stored: StoredSnapshot) -> bool:
    """By what was worked out here; a digest that the machine itself gives could stay the same for ever."""
    return before.snapshot == stored.pk or (bool(stored.deciding) and before.facts == stored.deciding)


def _records(stored: StoredSnapshot) -> list[dict[str, object]]:
    """Facts as they are kept, where a program of the same facts found them sound; else each is checked."""
    raw = stored.open().snapshot
    if stored.sound_for != facts_digest():
        raw = Snapshot.from_bytes(raw).to_bytes()
    records: list[dict[str, object]] = from_json(raw)["records"]
    return records


def _forget(work: Work) -> None:
    """What ended before the oldest snapshot that is kept (`keep_snapshot_days`; 0: nothing)."""
    if before := retention.before():
        while old := list(Ended.objects.filter(until__lt=before).values_list("pk", flat=True)[:ENDED_SLICE]):
            Ended.objects.filter(pk__in=old).delete()
            work.check()
