"""What runs out: warranty and support of devices, licences of software, within 90, 60 and 30 days and already over.

Others ask `due` for reminders.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple

from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from server.registers.books import BOOKS, Book, whole
from server.registers.models import DISPOSED
from server.registers.views import PAGE, unit_of
from server.units.models import Unit, User
from server.units.rights import HANDLE
from server.web.paging import Keyed
from server.web.requests import user_of

WITHIN = (30, 60, 90)
OVER = "over"
DONE_WITH = (DISPOSED, "stopped")
"""States of entries of which it matters no more."""


class Sort(NamedTuple):
    """Something that may run out."""

    book: Book
    field: str
    title: Any


SORTS = {
    "warranty": Sort(BOOKS["equipment"], "warranty_until", _("Warranty")),
    "support": Sort(BOOKS["equipment"], "support_until", _("Maker's support")),
    "licence": Sort(BOOKS["software"], "licence_until", _("Licence")),
}


class Due(NamedTuple):
    """One that runs out."""

    sort: str
    entry: Any
    day: date
    left: int
    """Days; the last one counts, 0 and less: it is over."""


def rows_of(sort: Sort, unit: Unit | None, user: User | None) -> QuerySet[Any]:
    """Entries of a unit and below. `user`: only what this person sees."""
    rows = whole(sort.book.model.objects.all()) if user is None else sort.book.rows(user)
    return rows if unit is None else rows.filter(unit__path__under=unit.path)


def running_out(rows: QuerySet[Any], sort: Sort, days: int | None, today: date) -> QuerySet[Any]:
    """Those whose last day lies within so many days from today; None: those whose last day is over."""
    return rows.filter(_ends(sort, days, today)).exclude(state__in=DONE_WITH).order_by(sort.field, "pk")


def _ends(sort: Sort, days: int | None, today: date) -> Q:
    field = sort.field
    within = Q(**{f"{field}__gte": today, f"{field}__lt": today + timedelta(days=days or 0)})
    return Q(**{f"{field}__lt": today}) if days is None else within


def _counted(rows: QuerySet[Any], sort: Sort, today: date) -> dict[int | str, int]:
    """How many run out within each of the spans, and how many are over."""
    spans: dict[str, int | str] = {f"within_{days}": days for days in (*WITHIN, OVER)}
    counts = {key: Count("pk", filter=_ends(sort, None if days == OVER else int(days), today)) for key, days in spans.items()}
    found = rows.exclude(state__in=DONE_WITH).aggregate(**counts)
    return {days: found[key] for key, days in spans.items()}


def due(unit: Unit | None, today: date, days: int = WITHIN[-1], user: User | None = None) -> Iterator[Due]:
    """What runs out within so many days in a unit and below, each sort the soonest first."""
    for name, sort in SORTS.items():
        for entry in running_out(rows_of(sort, unit, user), sort, days, today).iterator(500):
            day = getattr(entry, sort.field)
            yield Due(name, entry, day, (day - today).days + 1)


@require_safe
def expiry(request: HttpRequest) -> HttpResponse:
    """One page for all that runs out."""
    user, today = user_of(request), timezone.localdate()
    unit = unit_of(user, request.GET.get("unit", ""))
    name = request.GET.get("sort", "")
    name = name if name in SORTS else "warranty"
    sort, asked = SORTS[name], request.GET.get("within", "")
    within: int | str = OVER if asked == OVER else int(asked) if asked in map(str, WITHIN) else WITHIN[-1]
    counted = {code: _counted(rows_of(one, unit, user), one, today) for code, one in SORTS.items()}
    rows = rows_of(sort, unit, user)
    found = running_out(rows, sort, None if within == OVER else int(within), today)
    page = Keyed(found, rows, PAGE, known=counted[name][within]).get_page(request.GET.get("page"))
    days = [getattr(entry, sort.field) for entry in page.object_list]
    context = {
        "book": sort.book, "unit": unit, "units": Unit.objects.visible_to(user).filter(valid_until=None),
        "counted": [(code, one.title, list(counted[code].items())) for code, one in SORTS.items()],
        "sort": name, "within": within, "page": page, "over": OVER, "nav": "registers", "tab": "expiry", "title": sort.title,
        "rows": [(entry, day, (day - today).days + 1) for entry, day in zip(page.object_list, days, strict=True)],
        "address": f"{sort.book.name}-entry", "may_edit": user.does(HANDLE),
    }  # fmt: skip
    return render(request, "registers/expiry.html", context)
