"""Findings that are worked on: the lists, one of them, and what people write there."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from server.assess import wording
from server.assignments import asking, changing, people
from server.assignments.asking import SHOWN, WHOSE, Asked
from server.assignments.forms import ChangeForm, CommentForm, TakeForm
from server.assignments.looking import all_seen, seen
from server.assignments.models import Assignment
from server.findings.codes import SEVERITIES
from server.ingest.access import address_of
from server.units.models import Unit
from server.units.rights import HANDLE
from server.web.requests import user_of
from server.web.spreadsheet import as_csv

PAGE = 50
BOTH = ["GET", "HEAD", "POST"]


def unit_asked(request: HttpRequest, number: int) -> Unit | None:
    """The unit a list is asked for; None: all this person sees. Another one's is not there."""
    return get_object_or_404(Unit.objects.visible_to(user_of(request)), pk=number) if number else None


@require_safe
def work(request: HttpRequest) -> HttpResponse:
    return _list(request)


def _list(request: HttpRequest, form: TakeForm | None = None, problem: str = "", status: int = 200) -> HttpResponse:
    user, asked = user_of(request), Asked.read(request.GET)
    unit = unit_asked(request, asked.unit)
    page = Paginator(asking.rows(user, asked, unit, timezone.localdate()), PAGE).get_page(request.GET.get("page"))
    here = list(page.object_list)
    mine = [one for one in here if one.is_open and user.may(HANDLE, one.unit)]
    context = {
        "page": page, "rows": [(asking.told(one, now), one in mine) for one, now in zip(here, all_seen(here), strict=True)],
        "asked": asked, "unit": unit, "units": Unit.objects.visible_to(user).filter(valid_until=None), "counts": asking.counts(user, unit),
        "whose": WHOSE, "states": SHOWN, "severities": [(one, wording.SEVERITIES[one]) for one in SEVERITIES],
        "form": form or (TakeForm(people.able_in_all(one.unit for one in mine), keep=True) if mine else None), "problem": problem,
        "due": asking.due(user), "may_handle": user.does(HANDLE), "nav": "work",
    }  # fmt: skip
    return render(request, "assignments/work.html", context, status=status)


@require_safe
def as_file(request: HttpRequest) -> StreamingHttpResponse:
    """The same list, all of it, for spreadsheets."""
    asked = Asked.read(request.GET)
    found = asking.rows(user_of(request), asked, unit_asked(request, asked.unit), timezone.localdate())
    return as_csv(found.iterator(chunk_size=500), _line, "rasoat-work", heading=[*HEADING], bom=True)


HEADING = (
    "no",
    "unit",
    "machine",
    "severity",
    "requirement",
    "check",
    "owner",
    "due",
    "state",
    "waits_for",
    "made_at",
    "closed_at",
)


def _line(one: Assignment) -> dict[str, Any]:
    told = asking.told(one)
    return {
        "no": one.pk, "unit": one.unit.name, "machine": one.machine.name if one.machine else "", "severity": told["severity_word"],
        "requirement": told["requirement"], "check": told["check"], "owner": str(one.owner or ""), "due": one.due,
        "state": one.get_state_display(), "waits_for": one.waits_for or one.why_word, "made_at": one.made_at, "closed_at": one.closed_at,
    }  # fmt: skip


@require_http_methods(BOTH)
def give(request: HttpRequest) -> HttpResponse:
    """Those that were ticked, to one person and with one due day."""
    user = user_of(request)
    if request.method != "POST":
        return redirect("work")
    numbers = [int(word) for word in request.POST.getlist("item") if word.isascii() and word.isdecimal() and len(word) < 19]
    mine = Assignment.objects.visible_to(user, HANDLE).filter(pk__in=numbers[: changing.MOST + 1])
    some = list(mine.select_related("unit"))
    if not some:
        return _list(request, problem=_("Tick what is meant."), status=422)
    form = TakeForm(people.able_in_all(one.unit for one in some), request.POST, keep=True)
    if not form.is_valid():
        return _list(request, form, _("Nothing was saved: nobody with that name may handle findings in all of these units."), 422)
    try:
        changing.give(some, form.given_to, form.cleaned_data["due"], user, address_of(request))
    except changing.Impossible as error:
        return _list(request, form, str(error), 409)
    return redirect(f"/work/?{request.GET.urlencode()}")


@require_http_methods(BOTH)
def assignment(request: HttpRequest, pk: int) -> HttpResponse:
    """One finding with everything said of it; saved over the version that was read."""
    user = user_of(request)
    found = _visible(request, pk)
    if request.method != "POST":
        return _page(request, found)
    if not user.may(HANDLE, found.unit):
        raise Http404
    form = ChangeForm(found, people.able(found.unit), request.POST)
    if not form.is_valid():
        return _page(request, found, form, status=422)
    try:
        changing.change(found, form.wish, form.cleaned_data["version"] or 0, user, address_of(request))
    except changing.Impossible as error:
        again = _visible(request, pk)
        if isinstance(error, changing.Overtaken):
            data = request.POST.copy()
            data["version"] = str(again.version)
            form = ChangeForm(again, people.able(again.unit), data)
        return _page(request, again, form, str(error), 409)
    return redirect("assignment", pk=pk)


def _visible(request: HttpRequest, pk: int) -> Assignment:
    rows = Assignment.objects.visible_to(user_of(request)).select_related("unit", "machine", "rule", "owner")
    return get_object_or_404(rows, pk=pk)


def _page(
    request: HttpRequest, found: Assignment, form: ChangeForm | None = None, problem: str = "", status: int = 200,
    said: CommentForm | None = None,
) -> HttpResponse:  # fmt: skip
    user = user_of(request)
    may = user.may(HANDLE, found.unit)
    context = {
        **asking.told(found, seen(found)), "notes": found.notes.all(), "problem": problem, "may": may, "nav": "work",
        "form": (form or ChangeForm(found, people.able(found.unit))) if may and found.is_open else None,
        "said": said or CommentForm(), "owner_able": people.is_able(found.owner, found.unit), "overtaken": status == 409,
    }  # fmt: skip
    return render(request, "assignments/assignment.html", context, status=status)


@require_http_methods(BOTH)
def comment(request: HttpRequest, pk: int) -> HttpResponse:
    """Who may see it and handle it may say something of it."""
    user = user_of(request)
    found = get_object_or_404(
        Assignment.objects.visible_to(user, HANDLE).select_related("unit", "machine", "rule", "owner"), pk=pk
    )
    if request.method != "POST":
        return redirect("assignment", pk=pk)
    form = CommentForm(request.POST)
    if not form.is_valid():
        return _page(request, found, status=422, said=form)
    changing.comment(found, form.cleaned_data["text"], user, address_of(request))
    return redirect("assignment", pk=pk)
