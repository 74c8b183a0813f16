"""The calendar of a unit: a list, a month, and what stands on one day."""

from __future__ import annotations

import calendar as months
from datetime import date, timedelta
from typing import Any

from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from server.approvals import files
from server.calendar import dates, events, papers, reminding
from server.calendar.events import BY_HAND, KINDS, Event, Reach
from server.calendar.forms import DoneForm
from server.calendar.models import Done
from server.documents.models import Document
from server.ingest.access import address_of
from server.journal import models as journal
from server.units.models import Unit, User
from server.units.rights import ADMINISTER, HANDLE
from server.web.requests import user_of
from server.web.spreadsheet import as_csv

BACK, AHEAD = timedelta(days=31), timedelta(days=92)
BOTH = ["GET", "HEAD", "POST"]
PAGE = 100
EARLIEST, LATEST = date(2000, 1, 1), date(2100, 1, 1)


def unit_asked(user: User, text: str) -> Unit | None:
    """The one asked for, or the highest this person sees; None: none is."""
    mine = Unit.objects.visible_to(user)
    if text:
        return get_object_or_404(mine, pk=int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0)
    return mine.order_by("path").first()


@require_safe
def calendar(request: HttpRequest) -> HttpResponse:
    return page(request, unit_asked(user_of(request), request.GET.get("unit", "")))


def page(request: HttpRequest, unit: Unit | None, made: str = "") -> HttpResponse:
    """The list of the weeks around today, or one month. `made`: a new address for calendar programs, shown once."""
    user, today = user_of(request), timezone.localdate()
    if unit is None:
        return render(request, "calendar/calendar.html", {"unit": None, "nav": "calendar"})
    kind, month = request.GET.get("kind", ""), _month(request.GET.get("month", ""))
    kinds = [kind] if kind in KINDS else list(KINDS)
    first, last = (month, _end(month)) if month else (today - BACK, today + AHEAD)
    context: dict[str, Any] = {
        "unit": unit, "units": Unit.objects.visible_to(user).filter(valid_until=None), "nav": "calendar", "kinds": KINDS, "kind": kind,
        "today": today, "made": made, "may_handle": user.may(HANDLE, unit) and unit.open, "may_administer": user.may(ADMINISTER, unit), "first": first, "last": last,
        "lead_days": events.lead_days(unit), "drafts": Document.objects.waiting(user, HANDLE).filter(unit__path__under=unit.path).count(), "month": month, "this_month": (month or today).replace(day=1),
    }  # fmt: skip
    try:
        found = (
            events.gather(Reach(user, unit, joined=True), first, last, kinds)
            if month
            else reminding.gathered(user, unit, first, last, kinds, joined=True)
        )
    except dates.Unreadable as error:
        return render(request, "calendar/calendar.html", context | {"problem": str(error), "rows": []})
    papers.link(user, found)
    late = sum(one.left(today) < 0 and not one.over for one in found)
    soon = sum(0 <= one.left(today) <= context["lead_days"][0] and not one.over for one in found) if context["lead_days"] else 0
    # first seen is the page on which today lies
    here = sum(one.last < today for one in found) // PAGE + 1
    shown = Paginator(found, PAGE).get_page(request.GET.get("page") or here)
    context |= {"page": shown, "rows": [(one, one.left(today)) for one in shown], "late": late, "soon": soon}
    if month:
        context |= {
            "weeks": _weeks(month, found), "before": (month - timedelta(days=1)).replace(day=1), "after": last + timedelta(days=1)
        }  # fmt: skip
    return render(request, "calendar/calendar.html", context)


def _month(text: str) -> date | None:
    try:
        found = date.fromisoformat(f"{text}-01")
    except ValueError:
        return None
    return found if EARLIEST < found < LATEST else None


def _end(month: date) -> date:
    return month.replace(day=months.monthrange(month.year, month.month)[1])


def _weeks(month: date, found: list[Event]) -> list[list[tuple[date, list[Event]]]]:
    """Monday to Sunday; days of the months beside it are empty."""
    by_day: dict[date, list[Event]] = {}
    for one in found:
        by_day.setdefault(one.day, []).append(one)
    weeks = months.Calendar().monthdatescalendar(month.year, month.month)
    return [[(day, by_day.get(day, []) if day.month == month.month else []) for day in week] for week in weeks]


@require_safe
def as_file(request: HttpRequest) -> StreamingHttpResponse:
    """A year of it, for spreadsheets."""
    user, today = user_of(request), timezone.localdate()
    unit = unit_asked(user, request.GET.get("unit", ""))
    if unit is None:
        raise Http404
    try:
        found = reminding.gathered(user, unit, today - BACK, today + timedelta(days=366))
    except dates.Unreadable:
        raise Http404 from None
    heading = ("day", "last_day", "kind", "title", "unit", "who", "source", "wording", "done", "done_by", "proof")
    return as_csv(iter(found), _line, "rasoat-calendar", heading=heading)


