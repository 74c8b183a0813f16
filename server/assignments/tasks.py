"""What is done of itself: reports close and open assignments, and people are reminded."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.assignments import looking, reminding
from server.background.declare import Outcome, Work, task


@task("assignments.look", _("See which findings are mended, and which fail again"), lock="assignments.look")
def look(work: Work) -> Outcome:
    after, closed, reopened = int(work.kept.get("after", 0)), 0, 0
    while True:
        after, shut, again = looking.look(after)
        closed, reopened = closed + shut, reopened + again
        if not after:
            break
        work.advance(looking.SLICE, after=after)
    return {"closed": closed, "reopened": reopened} if closed or reopened else None


@task("assignments.remind", _("Remind people of findings that are due"), lock="assignments.remind")
def remind(work: Work) -> Outcome:
    told = reminding.remind(timezone.localdate())
    return {"findings": told} if told else None
