"""Enrolment tokens, and taking an agent's right away."""

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
from server.ingest.models import Agent, EnrolmentToken
from server.journal import models as journal
from server.units.choosing import UnitChoice
from server.units.models import Unit, User
from server.units.rights import ADMINISTER, APPROVE
from server.web.requests import user_of

HOURS = [(1, _("1 hour")), (8, _("8 hours")), (24, _("1 day")), (168, _("7 days")), (720, _("30 days"))]


class TokenForm(forms.Form):
    unit = UnitChoice()
    uses = forms.IntegerField(label=_("Number of machines"), min_value=1, max_value=10_000, initial=1)
    hours = forms.TypedChoiceField(label=_("Valid for"), choices=HOURS, coerce=int, initial=24)
    note = forms.CharField(label=_("Note"), max_length=200, required=False)
    approval = forms.BooleanField(label=_("Let each in by hand"), required=False)

    def __init__(self, *args: object, user: User, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["unit"].queryset = Unit.objects.visible_to(user, ADMINISTER).filter(valid_until=None)  # type: ignore[attr-defined]


@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """List and create. The text of a new token is shown in the answer to the POST, once, and is in no session."""
    user = user_of(request)
    if not user.administers:
        raise PermissionDenied
    form = TokenForm(request.POST or None, user=user)
    shown = None
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data
        token, shown = EnrolmentToken.issue(
            chosen["unit"], chosen["uses"], chosen["hours"], user.username, chosen["note"], approval=chosen["approval"]
        )
        journal.write(
            "token.new", user.username, unit_path=token.unit.path, subject=token.public, address=address_of(request),
            unit=token.unit.name, uses=token.uses, hours=chosen["hours"],
        )  # fmt: skip
        form = TokenForm(user=user)
    waiting = Agent.objects.visible_to(user, APPROVE).filter(waiting=True, revoked_at=None).count()
    rows = EnrolmentToken.objects.visible_to(user, ADMINISTER).select_related("unit").annotate(machines=Count("agent"))
    url = request.build_absolute_uri("/").rstrip("/")
    return render(
        request,
        "ingest/tokens.html",
        {"form": form, "shown": shown, "tokens": rows[:200], "waiting": waiting, "url": url, "nav": "tokens"},
    )


@require_POST
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    token = get_object_or_404(EnrolmentToken.objects.visible_to(user, ADMINISTER).select_related("unit"), pk=pk)
    if token.revoked_at is None:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        journal.write(
            "token.revoked", user.username, unit_path=token.unit.path, subject=token.public, address=address_of(request)
        )
    return redirect("tokens")


@require_POST
def revoke_agent(request: HttpRequest, pk: str) -> HttpResponse:
    """Its uploads are refused from now on. What it sent stays."""
    user = user_of(request)
    agent = get_object_or_404(Agent.objects.visible_to(user, ADMINISTER).select_related("unit"), pk=pk)
    if agent.revoked_at is None:
        agent.revoked_at = timezone.now()
        agent.save(update_fields=["revoked_at"])
        journal.write(
            "agent.revoked",
            user.username,
            unit_path=agent.unit.path,
            subject=agent.name,
            address=address_of(request),
            agent=agent.pk,
        )
    return redirect("machine", pk=agent.machines.get(own=True).pk)
