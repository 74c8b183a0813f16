"""Bundles that were made, asked for and taken. Whoever may read the journal of a unit may take its evidence away."""

from __future__ import annotations

import socket
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import transaction
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from server.evidence.forms import BundleForm
from server.evidence.models import Bundle
from server.evidence.tasks import make
from server.evidence.wording import problem
from server.ingest.access import address_of
from server.journal import models as journal
from server.relays.keys import fingerprint
from server.units.rights import JOURNAL
from server.web.requests import user_of

PAGE = 50


@require_http_methods(["GET", "HEAD", "POST"])
def bundles(request: HttpRequest) -> HttpResponse:
    """Those there are, and the form for a new one, which a worker makes."""
    user = user_of(request)
    if not user.does(JOURNAL):
        raise PermissionDenied
    form = BundleForm(user, request.POST or None, request.FILES or None, initial=_wanted(request))
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            held = form.asked(user)
            make.enqueue(by=user.username, unit=held.unit, subject=held.name, key=f"evidence.make/{held.pk}", bundle=held.pk)
        return redirect("evidence")
    rows = Bundle.objects.visible_to(user, JOURNAL).select_related("unit")
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form, "page": page, "rows": [(one, problem(one.problem)) for one in page.object_list],
        "fingerprint": fingerprint(), "nav": "evidence",
    }  # fmt: skip
    return render(request, "evidence/bundles.html", context, status=422 if form.errors else 200)


def _wanted(request: HttpRequest) -> dict[str, Any]:
    """What a link from a document's page has chosen already; the form offers what this person may."""
    of, paper = request.GET.get("of", ""), request.GET.get("paper", "")
    return {"of": of, "papers": [paper]} if paper else {}


@require_safe
def take(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The file. Who takes it away stands in the journal."""
    user = user_of(request)
    held = get_object_or_404(Bundle.objects.visible_to(user, JOURNAL).select_related("unit"), pk=pk)
    answer = file_of(held, user.username, address_of(request))
    if answer is not None:
        return answer
    here = socket.gethostname()
    return render(request, "evidence/elsewhere.html", {"bundle": held, "here": here, "nav": "evidence"}, status=409)


def file_of(held: Bundle, by: str, address: str) -> FileResponse | None:
    """None: it is not made, made no longer, or lies on the disk of another machine of this collector."""
    if not held.ready:
        return None
    try:
        file = held.path.open("rb")
    except OSError:
        return None
    journal.write(
        "evidence.taken", by, unit_path=held.unit.path, subject=held.name, address=address, bundle=str(held.identity),
        digest=held.sha256,
    )  # fmt: skip
    return FileResponse(file, as_attachment=True, filename=held.file_name, content_type="application/zip")
