"""Coverage: the numbers of a unit, the lists behind them, taking lists over, and excusing what cannot report."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from server.coverage import lists, numbers, register
from server.coverage.forms import ExcuseForm, ListForm
from server.coverage.models import Expected, Listing
from server.coverage.numbers import Numbers
from server.ingest.access import address_of
from server.ingest.models import Machine
from server.journal import models as journal
from server.units.models import Unit, User, everything
from server.units.rights import ADMINISTER, SEE
from server.web.requests import user_of
from server.web.spreadsheet import as_csv

PAGE = 50
HEADING = (_("Unit"), _("Name"), _("Kind"), _("Hardware address"), _("Address"), _("Lists"), _("Last seen"), _("Reason"))


@require_safe
def coverage(request: HttpRequest) -> HttpResponse:
    """Four numbers, the units below with the worst first, and the gap that was chosen as a list."""
    user, now = user_of(request), timezone.now()
    unit = _unit(user, request.GET.get("unit", ""))
    every = everything()
    seen = user.part_of(every, SEE)
    fresh = numbers.reported_of_late(now, every)
    own = numbers.by_unit(user, now, fresh)
    total, branches = numbers.summed(own, Numbers, user, unit, seen)
    if unit is None and len(branches) == 1:  # the highest this person sees: it would only say its own sum again
        unit = branches[0].unit
        total, branches = numbers.summed(own, Numbers, user, unit, seen)
    chosen = request.GET.get("gap", "")
    page = None
    if chosen in numbers.GAPS:
        page = Paginator(numbers.gap(user, chosen, unit, now, fresh), PAGE).get_page(request.GET.get("page"))
    above = list(Unit.objects.visible_to(user).filter(pk__in=unit.ids[:-1])) if unit else []
    context = {
        "unit": unit, "above": above, "total": total, "branches": branches, "gaps": numbers.GAPS, "gap": chosen, "page": page,
        "of_lists": numbers.OF_LISTS, "has_lists": numbers.has_lists(user), "excuse_form": ExcuseForm(), "nav": "coverage",
    }  # fmt: skip
    return render(request, "coverage/coverage.html", context)


@require_safe
def gap(request: HttpRequest, gap: str) -> StreamingHttpResponse:
    """A gap's list as CSV, written while it is read."""
    if gap not in numbers.GAPS:
        raise Http404
    user, now = user_of(request), timezone.now()
    unit = _unit(user, request.GET.get("unit", ""))
    rows = numbers.gap(user, gap, unit, now).iterator(chunk_size=PAGE)
    return as_csv(rows, _row, f"coverage-{gap}")


def _row(row: Expected | Machine) -> dict[str, Any]:
    held, mac, address, excuse = "", "", "", ""
    seen: datetime | None
    if isinstance(row, Expected):
        held = " ".join(sorted(mention.source for mention in row.mentions.all() if mention.gone_at is None))
        mac, address, excuse, seen = row.mac, row.address, row.get_excuse_display(), row.last_at
    else:
        seen = row.latest.orders_at if row.latest else None
    cells = (row.unit.name, row.name, row.get_kind_display(), mac, address, held, seen, excuse)
    return dict(zip(map(str, HEADING), cells, strict=True))


@require_http_methods(["GET", "HEAD", "POST"])
def listings(request: HttpRequest) -> HttpResponse:
    """Lists taken over so far, and a form for another. Without `take` in the form it only says what would change."""
    user = user_of(request)
    if not user.administers:
        raise PermissionDenied
    form = ListForm(request.POST or None, request.FILES or None, user=user)
    plan, problems, taken = None, [], False
    if request.method == "POST" and form.is_valid():
        given, taken = form.cleaned_data, "take" in request.POST
        upload, now = given["file"], timezone.now()
        try:
            if upload.size > lists.MAX_BYTES:
                raise lists.ListError(
                    [gettext("%(size)d bytes, at most %(most)d are read") % {"size": upload.size, "most": lists.MAX_BYTES}]
                )
            raw = upload.read()
            read = lists.read(given["source"], raw, upload.name, now)
            plan = register.take(
                given["unit"],
                given["source"],
                upload.name,
                raw,
                read,
                user.username,
                now,
                dry=not taken,
                shorter=given["shorter"],
            )
        except lists.ListError as error:
            problems = error.problems
    context = {
        "form": form, "plan": plan, "problems": problems[:50], "more": max(0, len(problems) - 50), "taken": taken and plan,
        "listings": Listing.objects.visible_to(user, ADMINISTER).select_related("unit")[:100], "nav": "coverage",
    }  # fmt: skip
    return render(request, "coverage/listings.html", context)


@require_POST
def excuse(request: HttpRequest, pk: int) -> HttpResponse:
    """Say why a listed one cannot report, or take the excuse back."""
    user = user_of(request)
    row = get_object_or_404(Expected.objects.visible_to(user, ADMINISTER).select_related("unit"), pk=pk)
    form = ExcuseForm(request.POST)
    if not form.is_valid():
        return render(request, "coverage/excuse.html", {"row": row, "form": form, "nav": "coverage"}, status=422)
    given = form.cleaned_data
    row.excuse, row.excuse_note, row.excused_until = given["excuse"], given["excuse_note"], given["excused_until"]
    row.excused_by = user.username if row.excuse else ""
    row.save(update_fields=["excuse", "excuse_note", "excused_until", "excused_by"])
    journal.write(
        "coverage.excuse", user.username, unit_path=row.unit.path, subject=row.name, address=address_of(request),
        reason=row.excuse or None, note=row.excuse_note, until=row.excused_until.isoformat() if row.excused_until else None,
    )  # fmt: skip
    return redirect(f"/coverage/?gap={'excused' if row.excuse else 'absent'}&unit={row.unit_id}")


def _unit(user: User, text: str) -> Unit | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise Http404
    return get_object_or_404(Unit.objects.visible_to(user), pk=int(text))
