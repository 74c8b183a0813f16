"""What the registers do by themselves: read new reports, link what fits, forget files nobody took over."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.background.declare import Outcome, Work, task
from server.registers import counting, linking, seen
from server.registers.models import Item, Upload
from server.units.models import Unit

log = logging.getLogger(__name__)

SLICE = 50
KEPT = timedelta(days=1)
"""A file that nobody took over by then is forgotten."""


@task("registers.read", _("Read new reports for the registers"), lock="registers.read")
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
    Upload.objects.filter(applied_at=None, at__lt=timezone.now() - KEPT).delete()
    told = {"read": done["read"], "failed": done["failed"], "linked": linked, "moved": moved, "counted": counted}
    return told if any(told.values()) else None
