"""Pages of the software register alone."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from server.ingest.models import Machine
from server.registers.books import BOOKS
from server.registers.installed import UNCOUNTED, Outside
from server.registers.views import PAGE, unit_of
from server.units.models import Unit
from server.units.rights import HANDLE
from server.web.requests import user_of
from server.web.spreadsheet import as_csv


@require_safe
def outside(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Programs that machines have and no entry names, the most frequent first."""
    user = user_of(request)
    unit = unit_of(user, request.GET.get("unit", ""))
    rows = Outside.objects.visible_to(user)
    machines = Machine.objects.visible_to(user).filter(retired_at=None, kind__in=("server", "workstation"))
    if unit is not None:
        rows = rows.filter(unit__path__under=unit.path)
        machines = machines.filter(unit__path__under=unit.path)
    if words := request.GET.get("q", "").strip()[:200]:
        rows = rows.filter(name__icontains=words)
    summed = rows.order_by().values("name", "maker").annotate(many=Sum("machines")).order_by("-many", "name", "maker")
    if request.GET.get("form") == "csv":
        told = lambda row: {_("Program"): row["name"], _("Publisher"): row["maker"], _("Machines"): row["many"]}  # noqa: E731
        return as_csv(summed.iterator(PAGE), told, "rasoat-software-outside")
    context = {
        "book": BOOKS["software"], "page": Paginator(summed, PAGE).get_page(request.GET.get("page")), "unit": unit, "words": words,
        "units": Unit.objects.visible_to(user).filter(valid_until=None), "unseen": machines.filter(UNCOUNTED).count(),
        "nav": "registers", "tab": "outside", "may_edit": user.does(HANDLE),
    }  # fmt: skip
    return render(request, "registers/outside.html", context)
