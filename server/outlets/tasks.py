"""What outlets do in the background: one job sees who has something to tell, one job for each of those tells it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.background.declare import Outcome, Work, task
from server.background.models import Job
from server.background.periodic import COLLECTOR
from server.outlets import deliver, news
from server.outlets.models import Outlet

ROUTINE = timedelta(hours=1)
"""These jobs are done each minute; those that went well are soon of no interest."""


@task("outlets.tell", _("Tell an outlet"), retries=10)
def tell(work: Work, outlet: int) -> Outcome:
    """Begun twice, a slice may be told twice; receivers know it by its ids."""
    found = Outlet.objects.select_related("unit").filter(pk=outlet).first()
    told = 0
    if found is not None:
        told = deliver.deliver(found, progress=lambda count: work.advance(count))
    return {"rows": told}


@task("outlets.look", _("See which outlets have something to tell"), lock="outlets.look")
def look(work: Work) -> Outcome:
    while news.sort():
        work.check()
    now = timezone.now()
    for outlet in Outlet.objects.select_related("unit"):
        work.check()
        if due(outlet, now):
            tell.enqueue(
                by=COLLECTOR, unit=outlet.unit, subject=outlet.name, key=f"outlets.tell/{outlet.pk}",
                lock=f"outlets.tell/{outlet.pk}", outlet=outlet.pk,
            )  # fmt: skip
    while news.forget():
        work.check()
    routine = Q(name__in=(tell.name, look.name), asked_by=COLLECTOR, state=Job.DONE, finished_at__lt=now - ROUTINE)
    Job.objects.filter(routine).delete()
    return {}


def due(outlet: Outlet, now: datetime) -> bool:
    """Whether a job for it would do anything."""
    if deliver.overdue(outlet, now):
        return True
    if outlet.paused_at is not None:
        return False
    if not outlet.unit.open:
        return outlet.error != deliver.ENDED
    return (outlet.next_at is None or outlet.next_at <= now) and deliver.waiting(outlet, now)


@task("outlets.test", _("Send a test message"), retries=0)
def test(work: Work, outlet: int) -> Outcome:
    """Whether the receiver took it, and why not, stands in the list of jobs."""
    deliver.test(Outlet.objects.select_related("unit").get(pk=outlet), timezone.now())
    return {"rows": 1}
