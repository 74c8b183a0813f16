"""What machines report closes an assignment, and opens it again. Nothing else does.

It is closed when a scan passes that is newer than the last one that did not. A verdict that turned because a stored report was
judged again, by other rules or newer data, closes nothing: the machine has not been looked at since. Of a unit every machine in
service has to pass in such a newer report: one that was never judged, or has been silent since, keeps it open, and that the machine
that failed was taken away proves nothing of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Count, Exists, F, Max, Min, OuterRef, QuerySet
from django.utils import timezone

from server.assignments.models import ENDED, OPEN, PASSED, Assignment, Note
from server.findings.codes import FAIL, NOT_ASKED, PASS, UNKNOWN
from server.findings.models import Head, Standing, Transition
from server.findings.queries import under
from server.ingest.models import IN_SERVICE, Machine
from server.journal import models as journal
from server.units.paths import outermost

COLLECTOR = "collector"
SLICE = 200


class Seen(NamedTuple):
    """How the machines of an assignment stand under its rule."""

    fail: int
    unknown: int
    passed: int
    not_judged: int
    """In service and never judged."""
    again: int
    """Of those that pass: only since a stored report was judged again. No new scan passed."""
    newest: datetime | None
    """orders_at of the newest report of those that do not pass; of a machine: of its newest report."""
    oldest: datetime | None
    """orders_at of the oldest among the newest reports of those that pass."""

    @property
    def verdict(self) -> int:
        """Of all together: the worst that is known, and not knowing is no pass."""
        if self.fail:
            return FAIL
        if self.unknown or (self.passed and self.not_judged):
            return UNKNOWN
        return PASS if self.passed else NOT_ASKED


def seen(one: Assignment) -> Seen:
    """As the verdicts are at this moment."""
    return all_seen([one])[0]


def all_seen(some: Sequence[Assignment]) -> list[Seen]:
    """The same of several, asked for together however many they are."""
    machines, rules = {one.machine_id for one in some if one.machine_id}, {one.rule_id for one in some}
    rows = Standing.objects.filter(machine__in=machines, rule__in=rules, machine__retired_at=None)
    verdicts = {(machine, rule): verdict for machine, rule, verdict in rows.values_list("machine_id", "rule_id", "verdict")}
    heads = dict(Head.objects.filter(machine__in=machines).values_list("machine_id", "at"))
    again = set(_again(machines, rules).values_list("machine_id", "rule_id"))
    whole = _of_units([one for one in some if not one.machine_id])
    found = []
    for one in some:
        if not one.machine_id:
            found.append(whole[one.pk])
            continue
        verdict, at = verdicts.get((one.machine_id, one.rule_id), NOT_ASKED), heads.get(one.machine_id)
        judged_again = verdict == PASS and (one.machine_id, one.rule_id) in again
        fail, unknown, passed = (int(verdict == word) for word in (FAIL, UNKNOWN, PASS))
        found.append(Seen(fail, unknown, passed, int(at is None), int(judged_again), at, at if passed else None))
    return found


def _of_units(some: Sequence[Assignment]) -> dict[int, Seen]:
    """By the number of the assignment: what the database adds up for each unit by itself, added up below each of these."""
    if not some:
        return {}
    rules, parts = {one.rule_id for one in some}, outermost(one.unit.path for one in some)
    rows = Standing.objects.filter(under("machine__unit__path", parts), rule__in=rules, machine__retired_at=None).order_by()
    counted = list(
        rows.values_list("machine__unit__path", "rule_id", "verdict").annotate(
            Count("machine"), Max("machine__head__at"), Min("machine__head__at")
        )
    )
    passes = rows.filter(machine=OuterRef("machine"), rule=OuterRef("rule"), verdict=PASS)
    turned = _again(Machine.objects.filter(IN_SERVICE, under("unit__path", parts)).order_by().values("pk"), rules)
    again = list(
        turned.filter(Exists(passes)).order_by().values_list("machine__unit__path", "rule_id").annotate(
            Count("machine", distinct=True)
        )
    )  # fmt: skip
    never = Machine.objects.filter(IN_SERVICE, under("unit__path", parts), head=None).order_by()
    not_judged = list(never.values_list("unit__path").annotate(Count("pk")))
    found = {}
    for one in some:
        here = [row for row in counted if row[1] == one.rule_id and row[0].startswith(one.unit.path)]
        fail, unknown, passed = (sum(row[3] for row in here if row[2] == word) for word in (FAIL, UNKNOWN, PASS))
        found[one.pk] = Seen(
            fail, unknown, passed,
            sum(number for path, number in not_judged if path.startswith(one.unit.path)),
            sum(number for path, rule, number in again if rule == one.rule_id and path.startswith(one.unit.path)),
            max((row[4] for row in here if row[2] <= UNKNOWN and row[4]), default=None),
            min((row[5] for row in here if row[2] == PASS and row[5]), default=None),
        )  # fmt: skip
    return found


def _again(machines: Any, rules: Any) -> QuerySet[Transition]:
    """Passes that began when the newest report was judged again."""
    return Transition.objects.filter(
        machine__in=machines, rule__in=rules, now=PASS, turn__gt=0, snapshot=F("machine__head__snapshot")
    )


def look(after: int = 0, limit: int = SLICE) -> tuple[int, int, int]:
    """A slice in order of their numbers: (the last one, or 0 at the end; closed or ended; reopened)."""
    rows = Assignment.objects.filter(pk__gt=after).select_related("unit", "machine__unit", "rule", "owner")
    part = list(rows.order_by("pk")[:limit])
    closed = reopened = 0
    for one, now in zip(part, all_seen(part), strict=True):
        changed = settle(one, now)
        closed += changed in (PASSED, ENDED)
        reopened += changed == OPEN
    return (part[-1].pk if len(part) == limit else 0), closed, reopened


def settle(one: Assignment, now: Seen) -> str:
    """Write down what reports say of it; the state it came to, or nothing where it stays."""
    if one.machine is not None and one.machine.unit_id != one.unit_id:
        Assignment.objects.filter(pk=one.pk).update(unit=one.machine.unit)
        one.unit = one.machine.unit
    if now.verdict in (FAIL, UNKNOWN):
        return _still(one, now)
    if one.closed_at is not None:
        return ""
    if now.verdict == PASS:
        newer = now.oldest is not None and now.oldest > one.failed_at
        return _close(one, PASSED) if newer and not now.again else ""
    if why := _ended(one):
        return _close(one, ENDED, why)
    return ""


def _ended(one: Assignment) -> str:
    """Why no machine is asked any more; nothing while that is not known."""
    if one.machine is not None and one.machine.retired_at is not None:
        return "retired"
    if one.machine is None and not one.unit.open:
        return "unit-ended"
    judged = Head.objects.filter(machine__retired_at=None)
    judged = judged.filter(machine=one.machine_id) if one.machine_id else judged.filter(machine__unit__path__under=one.unit.path)
    return "not-asked" if judged.exists() else ""


def _still(one: Assignment, now: Seen) -> str:
    """It does not pass. What was closed is open again once it fails; that it is unknown now reopens nothing."""
    newest = max(filter(None, (now.newest, one.failed_at)))
    if one.closed_at is None:
        if newest != one.failed_at:
            Assignment.objects.filter(pk=one.pk).update(failed_at=newest)
        return ""
    if not now.fail:
        return ""
    at = timezone.now()
    with transaction.atomic():
        here = Assignment.objects.filter(pk=one.pk, closed_at__isnull=False)
        if not here.update(
            state=OPEN, closed_at=None, why="", waits_for="", failed_at=newest, reopened=F("reopened") + 1, reminded=None,
            version=F("version") + 1, changed_at=at, changed_by=COLLECTOR,
        ):  # fmt: skip
            return ""
        Note.objects.create(assignment=one, at=at, by=COLLECTOR, kind=Note.AGAIN)
        journal.write("work.reopened", COLLECTOR, unit_path=one.unit.path, subject=str(one), owner=_name(one))
    return OPEN


def _close(one: Assignment, state: str, why: str = "") -> str:
    at = timezone.now()
    with transaction.atomic():
        here = Assignment.objects.filter(pk=one.pk, closed_at=None)
        if not here.update(
            state=state, why=why, waits_for="", closed_at=at, version=F("version") + 1, changed_at=at, changed_by=COLLECTOR
        ):
            return ""
        Note.objects.create(assignment=one, at=at, by=COLLECTOR, kind=Note.PASSED if state == PASSED else Note.ENDED, text=why)
        journal.write(
            "work.passed" if state == PASSED else "work.ended", COLLECTOR, unit_path=one.unit.path, subject=str(one),
            owner=_name(one), code=why or None,
        )  # fmt: skip
    return state


def _name(one: Assignment) -> str | None:
    return one.owner.username if one.owner else None
