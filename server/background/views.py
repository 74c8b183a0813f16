"""Background work, for those who administer: what waits, what runs and how far it is, what failed and why."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from server.background import keeper, queue
from server.background.console import note
from server.background.models import Job
from server.ingest.access import address_of
from server.units.rights import ADMINISTER
from server.web.requests import user_of

PAGE = 50


@require_safe
def jobs(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    if not user.does(ADMINISTER):
        raise PermissionDenied
    rows = Job.objects.visible_to(user, ADMINISTER).select_related("unit")
    state = request.GET.get("state", "")
    if state in dict(Job.STATES):
        rows = rows.filter(state=state)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    shown = {"page": page, "states": Job.STATES, "state": state, "unattended": keeper.unattended(), "nav": "jobs"}
    return render(request, "background/jobs.html", shown)


@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """What has ended in the meantime stays as it is."""
    user = user_of(request)
    job = get_object_or_404(Job.objects.visible_to(user, ADMINISTER).select_related("unit"), pk=pk)
    if queue.cancel(job):
        note("job.cancelled", user.username, job, address_of(request))
    return redirect("jobs")


@require_POST
def again(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    job = get_object_or_404(Job.objects.visible_to(user, ADMINISTER).select_related("unit"), pk=pk)
    if queue.again(job):
        note("job.again", user.username, job, address_of(request))
    return redirect("jobs")
