"""Waivers come to their end: by a person at once, by their last day, and people are told 30 and 7 days before."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q
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
            journal.write("waiver.ended", by, unit_path=waiver.unit.path, subject=str(waiver), address=address)


def take_back(attestation: Attestation, by: str, address: str = "") -> None:
    """A person's word counts for nothing from this second on."""
    now = timezone.now()
    with transaction.atomic():
        if Attestation.objects.filter(pk=attestation.pk, ended_at=None).update(ended_at=now, ended_by=by):
            journal.write("attestation.ended", by, unit_path=attestation.unit.path, subject=str(attestation), address=address)


def check() -> tuple[int, int]:
    """(warned of, noted as ended). Each warning is given once, however often this runs, and a missed one is made up for."""
    now = timezone.now()
    warned = 0
    for waiver in Waiver.objects.filter(in_force(now)).select_related("unit"):
        due = min((days for days in WARNINGS if waiver.left(now) <= days), default=0)
        if due and (waiver.warned == 0 or due < waiver.warned):
            warned += _warn(waiver, due, waiver.left(now))
    gone = Waiver.objects.filter(Q(ended_at=None, over=False, until__lt=timezone.localdate(now)))
    over = 0
    for waiver in gone.select_related("unit"):
        with transaction.atomic():
            if Waiver.objects.filter(pk=waiver.pk, over=False).update(over=True):
                journal.write("waiver.ended", COLLECTOR, unit_path=waiver.unit.path, subject=str(waiver))
                over += 1
    return warned, over


def _warn(waiver: Waiver, due: int, left: int) -> int:
    """In the journal and on the pages; for machines that are named also as an alarm of theirs."""
    with transaction.atomic():
        if not Waiver.objects.filter(pk=waiver.pk, warned=waiver.warned).update(warned=due):
            return 0
        journal.write(
            "waiver.ends-soon",
            COLLECTOR,
            unit_path=waiver.unit.path,
            subject=str(waiver),
            days=left,
            until=waiver.until.isoformat(),
        )
        if not waiver.whole:
            named = Machine.objects.filter(IN_SERVICE, covers__waiver=waiver, unit__path__under=waiver.unit.path)
            for machine in named.select_related("unit"):
                judge.raise_alarm(machine, "waiver-ends", target=str(waiver), date=waiver.until.isoformat())
    return 1
