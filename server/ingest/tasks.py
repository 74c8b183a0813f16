"""Housekeeping of what came in."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.background.declare import Outcome, Work, task
from server.ingest.access import REFUSALS_KEPT
from server.ingest.models import Refusal


@task("ingest.forget-refusals", _("Forget refused uploads and enrolments of before yesterday"))
def forget_refusals(work: Work) -> Outcome:
    return {"removed": Refusal.objects.filter(at__lt=timezone.now() - REFUSALS_KEPT).delete()[0]}
