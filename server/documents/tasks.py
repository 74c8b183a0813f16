"""Papers that are prepared on their day."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.background.declare import Outcome, Work, task
from server.documents import routines

MORNING = timedelta(hours=4)
"""A day begins so much later for papers: by then the night has counted the end of the day before."""


@task("documents.prepare", _("Prepare papers that are due"), lock="documents.prepare")
def prepare(work: Work) -> Outcome:
    made, failed = routines.prepare(timezone.localdate(timezone.now() - MORNING), work.check)
    told = {"rows": made, "missing": failed}
    return told if any(told.values()) else None
