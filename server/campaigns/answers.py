"""What a unit says to a campaign: received, on duty, handed in; and machines for which it asks an exemption."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from server.campaigns import excusing, leading, reading
from server.campaigns.account import counted
from server.campaigns.forms import ExcuseForm, HandInForm, ReceiveForm, RosterForm
from server.campaigns.models import SCOPE, Campaign, Part, Row
from server.campaigns.states import DONE
from server.ingest.access import address_of
from server.units.models import User
from server.units.rights import HANDLE
from server.web.requests import user_of

BOTH = ["GET", "HEAD", "POST"]


@require_safe
def part(request: HttpRequest, pk: int) -> HttpResponse:
    """A unit's own page in a campaign."""
    found = get_object_or_404(Part.objects.visible_to(user_of(request)).select_related("campaign", "unit"), pk=pk)
    return _page(request, found)


def _page(request: HttpRequest, found: Part, filled: dict[str, forms.Form] | None = None, problem: str = "", status: int = 200) -> HttpResponse:  # fmt: skip
    user, held = user_of(request), found.campaign
    rows = Row.objects.visible_to(user).filter(campaign=held, place=SCOPE, part__path__under=found.path)
    filled = filled or {}
    shown = reading.written(found.roster, reading.SHIFT)
    context = {
        "part": found, "campaign": held, "numbers": counted(rows), "problem": problem, "nav": "campaigns",
        "may": user.may(HANDLE, found.unit) and held.state == Campaign.RUNNING, "duty": reading.shifts(found.roster),
        "receive": filled.get("receive") or ReceiveForm(prefix="receive"),
        "hand_in": filled.get("hand_in")
        or HandInForm(prefix="hand_in", initial={"name": user.full_name, "version": found.handed_version}),
        "roster": filled.get("roster") or RosterForm(prefix="roster", initial={"roster": shown, "version": found.roster_version}),
    }  # fmt: skip
    return render(request, "campaigns/part.html", context, status=status)


def _answer(
    request: HttpRequest, pk: int, name: str, form: forms.Form, do: Callable[[Part, User, dict[str, Any], str], None]
) -> HttpResponse:
    """One of the forms of a unit's page. Who may not answer for this unit does not learn that it is there."""
    user = user_of(request)
    found = get_object_or_404(Part.objects.visible_to(user, HANDLE).select_related("campaign", "unit"), pk=pk)
    if request.method != "POST":  # the page after a mistake, loaded again
        return redirect("campaign-part", pk=pk)
    if not form.is_valid():
        return _page(request, found, {name: form}, status=422)
    try:
        do(found, user, form.cleaned_data, address_of(request))
    except leading.Impossible as error:
        found.refresh_from_db()
        if isinstance(error, leading.Overtaken):
            form = _anew(request, found, form)
        return _page(request, found, {name: form}, problem=str(error), status=409)
    return redirect("campaign-part", pk=pk)


def _anew(request: HttpRequest, found: Part, form: forms.Form) -> forms.Form:
    """The same words over what is saved now: the page shows both, and whoever saves again has read it."""
    data = request.POST.copy()
    version = found.roster_version if isinstance(form, RosterForm) else found.handed_version
    data[form.add_prefix("version")] = str(version)
    return type(form)(data, prefix=form.prefix)


@require_http_methods(BOTH)
def received(request: HttpRequest, pk: int) -> HttpResponse:
    form = ReceiveForm(request.POST, prefix="receive")
    return _answer(
        request, pk, "receive", form, lambda part, user, given, where: leading.receive(part, user.username, given["note"], where)
    )


@require_http_methods(BOTH)
def handed_in(request: HttpRequest, pk: int) -> HttpResponse:
    form = HandInForm(request.POST, prefix="hand_in")
    return _answer(
        request, pk, "hand_in", form,
        lambda part, user, given, where: leading.hand_in(
            part, user.username, given["name"], given["role"], given["note"], given["version"] or 0, where
        ),
    )  # fmt: skip


@require_http_methods(BOTH)
def roster(request: HttpRequest, pk: int) -> HttpResponse:
    form = RosterForm(request.POST, prefix="roster")
    return _answer(
        request, pk, "roster", form,
        lambda part, user, given, where: leading.put_on_duty(part, given["roster"], given["version"] or 0, user.username, where),
    )  # fmt: skip


@require_http_methods(BOTH)
def excuse(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask that machines be exempted. A second person decides, under Approvals."""
    user = user_of(request)
    held = get_object_or_404(Campaign.objects.visible_to(user), pk=pk)
    numbers = [int(word) for word in request.GET.getlist("row") if word.isascii() and word.isdecimal() and len(word) < 19]
    if not numbers or held.state != Campaign.RUNNING:
        return redirect("campaign-machines" if held.state == Campaign.RUNNING else "campaign", pk=pk)
    mine = Row.objects.visible_to(user, HANDLE).filter(campaign=held, place=SCOPE, pk__in=numbers).exclude(state=DONE)
    rows = list(mine.select_related("part__unit")[: excusing.MOST])
    if not rows:
        raise Http404
    form = ExcuseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        asked = excusing.ask(held, rows, user, given["reason"], given["document"], address_of(request))
        return redirect("request", pk=asked.pk)
    context = {"campaign": held, "rows": rows, "form": form, "nav": "campaigns"}
    return render(request, "campaigns/excuse.html", context, status=422 if form.errors else 200)
