"""The relays of a person's units: which there are, how they are, inviting one, taking one out of service."""

from __future__ import annotations

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from server.ingest.access import address_of
from server.journal import models as journal
from server.relays.models import Relay
from server.units.choosing import UnitChoice
from server.units.models import Unit, User
from server.units.rights import ADMINISTER
from server.web.requests import user_of


class RelayForm(forms.Form):
    unit = UnitChoice()
    name = forms.CharField(label=_("Name"), max_length=100)

    def __init__(self, *args: object, user: User, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["unit"].queryset = Unit.objects.visible_to(user, ADMINISTER).filter(valid_until=None)  # type: ignore[attr-defined]


@require_http_methods(["GET", "HEAD", "POST"])
def relays(request: HttpRequest) -> HttpResponse:
    """Those in trouble first. An invitation is shown in the answer to the POST, once."""
    user = user_of(request)
    form = RelayForm(request.POST or None, user=user) if user.administers else None
    shown = None
    if request.method == "POST":
        if form is None:
            raise PermissionDenied
        if form.is_valid():
            relay, shown = Relay.invite(form.cleaned_data["unit"], form.cleaned_data["name"], user.username)
            journal.write(
                "relay.invited", user.username, unit_path=relay.unit.path, subject=relay.name, address=address_of(request),
                relay=relay.pk,
            )  # fmt: skip
            form = RelayForm(user=user)
    now = timezone.now()
    found = Relay.objects.visible_to(user).select_related("unit").annotate(behind=Count("agents"))
    rows = [
        {
            "relay": relay,
            "trouble": [Relay.TROUBLE[name] for name in relay.trouble(now)],
            "may_revoke": user.may(ADMINISTER, relay.unit),
        }
        for relay in sorted(found, key=lambda relay: (not relay.trouble(now), relay.revoked_at is not None))
    ]
    url = request.build_absolute_uri("/").rstrip("/")
    return render(request, "relays/relays.html", {"rows": rows, "form": form, "shown": shown, "url": url, "nav": "relays"})


@require_POST
def revoke_relay(request: HttpRequest, pk: str) -> HttpResponse:
    """Nothing that comes through it is taken from now on. Its agents keep what the centre has not acknowledged."""
    user = user_of(request)
    relay = get_object_or_404(Relay.objects.visible_to(user, ADMINISTER).select_related("unit"), pk=pk)
    relay.revoke(user.username, address_of(request))
    return redirect("relays")
