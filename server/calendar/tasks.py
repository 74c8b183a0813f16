"""Reminders of deadlines."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.background.declare import Outcome, Work, task
from server.calendar import reminding


@task("calendar.remind", _("Remind units of deadlines"), lock="calendar.remind")
def remind(work: Work) -> Outcome:
    told = reminding.remind(timezone.localdate())
    return {"rows": told} if told else None
