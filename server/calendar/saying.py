"""What a unit says of deadlines: days of its own, which texts it answers for, how long before it wants to hear of them."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from server.calendar import dates, events
from server.calendar.forms import OwnForm, SettingForm
from server.calendar.models import OwnDate, Setting
from server.calendar.views import unit_asked
from server.ingest.access import address_of
from server.journal import models as journal
from server.units.models import Unit, User
from server.units.rights import ADMINISTER, HANDLE
from server.web.requests import user_of

BOTH = ["GET", "HEAD", "POST"]
FIELDS = ("title", "who", "source", "day", "repeats", "until")


@require_http_methods(BOTH)
def new(request: HttpRequest) -> HttpResponse:
    """A day of a unit's own."""
    user = user_of(request)
    unit = unit_asked(user, request.GET.get("unit", ""))
    if unit is None or not user.may(HANDLE, unit) or not unit.open:
        raise Http404
    form = OwnForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            given = {name: form.cleaned_data[name] for name in FIELDS}
            made = OwnDate.objects.create(unit=unit, changed_by=user.username, **given)
            _note("calendar.own", made, user, request)
        return _back(unit)
    return render(
        request, "calendar/own.html", {"form": form, "unit": unit, "nav": "calendar"}, status=422 if form.errors else 200
    )


@require_http_methods(BOTH)
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """The second of two who save is refused by name and sees both."""
    user = user_of(request)
    found = get_object_or_404(OwnDate.objects.visible_to(user, HANDLE).select_related("unit"), pk=pk)
    begin = {name: getattr(found, name) for name in FIELDS} | {"version": found.version}
    form = OwnForm(request.POST or None, initial=begin)
    status, held = 422 if form.errors else 200, None
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            held = OwnDate.objects.select_for_update(of=("self",)).get(pk=pk)
            if held.version == (form.cleaned_data["version"] or 0):
                for name in FIELDS:
                    setattr(held, name, form.cleaned_data[name])
                held.version, held.changed_at, held.changed_by = held.version + 1, timezone.now(), user.username
                held.save()
                _note("calendar.own", found, user, request)
                return _back(found.unit)
        form, status = _anew(OwnForm, request, held), 409
        form.add_error(None, _overtaken(held))
    context = {"form": form, "own": found, "unit": found.unit, "held": held, "nav": "calendar"}
    return render(request, "calendar/own.html", context, status=status)


def _anew(form: type[OwnForm], request: HttpRequest, held: OwnDate) -> OwnForm:
    """The same words over what is saved now."""
    data = request.POST.copy()
    data["version"] = str(held.version)
    made = form(data)
    made.is_valid()
    return made


def _overtaken(held: OwnDate | Setting) -> str:
    said = {"who": held.changed_by, "at": date_format(timezone.localtime(held.changed_at), "DATETIME_FORMAT")}
    return (
        _(
            "%(who)s saved this at %(at)s, while you were writing. Nothing of yours was saved: below stand what is saved now "
            "and what you wrote; save again to put yours in its place."
        )
        % said
    )


@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """It falls no more. What was said to be done on it stays on record."""
    user = user_of(request)
    found = get_object_or_404(OwnDate.objects.visible_to(user, HANDLE).select_related("unit"), pk=pk)
    with transaction.atomic():
        _note("calendar.own-removed", found, user, request)
        found.delete()
    return _back(found.unit)


@require_http_methods(BOTH)
def settings(request: HttpRequest, pk: int) -> HttpResponse:
    """Which days of law and documents a unit answers for, and its lead days."""
    user = user_of(request)
    unit = get_object_or_404(Unit.objects.visible_to(user, ADMINISTER), pk=pk)
    held = Setting.objects.filter(unit=unit).first() or Setting(unit=unit)
    try:
        rules = list(dates.rules().values())
    except dates.Unreadable as error:
        return render(request, "calendar/settings.html", {"unit": unit, "problem": str(error), "nav": "calendar"}, status=409)
    by_place = _by_place(unit, rules)
    answered = (by_place | set(held.on)) - set(held.off)
    begin = {
        "lead_days": ", ".join(map(str, held.lead_days or ())), "rules": sorted(answered), "version": held.version,
        "why": next(iter(held.off.values()), ""),
    }  # fmt: skip
    form = SettingForm(rules, by_place, request.POST or None, initial=begin)
    status = 422 if form.errors else 200
    if request.method == "POST" and form.is_valid():
        if _save(unit, form, by_place, user, request):
            return _back(unit)
        now = Setting.objects.get(unit=unit)
        data = request.POST.copy()
        data["version"] = str(now.version)
        form, status, held = SettingForm(rules, by_place, data), 409, now
        form.add_error(None, _overtaken(now))
    context = {
        "form": form, "unit": unit, "held": held, "nav": "calendar", "above": events.lead_days(unit), "overtaken": status == 409,
        "rules": {one.id: one for one in rules},
    }  # fmt: skip
    return render(request, "calendar/settings.html", context, status=status)


def _by_place(unit: Unit, rules: list[dates.Rule]) -> set[str]:
    """What a unit answers for where nobody says anything."""
    roots = set(Unit.objects.filter(parent=None).values_list("pk", flat=True))
    return {rule.id for rule in rules if events.followed([unit], rule, {}, roots)}


def _save(unit: Unit, form: SettingForm, by_place: set[str], user: User, request: HttpRequest) -> bool:
    """False: somebody else was faster."""
    given = form.cleaned_data
    chosen = set(given["rules"])
    with transaction.atomic():
        Setting.objects.get_or_create(unit=unit, defaults={"changed_by": user.username})
        held = Setting.objects.select_for_update(of=("self",)).get(unit=unit)
        if held.version != (given["version"] or 0):
            return False
        held.lead_days = given["lead_days"] or None
        held.on, held.off = sorted(chosen - by_place), dict.fromkeys(sorted(by_place - chosen), given["why"])
        held.version, held.changed_at, held.changed_by = held.version + 1, timezone.now(), user.username
        held.save()
        journal.write(
            "calendar.settings", user.username, unit_path=unit.path, subject=unit.name, address=address_of(request),
            left_out=", ".join(held.off) or None, said=given["why"] or None,
        )  # fmt: skip
    return True


def _back(unit: Unit) -> HttpResponse:
    return redirect(f"{reverse('calendar')}?unit={unit.pk}")


def _note(action: str, one: OwnDate, user: User, request: HttpRequest, **detail: Any) -> None:
    journal.write(action, user.username, unit_path=one.unit.path, subject=one.title, address=address_of(request), **detail)
