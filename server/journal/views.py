"""The journal, for those who may read it."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from server.journal.models import ACTIONS, Entry
from server.units.rights import JOURNAL
from server.web.requests import user_of

PAGE = 50


@require_safe
def entries(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    if not user.does(JOURNAL):
        raise PermissionDenied
    rows = Entry.objects.visible_to(user, JOURNAL)
    action, text = request.GET.get("action", ""), request.GET.get("q", "").strip()
    if action in ACTIONS:
        rows = rows.filter(action=action)
    if text:
        rows = rows.filter(Q(actor__icontains=text) | Q(subject__icontains=text) | Q(address__startswith=text))
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return render(
        request, "journal/entries.html", {"page": page, "actions": ACTIONS.items(), "action": action, "q": text, "nav": "journal"}
    )
