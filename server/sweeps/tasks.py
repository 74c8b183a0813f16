"""Holding stored reports against lists and letters: after a list came, after other data came, after a report came. No machine is asked."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.background.declare import Outcome, Work, task
from server.background.models import Job
from server.feeds.matching.models import Carried, Matched
from server.feeds.matching.tables import Overtaken
from server.ingest.models import IN_SERVICE, Machine, StoredSnapshot
from server.sweeps import keep, letters, proof, traces, weigh
from server.sweeps.book import Book, stamp
from server.sweeps.compare import Carries, Seen, answer
from server.sweeps.models import Concern, doubt
from server.sweeps.proof import Proofs
from server.sweeps.reports import records_of

log = logging.getLogger(__name__)

SLICE = 50
"""Machines of one transaction."""
SOON = timedelta(hours=1)
"""So long after a report, or after other data, matching may be on its way."""
CVES = 400
"""In one question."""
REPORTS = 24
"""Reports of one machine that came since it was looked at; of more, the newest. Each is a moment of its own."""


@task("sweeps.look", _("Look for indicators in stored reports"), lock="sweeps.look", gives_way=True)
def look(work: Work) -> Outcome:
    """Machines with a newer report, or that were held against other lists. A slice begun twice writes nothing twice."""
    if not keep.missing() and not _wanted(stamp()).exists():
        return None
    book = Book.open()
    done = {"looked": 0, "failed": 0, "new": 0, "after": 0} | work.kept
    with transaction.atomic():
        sheets = keep.sheets(book, timezone.now())
    if not sheets:
        return None
    wanted = _wanted(book.stamp)
    if not done["after"]:
        work.expect(work.done + wanted.count())
    while part := list(wanted.filter(pk__gt=done["after"])[:SLICE]):
        work.check()
        ready = []
        for machine in part:
            try:
                ready.append(_swept(machine, book))
            except Exception:  # one machine's bad luck must not stop the others
                log.exception("machine %s: its reports could not be held against the lists", machine.pk)
                done["failed"] += 1
        now = timezone.now()
        with transaction.atomic():
            for one in ready:
                done["new"] += keep.keep(one, sheets, book, now)
        done["looked"] += len(ready)
        done["after"] = part[-1].pk
        work.advance(len(part), **done)
    return {name: done[name] for name in ("looked", "failed", "new")}


def follow_lists(by: str) -> Job:
    """A list came: look for it. To be called in the transaction of the swap."""
    return look.enqueue(by=by, key="sweeps.look/swap")


@task("sweeps.weigh", _("Hold warnings by letter against stored reports"), lock="sweeps.weigh")
def weigh_letters(work: Work) -> Outcome:
    """Machines with a newer report, newer matches, or that were held against other letters or data."""
    if letters.missing():
        with transaction.atomic():
            letters.bring(timezone.now())
    if not _to_weigh(letters.stamp()).exists():
        return None
    book = letters.Book()
    done = {"weighed": 0, "failed": 0, "turned": 0, "after": 0} | work.kept
    if not book.letters:
        return None
    proofs = Proofs(book)
    wanted = _to_weigh(book.stamp)
    if not done["after"]:
        work.expect(work.done + wanted.count())
    while part := list(wanted.filter(pk__gt=done["after"])[:SLICE]):
        work.check()
        ready, lost = [], []
        carried, held = _carried(part, book.cves), proof.held(part)
        for machine in part:
            try:
                if (told := _told(machine, carried[machine.pk], held.get(machine.pk, {}), proofs)) is not None:
                    ready.append(told)
            except Overtaken:  # asked again with the data that came; what was said before holds until then
                continue
            except Exception:  # one machine's bad luck must not stop the others
                log.exception("machine %s: its report could not be held against the letters", machine.pk)
                done["failed"] += 1
                lost.append(machine.pk)
        now = timezone.now()
        with transaction.atomic():
            doubt(Concern.objects.filter(machine__in=lost))
            for one in ready:
                done["turned"] += weigh.keep(one, book.stamp, now)
        done["weighed"] += len(ready)
        done["after"] = part[-1].pk
        work.advance(len(part), **done)
    return {name: done[name] for name in ("weighed", "failed", "turned")}


def follow_letters(by: str) -> Job:
    """A letter came, or other data: hold them against what is stored. To be called in the transaction of the swap."""
    return weigh_letters.enqueue(by=by, key="sweeps.weigh/swap")


def _wanted(book: str) -> QuerySet[Machine]:
    current = Q(looked__snapshot=F("latest_id"), looked__book=book)
    machines = Machine.objects.filter(IN_SERVICE).exclude(latest=None).filter(~current | Q(looked=None))
    return machines.select_related("looked", "latest__base").order_by("pk")


def _swept(machine: Machine, book: Book) -> keep.Swept:
    reports = [_report(stored, book) for stored in _stored(machine)]
    return keep.Swept(machine, reports, keep.held(machine, reports[-1].traces, book))


def _stored(machine: Machine) -> list[StoredSnapshot]:
    """The newest report, and before it those that came since the last look: a contact of an hour ago is in none but its own."""
    assert machine.latest is not None
    looked: Any = getattr(machine, "looked", None)
    if looked is None:
        return [machine.latest]
    rows = StoredSnapshot.objects.filter(machine=machine, received_at__gt=looked.received_at).exclude(pk=machine.latest_id)
    between = list(rows.select_related("base").order_by("-received_at", "-pk")[:REPORTS])
    return [*sorted(between, key=lambda one: (one.orders_at, one.pk)), machine.latest]


def _report(stored: StoredSnapshot, book: Book) -> keep.Report:
    found = traces.read(records_of(stored))
    return keep.Report(stored.pk, stored.orders_at, stored.received_at, found, traces.hits(found, book))


# --- letters ---------------------------------------------------------------------------------------------------------


def _to_weigh(book: str) -> QuerySet[Machine]:
    matched = Q(weighed__matched_at=F("matched__at")) | Q(weighed__matched_at=None, matched=None)
    current = Q(weighed__snapshot=F("latest_id"), weighed__book=book) & matched
    known = Machine.objects.filter(current).values("pk")
    machines = Machine.objects.filter(IN_SERVICE).exclude(latest=None).exclude(pk__in=known)
    return machines.select_related("weighed", "matched", "latest__base").order_by("pk")


def _carried(part: list[Machine], cves: list[str]) -> dict[int, dict[str, list[Carries]]]:
    found: dict[int, dict[str, list[Carries]]] = {machine.pk: {} for machine in part}
    for start in range(0, len(cves), CVES):
        rows = Carried.objects.filter(machine__in=part, ground__weakness__identifier__in=cves[start : start + CVES])
        columns = ("machine_id", "ground__weakness__identifier", "ground__package", "ground__answer", "since")
        for machine, cve, *rest in rows.values_list(*columns):
            found[machine].setdefault(cve, []).append(Carries(*rest))
    return found


def _told(machine: Machine, carried: dict[str, list[Carries]], held: proof.Held, proofs: Proofs) -> weigh.Told | None:
    """None: matching will be here soon, and what was said before holds until then."""
    stored, book = machine.latest, proofs.book
    assert stored is not None
    matched: Matched | None = getattr(machine, "matched", None)
    behind = matched is None or (matched.snapshot, matched.book) != (stored.pk, book.matching)
    if behind and hasattr(machine, "weighed") and timezone.now() - max(stored.received_at, book.since) < SOON:
        return None
    seen = Seen.of(records_of(stored), carried=carried, **_reach(matched, stored, book.matching))
    answers = {
        letter: [(item.key, answer(item, seen, book)) for item in book.items[letter]] for letter in book.letters
    }  # fmt: skip
    told = weigh.Told(machine, stored.pk, stored.orders_at, matched.at if matched else None, answers)
    return proofs.of(told, seen, held)


def _reach(matched: Matched | None, stored: StoredSnapshot, book: str) -> dict[str, Any]:
    """How far the stored matches speak of this report, by the data of now."""
    if matched is None or matched.snapshot != stored.pk or matched.book != book:
        return {"unmatched": "not-matched"}
    reach = {"ecosystem": matched.ecosystem, "left": {one.package: one.why for one in matched.left}}
    if matched.reason:
        return {**reach, "unmatched": "not-assessed", "unmatched_detail": matched.reason_title}
    if matched.carries_until and matched.carries_until < timezone.localdate():
        return {**reach, "unmatched": "data-old"}
    return reach
