"""What is looked after again and again."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from server.background.declare import Outcome, Work, task
from server.schedules import attendance, rollouts
from server.schedules.models import Rollout


@task("schedules.check", _("See which sites are silent, and how rollouts go"), lock="schedules.check")
def check(work: Work) -> Outcome:
    """Done twice it changes nothing."""
    opened, closed = attendance.look()
    for rollout in Rollout.objects.filter(ended_at=None, halted_at=None).select_related("unit"):
        work.check()
        rollouts.watch(rollout)
    return {"opened": opened, "closed": closed} if opened or closed else None
