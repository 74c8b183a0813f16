"""One box for everything."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from server.search.find import LONGEST, find
from server.web.requests import user_of


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    asked = " ".join(request.GET.get("q", "").replace("\x00", " ").split())[:LONGEST]
    groups = find(user_of(request), asked)
    return render(request, "search/search.html", {"groups": groups, "asked": asked, "nav": "search"})
