"""Pages of the equipment register alone: machines and entries that do not meet, and linking them by hand."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from server.ingest.models import Machine
from server.registers import linking
from server.registers.books import BOOKS, whole
from server.registers.models import Item, key_of
from server.registers.views import BOTH, PAGE, unit_of
from server.units.rights import HANDLE
from server.web.paging import Keyed
from server.web.requests import user_of
from server.web.spreadsheet import as_csv

DAYS = (7, 30, 90, 180, 365)
UNSEEN_DAYS = 30
GAPS = {
    "unlisted": gettext_lazy("Machines not in the register"),
    "unseen": gettext_lazy("Entries not seen"),
    "alone": gettext_lazy("Entries without a machine"),
}
CANDIDATES = 20


@require_safe
def gaps(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Machines without an entry, entries whose machine is silent, computers of which no machine reports."""
    user = user_of(request)
    unit = unit_of(user, request.GET.get("unit", ""))
    gap = request.GET.get("gap", "")
    gap = gap if gap in GAPS else "unlisted"
    asked = request.GET.get("days", "")
    days = int(asked) if asked in map(str, DAYS) else UNSEEN_DAYS
    now = timezone.now()
    rows: Any
    if gap == "unlisted":
        rows = linking.free().filter(user.reach_of("unit__path")).order_by("unit__path", "name", "pk")
    else:
        condition = linking.unseen(now, days) if gap == "unseen" else linking.ALONE
        rows = whole(Item.objects.visible_to(user)).filter(condition)
    if unit is not None:
        rows = rows.filter(unit__path__under=unit.path)
    found = rows
    if gap == "unlisted":
        rows = rows.select_related("latest", "told").defer("latest__sealed")
    if request.GET.get("form") == "csv":
        return as_csv(rows.iterator(PAGE), _row, f"rasoat-equipment-{gap}")
    context = {
        "book": BOOKS["equipment"], "page": Keyed(found, rows, PAGE).get_page(request.GET.get("page")), "gap": gap, "gaps": GAPS,
        "days": days, "all_days": DAYS, "unit": unit, "nav": "registers", "tab": "gaps", "may_edit": user.does(HANDLE),
    }  # fmt: skip
    return render(request, "registers/gaps.html", context)


def _row(row: Any) -> dict[str, Any]:
    if isinstance(row, Machine):
        seen = row.latest.orders_at if row.latest else None
        return {_("Unit"): row.unit.name, _("Machine"): row.name, _("Serial number"): row.serial, _("Last report"): seen}
    columns = BOOKS["equipment"].columns
    return {
        columns["id"].title: row.pk, columns["unit"].title: row.unit.name, columns["name"].title: row.shown("name").value,
        columns["serial"].title: row.shown("serial").value, columns["tag"].title: row.tag, columns["seen"].title: row.seen_at,
    }  # fmt: skip


@require_http_methods(BOTH)
def link(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose the machine of an entry by hand."""
    user = user_of(request)
    item = get_object_or_404(whole(Item.objects.visible_to(user, HANDLE)), pk=pk)
    machines = linking.free().filter(user.reach_of("unit__path", HANDLE), unit__path__under=item.unit.path)
    said = ""
    if request.method == "POST":
        wanted = request.POST.get("machine", "")
        valid = wanted.isascii() and wanted.isdecimal() and len(wanted) < 19
        machine = machines.filter(pk=int(wanted)).first() if valid else None
        if item.machine_id is not None:
            said = _("The entry has a machine already: take that link away first.")
        elif machine is None:
            said = _("This machine is not here, or another entry claims it.")
        elif linking.link(item, machine, user.username):
            return redirect("equipment-entry", pk=pk)
        else:
            said = _("This machine is not here, or another entry claims it.")
    words = request.GET.get("q", "").strip()[:200]
    found = machines.filter(name__icontains=words) if words else machines
    near = [one for one in machines.exclude(serial="")[:2000] if item.serial_key and key_of(one.serial) == item.serial_key]
    context = {
        "item": item, "machines": found.order_by("name")[:CANDIDATES], "near": near, "said": said, "words": words, "nav": "registers",
        "book": BOOKS["equipment"],
    }  # fmt: skip
    return render(request, "registers/link.html", context, status=409 if said else 200)


@require_POST
def unlink(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    item = get_object_or_404(whole(Item.objects.visible_to(user, HANDLE)), pk=pk)
    if item.machine_id is not None:
        linking.part(item, user.username)
    return redirect("equipment-entry", pk=pk)
