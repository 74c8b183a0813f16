"""The tree and each unit of it; log on, log off, choose a password."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.views import LoginView, LogoutView, PasswordChangeView
from django.db import transaction
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse_lazy
from django.views.decorators.http import require_POST, require_safe

from server.assess.tasks import follow
from server.ingest.access import address_of
from server.ingest.models import Machine
from server.journal import models as journal
from server.units.forms import FORMS, Form
from server.units.kinds import word
from server.units.models import Unit, User
from server.units.operations import By, Inconsistent
from server.units.rights import ADMINISTER, JOURNAL
from server.web.requests import user_of

FOUND = 200


class LogOn(LoginView):
    template_name = "units/log_on.html"
    redirect_authenticated_user = True
    authentication_form = AuthenticationForm


class LogOff(LogoutView):
    http_method_names = ["post", "options"]


class Password(PasswordChangeView):
    """Also the page that a person with a given password cannot go around."""

    template_name = "units/password.html"
    success_url = reverse_lazy("overview")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated and not request.user.has_usable_password():
            return render(request, "signon/password.html")
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        form.user.must_change = False  # saved together with the password
        journal.write("user.password", form.user.get_username(), address=address_of(self.request))
        return super().form_valid(form)


def locked_out(request: HttpRequest, credentials: dict[str, Any] | None, *args: Any, **kwargs: Any) -> HttpResponse:
    """Shown instead of the log-on after too many failures."""
    return render(request, "units/locked_out.html", status=429)


@dataclass
class Row:
    """A unit on a list."""

    unit: Unit
    kind: str
    machines: int
    depth: int
    heirs: list[Unit]


@require_safe
def units(request: HttpRequest) -> HttpResponse:
    """The topmost units of this person's part and those right below; or what a search finds, old names and codes included."""
    user = user_of(request)
    mine = Unit.objects.visible_to(user)
    text, ended = request.GET.get("q", "").strip(), "closed" in request.GET
    if text:
        wanted = Q(name__icontains=text) | Q(code__iexact=text) | Q(names__name__icontains=text) | Q(names__code__iexact=text)
        found = list(mine.filter(wanted).distinct()[:FOUND])
    else:
        shown = mine if ended else mine.filter(valid_until=None)
        tops = user.parts()
        found = list(shown.filter(Q(path__in=tops) | Q(parent__path__in=tops)))
    context = {"rows": _rows(found, user, bool(text)), "q": text, "closed": ended, "nav": "units"}
    return render(request, "units/units.html", context)


@require_safe
def unit(request: HttpRequest, pk: int) -> HttpResponse:
    """What it is and was called, where it lies and lay, what it came from and became."""
    user = user_of(request)
    found = get_object_or_404(Unit.objects.visible_to(user).select_related("parent"), pk=pk)
    return _page(request, found, {})


@require_POST
def act(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """One of the forms of a unit's page. Who may not change this unit does not learn that it is there."""
    user = user_of(request)
    found = get_object_or_404(Unit.objects.visible_to(user, ADMINISTER).select_related("parent"), pk=pk)
    if action not in _allowed(user, found):
        raise Http404
    form = FORMS[action](found, user, request.POST, prefix=action)
    if form.is_valid():
        try:
            with transaction.atomic():
                after = form.act(By(user.username, address_of(request), form.cleaned_data["decision"]))
                if action in ("move", "merge"):
                    after.refresh_from_db()
                    follow(after, user.username)  # what is stored is judged by what holds there
        except Inconsistent as error:
            form.add_error(None, str(error))
        else:
            return redirect("unit", pk=after.pk)
    return _page(request, Unit.objects.select_related("parent").get(pk=pk), {action: form})


def _allowed(user: User, unit: Unit) -> list[str]:
    """A unit is shaped by the administrators of the unit above it; what lies below it also by its own."""
    if not unit.open or not user.may(ADMINISTER, unit):
        return []
    if unit.parent is None:
        return ["rename", "new"]
    return list(FORMS) if user.may(ADMINISTER, unit.parent) else ["new"]


def _page(request: HttpRequest, unit: Unit, filled: dict[str, Form]) -> HttpResponse:
    user = user_of(request)
    above = Unit.objects.visible_to(user).filter(pk__in=unit.ids[:-1])
    below = Unit.objects.visible_to(user).filter(parent=unit)
    people = user.may(ADMINISTER, unit) or user.may(JOURNAL, unit)
    context = {
        "unit": unit,
        "kind": word(unit.kind),
        "above": above,
        "names": unit.names.all(),
        "places": unit.places.select_related("parent"),
        "came_from": unit.predecessions.select_related("old"),
        "went_into": unit.successions.select_related("new"),
        "heirs": [] if unit.open else unit.heirs(),
        "rows": _rows(list(below.filter(valid_until=None)), user, flat=True),
        "ended": below.exclude(valid_until=None).order_by("name", "pk"),
        "people": unit.memberships.select_related("user").order_by("user__username", "role") if people else None,
        "forms": [
            (action, filled.get(action) or FORMS[action](unit, user, prefix=action), action in filled)
            for action in _allowed(user, unit)
        ],
        "nav": "units",
    }
    return render(request, "units/unit.html", context)


def _rows(found: list[Unit], user: User, flat: bool) -> list[Row]:
    """Top first, each with what lies right below it in the order of codes and names."""
    counted = Machine.objects.visible_to(user).values_list("unit__path").annotate(Count("pk"))
    machines = [(path, count) for path, count in counted.order_by("unit__path")]
    tops = [] if flat else user.parts()
    by_path = {unit.path: unit for unit in found}

    def key(unit: Unit) -> tuple[Any, ...]:
        above = unit.path[: -len(str(unit.pk)) - 1]
        top = unit if flat or unit.path in tops else by_path.get(above, unit)
        return (not top.open, top.code, top.name, top.pk, unit is not top, not unit.open, unit.code, unit.name, unit.pk)

    return [
        Row(
            unit,
            word(unit.kind),
            sum(count for path, count in machines if path.startswith(unit.path)),
            0 if flat or unit.path in tops else 1,
            [] if unit.open else unit.heirs(),
        )
        for unit in sorted(found, key=key)
    ]
