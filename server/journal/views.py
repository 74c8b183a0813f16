"""The journal, for administrators."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from server.journal.models import ACTIONS, Entry
from server.units.models import Membership, Unit, User
from server.web.requests import user_of

PAGE = 50


def readable(user: User) -> Q:
    """Condition on an Entry: it concerns a unit this person administers; what concerns no unit is for the root's administrators."""
    condition = user.reach_of("unit_path", Membership.ADMIN)
    if Unit.objects.filter(user.reach(Membership.ADMIN), parent=None).exists():
        condition |= Q(unit_path="")
    return condition


@require_safe
def entries(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    if not user.administers:
        raise PermissionDenied
    rows = Entry.objects.filter(readable(user))
    action, text = request.GET.get("action", ""), request.GET.get("q", "").strip()
    if action in ACTIONS:
        rows = rows.filter(action=action)
    if text:
        rows = rows.filter(Q(actor__icontains=text) | Q(subject__icontains=text) | Q(address__startswith=text))
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return render(
        request, "journal/entries.html", {"page": page, "actions": ACTIONS.items(), "action": action, "q": text, "nav": "journal"}
    )
