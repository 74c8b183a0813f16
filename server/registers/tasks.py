"""What the registers do by themselves: read new reports, link what fits, forget files nobody took over."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.background.declare import Outcome, Work, task
from server.background.models import Job
from server.registers import acting, counting, linking, looking, seen, stocktake, writing
from server.registers.models import Item, Upload
from server.registers.stocks import Stocktake
from server.units.models import Unit

log = logging.getLogger(__name__)

SLICE = 50
KEPT = timedelta(days=1)
"""A file that nobody took over by then is forgotten."""


@task("registers.read", _("Read new reports for the registers"), lock="registers.read", gives_way=True)
def read(work: Work) -> Outcome:
    done = {"read": 0, "failed": 0, "after": 0} | work.kept
    while part := list(seen.stale().filter(pk__gt=done["after"])[:SLICE]):
        work.check()
        for machine in part:
            try:
                seen.note(machine)
                done["read"] += 1
            except Exception:  # one machine's bad luck must not stop the others
                log.exception("machine %s: report %s could not be read for the registers", machine.pk, machine.latest_id)
                done["failed"] += 1
        done["after"] = part[-1].pk
        work.advance(len(part), **done)
    linked = linking.join(Item.objects.filter(machine=None).select_related("unit").order_by("pk"), seen.COLLECTOR)
    moved = linking.follow(seen.COLLECTOR)
    counted = 0
    for pk in counting.dirty():
        work.check()
        unit = Unit.objects.filter(pk=pk).first()
        counted += counting.count(unit) if unit else 0
    Upload.objects.filter(applied_at=None, started_at=None, at__lt=timezone.now() - KEPT).delete()
    told = {"read": done["read"], "failed": done["failed"], "linked": linked, "moved": moved, "counted": counted}
    return told if any(told.values()) else None


@task("registers.look", _("Look at a file for a register"))
def look(work: Work, upload: int, console: bool = False) -> Outcome:
    """Nothing is written into the register."""
    kept = Upload.objects.filter(pk=upload, started_at=None, applied_at=None, useless="").select_related("unit").first()
    if kept is not None:
        looking.look(kept, acting.person(kept.by, console))
    return None


@task("registers.take", _("Write a file into a register"), lock="registers.take")
def take(work: Work, upload: int, console: bool = False) -> Outcome:
    """One at a time: two files may speak of the same entries."""
    kept = Upload.objects.filter(pk=upload, applied_at=None).exclude(started_at=None).select_related("unit").first()
    if kept is None:
        return None
    writing.carry_on(work, kept, acting.person(kept.started_by, console))
    counts = Upload.objects.get(pk=upload).result
    return {name: counts.get(name, 0) for name in ("new", "changed", "left")}


def ask_to_look(upload: Upload, console: bool = False) -> Job:
    return look.enqueue(by=upload.by, unit=upload.unit, subject=upload.file_name, key=f"registers.look/{upload.pk}", upload=upload.pk, console=console)  # fmt: skip


def ask_to_take(upload: Upload, by: str, console: bool = False) -> Job:
    return take.enqueue(by=by, unit=upload.unit, subject=upload.file_name, key=f"registers.take/{upload.pk}", upload=upload.pk, console=console)  # fmt: skip


def job_of(upload: Upload) -> Job | None:
    """The newest job that looks at it, or writes it."""
    word = "take" if upload.started_at else "look"
    return Job.objects.filter(key=f"registers.{word}/{upload.pk}").order_by("-pk").first()


@task("registers.freeze", _("Write down the lines of a stock-take"))
def freeze(work: Work, held: int) -> Outcome:
    return {"lines": stocktake.freeze(work, held)}


def ask_to_freeze(held: Stocktake, by: str) -> Job:
    return freeze.enqueue(by=by, unit=held.unit, subject=held.name, key=f"registers.freeze/{held.pk}", lock=f"registers.freeze/{held.pk}", held=held.pk)  # fmt: skip


def freezing(held: Stocktake) -> Job | None:
    return (
        Job.objects.filter(key=f"registers.freeze/{held.pk}").order_by("-pk").first()
        if held.state == Stocktake.PREPARING
        else None
    )
