"""Keep a filter under a name, share it with a unit, remove it."""

from __future__ import annotations

from django import forms
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from server.approvals.forms import Sentence
from server.filters.models import PAGES, SavedFilter, kept
from server.ingest.access import address_of
from server.journal import models as journal
from server.units.models import Unit
from server.units.rights import ADMINISTER, HANDLE
from server.web.requests import user_of


class FilterForm(forms.Form):
    name = Sentence(label=_("Name of the filter"), max_length=100)
    page = forms.ChoiceField(choices=list(PAGES.items()))
    query = forms.CharField(required=False, max_length=4000)
    unit = forms.IntegerField(label=_("Share with"), required=False, min_value=1, max_value=2**31)


@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """A name that one has used already on that list is given to the new filter."""
    user = user_of(request)
    form = FilterForm(request.POST)
    if not form.is_valid():
        return render(request, "filters/refused.html", {"form": form}, status=422)
    given = form.cleaned_data
    unit = None
    if given["unit"]:
        unit = get_object_or_404(Unit.objects.visible_to(user, HANDLE).filter(valid_until=None), pk=given["unit"])
    with transaction.atomic():
        made, _new = SavedFilter.objects.update_or_create(
            owner=user, page=given["page"], name=given["name"],
            defaults={"query": kept(given["query"]), "unit": unit, "at": timezone.now()},
        )  # fmt: skip
        if unit is not None:
            journal.write(
                "filter.shared",
                user.username,
                unit_path=unit.path,
                subject=f"{made.name} – {unit.name}",
                address=address_of(request),
            )
    return redirect(made.address)


@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """One's own; whoever administers a unit removes what is shared with it."""
    user = user_of(request)
    administered = Q(unit__in=Unit.objects.visible_to(user, ADMINISTER).order_by().values("pk"))
    found = SavedFilter.objects.filter(Q(owner=user) | administered, pk=pk).first()
    if found is None:
        raise Http404
    page = found.page
    found.delete()
    return redirect(page)
