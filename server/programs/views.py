"""A person's own keys: made, listed, revoked. Administrators also see and revoke those of their part of the tree."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from server.ingest.access import address_of
from server.journal import models as journal
from server.programs.models import SCOPES, Key
from server.units.choosing import UnitChoice
from server.units.models import Unit, User
from server.units.rights import ADMINISTER
from server.web.requests import user_of

DAYS = [(30, _("30 days")), (90, _("90 days")), (366, _("1 year"))]


class KeyForm(forms.Form):
    name = forms.CharField(label=_("What it is for"), max_length=200)
    unit = UnitChoice()
    scopes = forms.MultipleChoiceField(label=_("May read"), choices=list(SCOPES.items()), widget=forms.CheckboxSelectMultiple)
    days = forms.TypedChoiceField(label=_("Valid for"), choices=DAYS, coerce=int, initial=90)

    def __init__(self, *args: object, user: User, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["unit"].queryset = Unit.objects.visible_to(user)  # type: ignore[attr-defined]


@require_http_methods(["GET", "HEAD", "POST"])
def keys(request: HttpRequest) -> HttpResponse:
    """The text of a new key is shown in the answer to the POST, once."""
    user = user_of(request)
    form = KeyForm(request.POST or None, user=user)
    shown = None
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        until = timezone.now() + timedelta(days=given["days"])
        key, shown = Key.issue(user, given["unit"], given["name"], given["scopes"], until)
        journal.write(
            "key.new", user.username, unit_path=key.unit.path, subject=key.name, address=address_of(request), key=key.public,
            scopes=" ".join(key.scopes), until=until.isoformat(),
        )  # fmt: skip
        form = KeyForm(user=user)
    rows = _mine(user).select_related("user", "unit")[:200]
    return render(
        request, "programs/keys.html", {"form": form, "shown": shown, "keys": rows, "now": timezone.now(), "nav": "keys"}
    )


@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    key = get_object_or_404(_mine(user).select_related("unit"), pk=pk)
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])
        journal.write(
            "key.revoked", user.username, unit_path=key.unit.path, subject=key.name, address=address_of(request), key=key.public
        )
    return redirect("keys")


def _mine(user: User) -> QuerySet[Key]:
    administered = Key.objects.visible_to(user, ADMINISTER).values("pk")
    return Key.objects.filter(Q(user=user) | Q(pk__in=administered))
