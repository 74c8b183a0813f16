"""What runs out: warranty and support of devices, within 90, 60 and 30 days and already over. Others ask `due` for reminders."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from server.registers.books import BOOKS, whole
from server.registers.models import DISPOSED, Item
from server.registers.views import PAGE, unit_of
from server.units.models import Unit, User
from server.units.rights import HANDLE
from server.web.requests import user_of

WITHIN = (30, 60, 90)
OVER = "over"
SORTS = {"warranty": ("warranty_until", _("Warranty")), "support": ("support_until", _("Maker's support"))}


class Due(NamedTuple):
    """Something that runs out."""

    sort: str
    item: Item
    day: date
    left: int
    """Days; the last one counts, 0 and less: it is over."""


def running_out(rows: QuerySet[Any], sort: str, days: int | None, today: date) -> QuerySet[Any]:
    """Those whose last day lies within so many days from today; None: those whose last day is over."""
    field = SORTS[sort][0]
    last = (
        Q(**{f"{field}__lt": today})
        if days is None
        else Q(**{f"{field}__gte": today, f"{field}__lt": today + timedelta(days=days)})
    )
    return rows.filter(last).exclude(state=DISPOSED).order_by(field, "pk")


def due(unit: Unit | None, today: date, days: int = WITHIN[-1], user: User | None = None) -> Iterator[Due]:
    """What runs out within so many days in a unit and below, the soonest first. `user`: only what this person sees."""
    rows = whole(Item.objects.all() if user is None else Item.objects.visible_to(user))
    if unit is not None:
        rows = rows.filter(unit__path__under=unit.path)
    for sort, (field, _title) in SORTS.items():
        for item in running_out(rows, sort, days, today).iterator(500):
            day = getattr(item, field)
            yield Due(sort, item, day, (day - today).days + 1)


@require_safe
def expiry(request: HttpRequest) -> HttpResponse:
    """One page for all that runs out."""
    user, today = user_of(request), timezone.localdate()
    unit = unit_of(user, request.GET.get("unit", ""))
    sort = request.GET.get("sort", "")
    sort = sort if sort in SORTS else "warranty"
    asked = request.GET.get("within", "")
    within = OVER if asked == OVER else int(asked) if asked in map(str, WITHIN) else WITHIN[-1]
    rows = whole(Item.objects.visible_to(user))
    if unit is not None:
        rows = rows.filter(unit__path__under=unit.path)
    counted = [
        (
            one,
            title,
            [(days, running_out(rows, one, None if days == OVER else int(days), today).count()) for days in (*WITHIN, OVER)],
        )
        for one, (_field, title) in SORTS.items()
    ]
    field = SORTS[sort][0]
    page = Paginator(running_out(rows, sort, None if within == OVER else int(within), today), PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        "book": BOOKS["equipment"], "unit": unit, "units": Unit.objects.visible_to(user).filter(valid_until=None), "counted": counted,
        "sort": sort, "within": within, "page": page, "today": today, "over": OVER, "nav": "registers", "tab": "expiry",
        "rows": [(item, getattr(item, field), (getattr(item, field) - today).days + 1) for item in page.object_list],
        "may_edit": user.does(HANDLE), "title": SORTS[sort][1],
    }  # fmt: skip
    return render(request, "registers/expiry.html", context)
