"""When the machines of a unit report, what is missing, and how rollouts go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from server.ingest.access import address_of
from server.ingest.models import Machine
from server.journal import models as journal
from server.schedules import attendance, rollouts
from server.schedules.models import KINDS, Rollout, Silence
from server.schedules.resolve import Holding, resolve, rows_of
from server.schedules.wording import STATES, freezes_of, hours_of, length_of
from server.stations import asking
from server.stations.models import GOOD_FOR
from server.units.models import Unit, User, everything
from server.units.rights import SCAN, SEE
from server.web.requests import user_of

MOST = 100
"""Rollouts of a unit."""
SILENCES = 30
"""Sites that are named on the page: on the day a line to everywhere is cut nobody reads 700."""
HEIGHT = 80


@dataclass
class Line:
    """What holds for a kind."""

    title: str
    interval: str
    hours: str
    freezes: str
    held: Holding
    origin: str


@dataclass
class Bar:
    """An hour of the histogram; drawn with attributes, because the content policy forbids inline styles."""

    at: datetime
    count: int
    x: int
    y: float
    height: float


@require_safe
def schedules(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    return _page(request, user, _unit(user, request.GET.get("unit", "")))


@require_POST
def scan_all(request: HttpRequest, pk: int) -> HttpResponse:
    """For those who may ask for scans in the whole unit; the rate of each site spreads them."""
    user = user_of(request)
    unit = get_object_or_404(Unit.objects.visible_to(user, SCAN), pk=pk)
    try:
        asked = asking.ask_all(unit, user.username)
    except asking.TooMany as error:
        words = _(
            "At the rate of its sites this would take %d minutes, more than a day: raise the rate or choose a smaller unit."
        )
        return _page(request, user, unit, words % error.minutes)
    except asking.Frozen:
        return _page(request, user, unit, _("Nothing is begun in this unit now: a freeze is in force."))
    journal.write(
        "scan.asked-all",
        user.username,
        unit_path=unit.path,
        subject=unit.name,
        address=address_of(request),
        machines=asked.machines,
    )
    return redirect(f"/schedules/?unit={unit.pk}")


def _unit(user: User, wanted: str) -> Unit | None:
    """The one asked for, or else the highest that this person sees."""
    mine = Unit.objects.visible_to(user)
    return (mine.filter(pk=int(wanted)).first() if wanted.isdecimal() else None) or mine.order_by("path").first()


def _page(request: HttpRequest, user: User, unit: Unit | None, problem: str = "") -> HttpResponse:
    now = timezone.now()
    every = everything()
    seen = user.part_of(every, SEE)
    context: dict[str, Any] = {"nav": "schedules", "unit": unit, "problem": problem, "units": list(seen.values())}
    if unit is not None:
        machines = Machine.objects.visible_to(user).filter(unit__path__under=unit.path)
        told = attendance.told(user, unit, now, every)
        silent = Silence.objects.visible_to(user).filter(unit__path__under=unit.path, closed_at=None)
        # none of whose machines is heard first, then by how many there are
        silences = silent.select_related("unit", "station").order_by("-state", "-missing", "pk")[:SILENCES]
        names = {pk: one.name for pk, one in seen.items()}
        context |= {
            "lines": _lines(unit, names, every),
            "told": told,
            "states": [(code, title, told.states[code]) for code, title in STATES.items()],
            "bars": _bars(told.bars),
            "height": HEIGHT,
            "missed": [(one, names.get(one.unit, "")) for one in told.worst],
            "silences": silences, "more_silences": max(0, silent.count() - SILENCES),
            "rollouts": [(one, rollouts.rings(one)) for one in _rollouts(user, unit)],
            "waiting": machines.filter(scan_requests__closed_at=None, scan_requests__asked_at__gt=now - GOOD_FOR).count(),
            "may_scan": user.may(SCAN, unit),
        }  # fmt: skip
    return render(request, "schedules/schedules.html", context, status=409 if problem else 200)


def _rollouts(user: User, unit: Unit) -> list[Rollout]:
    return list(Rollout.objects.visible_to(user).filter(unit__path__under=unit.path, ended_at=None).select_related("unit")[:MOST])


def _lines(unit: Unit, names: dict[int, str], every: dict[int, Unit]) -> list[Line]:
    """`names`: of the units this person may see; what lies above them is not named."""
    rows = rows_of(unit.ids)
    found = []
    for kind, title in KINDS[1:]:
        held = resolve(unit, kind, every, rows)
        told = held.origins.get("hours") or held.origins.get("interval_seconds")
        origin = "" if told is None else names.get(told.pk, _("a unit above"))
        found.append(Line(str(title), length_of(held.table.period), hours_of(held.table), freezes_of(held.table), held, origin))
    return found


def _bars(plan: list[tuple[datetime, int]]) -> list[Bar]:
    most = max((count for _at, count in plan), default=0) or 1
    return [Bar(at, count, 10 * place, HEIGHT - (tall := HEIGHT * count / most), tall) for place, (at, count) in enumerate(plan)]
