"""From an empty collector to the first report: a unit, a token, the commands to copy, and waiting for the machine."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from server.ingest.access import address_of
from server.ingest.models import EnrolmentToken, Machine
from server.journal import models as journal
from server.units.choosing import UnitChoice
from server.units.models import Unit, User
from server.units.rights import ADMINISTER
from server.web.requests import user_of

HOURS = 24
SHOWN = 20


class UnitForm(forms.Form):
    unit = UnitChoice()

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["unit"].queryset = Unit.objects.visible_to(user, ADMINISTER).filter(valid_until=None)  # type: ignore[attr-defined]


@require_http_methods(["GET", "HEAD", "POST"])
def first_steps(request: HttpRequest) -> HttpResponse:
    """The token's text stands in the answer to the POST, once, as on the page of tokens; `token` in the address is its public part."""
    user = user_of(request)
    if not user.administers:
        raise PermissionDenied
    form = UnitForm(request.POST or None, user=user)
    shown, token = "", _token(user, request.GET.get("token", ""))
    if request.method == "POST" and form.is_valid():
        unit = form.cleaned_data["unit"]
        token, shown = EnrolmentToken.issue(unit, 1, HOURS, user.username, gettext("first machine"))
        journal.write(
            "token.new", user.username, unit_path=unit.path, subject=token.public, address=address_of(request), unit=unit.name, uses=1,
            hours=HOURS,
        )  # fmt: skip
    context = {
        "form": form, "shown": shown, "token": token, "machines": _machines(user, token) if token else [],
        "url": request.build_absolute_uri("/").rstrip("/"), "several": form.fields["unit"].queryset.count() > 1,  # type: ignore[attr-defined]
        "nav": "tokens",
    }  # fmt: skip
    return render(request, "overview/first_steps.html", context)


@require_safe
def arrived(request: HttpRequest) -> HttpResponse:
    """What came in by a token, for the page that waits."""
    user = user_of(request)
    if not user.administers:
        raise PermissionDenied
    token = _token(user, request.GET.get("token", ""))
    return JsonResponse({"machines": _machines(user, token) if token else []})


def _token(user: User, public: str) -> EnrolmentToken | None:
    if not public:
        return None
    return get_object_or_404(EnrolmentToken.objects.visible_to(user, ADMINISTER).select_related("unit"), public=public[:16])


def _machines(user: User, token: EnrolmentToken) -> list[dict[str, Any]]:
    """Enrolled, and whether it reported: the one is not the other."""
    came = Machine.objects.visible_to(user).filter(agent__token=token, own=True).order_by("pk")[:SHOWN]
    return [
        {
            "name": machine.name,
            "url": reverse("machine", args=[machine.pk]),
            "reported": machine.latest_id is not None,
            "said": gettext("It has reported: look here")
            if machine.latest_id
            else gettext("It has enrolled; its first report is awaited"),
        }
        for machine in came
    ]
