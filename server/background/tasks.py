"""Housekeeping that belongs to no room."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.core.management import call_command
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.background.declare import Outcome, Work, task
from server.background.models import Job
from server.background.periodic import COLLECTOR

ROUTINE = timedelta(days=3)
"""Periodic work that went well is soon of no interest."""


@task("background.prune", _("Forget old background work"))
def prune(work: Work) -> Outcome:
    now = timezone.now()
    old = Q(finished_at__lt=now - timedelta(days=settings.CONFIG.keep_job_days))
    routine = Q(asked_by=COLLECTOR, state=Job.DONE, finished_at__lt=now - ROUTINE)
    gone, _by_model = Job.objects.filter(old | routine).delete()
    return {"removed": gone}


@task("sessions.clear", _("Forget log-ons that have expired"))
def clear_sessions(work: Work) -> Outcome:
    call_command("clearsessions")
    return None
