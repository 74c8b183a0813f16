"""What the collector knows of vulnerabilities, ends of life and indicators, and how old it is. The same for everybody."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from server.feeds import status
from server.feeds.models import Trusted


@require_safe
def feeds(request: HttpRequest) -> HttpResponse:
    found = status.standings()
    old = [one for one in found if one.old]
    bundle = Trusted.objects.filter(role="targets").first()
    return render(request, "feeds/feeds.html", {"feeds": found, "old": old, "bundle": bundle, "nav": "feeds"})
