"""Pages of what is prepared by itself: which papers for which units, and that a draft was read by a person."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from server.documents import due, routines
from server.documents.kinds import KINDS, PREPARED
from server.documents.models import Issue, Routine
from server.ingest.access import address_of
from server.units.models import Unit, User
from server.units.rights import ADMINISTER, HANDLE
from server.web.requests import user_of

PAGE, NAMED = 100, 20
BOTH = ["GET", "HEAD", "POST"]


class Line(NamedTuple):
    """A routine, and when the next of its papers falls due."""

    routine: Routine
    said: str
    """The time that one speaks of, in Vietnamese as on the paper."""
    falls: datetime


@require_http_methods(BOTH)
def wanted(request: HttpRequest) -> HttpResponse:
    """Which papers are prepared; an administrator adds to them for units of theirs."""
    user = user_of(request)
    if not user.does(ADMINISTER):
        raise Http404
    if request.method != "POST":
        return _page(request, user)
    number = request.POST.get("unit", "")
    pk = int(number) if number.isascii() and number.isdecimal() and len(number) < 19 else 0
    unit = get_object_or_404(Unit.objects.visible_to(user, ADMINISTER), pk=pk)
    try:
        routines.add(unit, request.POST.get("kind", ""), user.username, address_of(request))
    except routines.Unfit as error:
        return _page(request, user, str(error), status=409)
    return redirect("document-routines")


def _page(request: HttpRequest, user: User, problem: str = "", status: int = 200) -> HttpResponse:
    today = timezone.localdate()
    rows = Routine.objects.visible_to(user, ADMINISTER).select_related("unit").order_by("unit__path", "kind")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    lines = []
    for one in page:
        span = due.last_over(one.kind, today).after
        lines.append(Line(one, span.said, due.falls(one.kind, span)))
    names = dict(KINDS)
    context = {
        "page": page, "lines": lines, "unmade": routines.unmade(user, ADMINISTER)[:NAMED], "problem": problem, "nav": "documents",
        "units": Unit.objects.visible_to(user, ADMINISTER).filter(valid_until=None).order_by("path"),
        "kinds": [(kind, names[kind]) for kind in PREPARED],
    }  # fmt: skip
    return render(request, "documents/routines.html", context, status=status)


@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """No more of them are prepared."""
    user = user_of(request)
    held = get_object_or_404(Routine.objects.visible_to(user, ADMINISTER).select_related("unit"), pk=pk)
    routines.remove(held.unit, held.kind, user.username, address_of(request))
    return redirect("document-routines")


@require_POST
def reviewed(request: HttpRequest, pk: int) -> HttpResponse:
    """This person has read that issue through."""
    user = user_of(request)
    issues = Issue.objects.visible_to(user, HANDLE).defer("packed").select_related("document__unit")
    issue = get_object_or_404(issues, pk=pk)
    routines.review(issue, user.username, address_of(request))
    return redirect("document", pk=issue.document_id)