def _line(one: Event) -> dict[str, Any]:
    return {
        "day": one.day, "last_day": one.last, "kind": one.kind_word, "title": one.title,
        "unit": one.unit.name if one.unit and not one.units else "", "who": one.who, "source": one.source,
        "wording": {"seen": _("wording read"), "not_seen": _("wording not read")}.get(one.wording, ""),
        "done": one.done.on if one.done else one.closed or (f"{one.done_by}/{len(one.units)}" if one.units else ""),
        "done_by": one.done.by if one.done else "", "proof": one.done.document if one.done else "",
    }  # fmt: skip


@require_http_methods(BOTH)
def day(request: HttpRequest) -> HttpResponse:
    """One thing on one day: what it rests on, and by which units it was done. Who may handle findings there says so."""
    user = user_of(request)
    unit = unit_asked(user, request.GET.get("unit", ""))
    found = _event(user, unit, request.GET)
    if found is None or unit is None:
        raise Http404
    papers.link(user, [found])
    answering = papers.answering(found)
    said = {one.unit_id: one for one in Done.objects.filter(taken_back_at=None, key=found.key, day=found.day, unit__in=answering)}
    mine = next((one for one in answering if one.pk == unit.pk), answering[0] if len(answering) == 1 else None)
    may = mine is not None and user.may(HANDLE, mine) and mine.pk not in said
    form = DoneForm(request.POST or None, request.FILES or None, initial={"on": timezone.localdate()}) if may else None
    status = 200
    if request.method == "POST":
        if form is None or mine is None:
            raise Http404
        status = 422
        if form.is_valid():
            problem = _say(found, mine, user, form.cleaned_data, address_of(request))
            if not problem:
                return redirect(f"{reverse('calendar-day')}?key={found.key}&day={found.day.isoformat()}&unit={mine.pk}")
            form.add_error(None, problem)
            status = 409
    before = (
        Done.objects.visible_to(user).filter(key=found.key, unit__in=answering).exclude(day=found.day).select_related("unit")[:20]
    )
    context = {
        "event": found, "left": found.left(timezone.localdate()), "form": form, "unit": unit, "mine": mine, "before": before,
        "rows": [(one, said.get(one.pk), user.may(HANDLE, one)) for one in answering], "nav": "calendar",
    }  # fmt: skip
    return render(request, "calendar/day.html", context, status=status)


def _event(user: User, unit: Unit | None, given: Any) -> Event | None:
    """What that key means on that day, among what this person sees."""
    try:
        wanted = date.fromisoformat(given.get("day", ""))
    except ValueError:
        return None
    key = given.get("key", "")
    kind = events.kind_of(key)
    if unit is None or kind not in BY_HAND or not EARLIEST < wanted < LATEST:
        return None
    try:
        found = events.gather(Reach(user, unit), wanted, wanted, [kind])
    except dates.Unreadable:
        return None
    return next((one for one in found if one.key == key), None)


def _say(found: Event, unit: Unit, by: User, given: dict[str, Any], address: str) -> str:
    """Keep it; why it could not be kept."""
    file = given["file"]
    try:
        with transaction.atomic():
            Done.objects.create(
                unit=unit, key=found.key, day=found.day, title=found.title[:300], on=given["on"], by=by.username, note=given["note"],
                document=given["document"], attachment=file.stored() if file else None, file_name=file.name if file else "",
            )  # fmt: skip
            journal.write(
                "calendar.done", by.username, unit_path=unit.path, subject=found.title, address=address, until=found.day.isoformat(),
                date=given["on"].isoformat(),
            )  # fmt: skip
    except IntegrityError:
        held = Done.objects.filter(unit=unit, key=found.key, day=found.day, taken_back_at=None).first()
        return _("%s has said so already.") % (held.by if held else "–")
    return ""


@require_safe
def file(request: HttpRequest, pk: int) -> HttpResponse:
    """The proof, to be saved."""
    found = get_object_or_404(Done.objects.visible_to(user_of(request)), pk=pk)
    response = files.download(found.attachment, found.file_name)
    if response is None:
        raise Http404
    return response


@require_POST
def take_back(request: HttpRequest, pk: int) -> HttpResponse:
    """It was not done after all. What was said stays on record."""
    user = user_of(request)
    found = get_object_or_404(Done.objects.visible_to(user, HANDLE).select_related("unit"), pk=pk)
    with transaction.atomic():
        if Done.objects.filter(pk=pk, taken_back_at=None).update(taken_back_at=timezone.now(), taken_back_by=user.username):
            journal.write(
                "calendar.taken-back", user.username, unit_path=found.unit.path, subject=found.title, address=address_of(request),
                until=found.day.isoformat(),
            )  # fmt: skip
    return redirect(f"{reverse('calendar')}?unit={found.unit_id}")
