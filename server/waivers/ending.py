"""Waivers and attestations come to their end: by a person at once, by their last day, and people are told 30 and 7 days before."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from server.assess import judge
from server.ingest.models import IN_SERVICE, Machine
from server.journal import models as journal
from server.waivers.models import WARNINGS, Attestation, Waiver, in_force

COLLECTOR = "collector"


def end(waiver: Waiver, by: str, address: str = "") -> None:
    """A person ends it: from this second on it counts for nothing. One person is enough, as it only makes things stricter."""
    now = timezone.now()
    with transaction.atomic():
        if Waiver.objects.filter(pk=waiver.pk, ended_at=None).update(ended_at=now, ended_by=by, over=True):
            journal.write(
                "waiver.ended", by, unit_path=waiver.unit.path, subject=str(waiver), address=address, request=waiver.request_id
            )


def take_back(attestation: Attestation, by: str, address: str = "") -> None:
    """A person's word counts for nothing from this second on."""
    now = timezone.now()
    with transaction.atomic():
        if Attestation.objects.filter(pk=attestation.pk, ended_at=None).update(ended_at=now, ended_by=by, over=True):
            journal.write(
                "attestation.ended", by, unit_path=attestation.unit.path, subject=str(attestation), address=address,
                digest=attestation.digest,
            )  # fmt: skip


def check() -> tuple[int, int]:
    """(warned of, noted as ended). Each warning is given once, however often this runs, and a missed one is made up for."""
    now = timezone.now()
    counted = [_check(Waiver, "waiver", now), _check(Attestation, "attestation", now)]
    return sum(warned for warned, _over in counted), sum(over for _warned, over in counted)


def _check(model: type[Any], action: str, now: datetime) -> tuple[int, int]:
    """Of one kind of word."""
    rows: QuerySet[Any] = model.objects.select_related("unit")
    warned = over = 0
    for one in rows.filter(in_force(now)):
        due = min((days for days in WARNINGS if one.left(now) <= days), default=0)
        if due and (one.warned == 0 or due < one.warned):
            warned += _warn(one, f"{action}.ends-soon", due, one.left(now))
    for one in rows.filter(ended_at=None, over=False, until__lt=timezone.localdate(now)):
        with transaction.atomic():
            if model.objects.filter(pk=one.pk, over=False).update(over=True):
                which = {"request": one.request_id} if isinstance(one, Waiver) else {"digest": one.digest}
                journal.write(f"{action}.ended", COLLECTOR, unit_path=one.unit.path, subject=str(one), **which)
                over += 1
    return warned, over


def _warn(one: Waiver | Attestation, action: str, due: int, left: int) -> int:
    """In the journal, which outlets carry further, and on the pages; for machines that are named also as an alarm of theirs."""
    with transaction.atomic():
        if not type(one).objects.filter(pk=one.pk, warned=one.warned).update(warned=due):
            return 0
        until = one.until.isoformat()
        journal.write(action, COLLECTOR, unit_path=one.unit.path, subject=str(one), days=left, until=until)
        if isinstance(one, Waiver) and not one.whole:
            named = Machine.objects.filter(IN_SERVICE, covers__waiver=one, unit__path__under=one.unit.path)
            for machine in named.select_related("unit"):
                judge.raise_alarm(machine, "waiver-ends", target=str(one), date=until)
    return 1
