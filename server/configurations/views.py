"""What people see of configurations: which devices need a look, the versions of one, and what changed between two."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.core.paginator import Paginator
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from server.configurations import difference, retention
from server.configurations.keep import NETWORK
from server.configurations.models import MonthEnd, Standing, Version
from server.configurations.states import STATES, conditions, states
from server.ingest.access import address_of
from server.ingest.models import Machine
from server.journal import models as journal
from server.units.models import User
from server.web.requests import user_of

PAGE = 50
SHOWN_LINES = 5000
MONTHS = 12


def devices_of(user: User) -> QuerySet[Machine]:
    """The network devices this person sees, and whatever else ever told a configuration."""
    return Machine.objects.visible_to(user).filter(Q(kind__in=NETWORK) | Q(configuration__isnull=False))


@dataclass
class Row:
    """A device on the list."""

    machine: Machine
    standing: Standing | None
    states: list[tuple[str, str]]


@require_safe
def devices(request: HttpRequest) -> HttpResponse:
    """Every device with where its configuration stands; those that need a look come first."""
    now = timezone.now()
    wanted = conditions(now)
    everything = devices_of(user_of(request))
    numbers = everything.aggregate(
        devices=Count("pk"),
        copied=Count("pk", filter=~wanted["never"]),
        **{state: Count("pk", filter=condition) for state, condition in wanted.items()},
    )
    text, state = request.GET.get("q", "").strip(), request.GET.get("state", "")
    found = everything.filter(wanted[state]) if state in wanted else everything
    if text:
        found = found.filter(Q(name__icontains=text) | Q(hostname__icontains=text) | Q(os_name__icontains=text))
    found = found.select_related("unit", "configuration__current").defer("unit__tailoring")
    found = found.order_by(
        F("configuration__saved").asc(nulls_first=True), F("configuration__changed_at").desc(nulls_last=True), "name", "pk"
    )
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    rows = [Row(machine, getattr(machine, "configuration", None), states(machine, now)) for machine in page.object_list]
    context = {
        "page": page, "rows": rows, "numbers": numbers, "q": text, "state": state, "states": STATES, "nav": "configurations",
    }  # fmt: skip
    return render(request, "configurations/devices.html", context)


@dataclass
class Month:
    """How a month ended for a device."""

    month: date
    end: MonthEnd | None
    on_last_day: bool


@require_safe
def versions(request: HttpRequest, pk: int) -> HttpResponse:
    """The versions of one device, newest first, and the copies of the last days of months."""
    machine = _machine(request, pk)
    known = machine.configurations.select_related("text").defer("text__packed")
    known = known.annotate(of_month=Exists(MonthEnd.objects.filter(version=OuterRef("pk"))))
    page = Paginator(known, PAGE).get_page(request.GET.get("page"))
    context = {
        "machine": machine,
        "standing": getattr(machine, "configuration", None),
        "states": states(machine, timezone.now()),
        "page": page,
        "months": _months(machine),
        "nav": "configurations",
    }
    return render(request, "configurations/versions.html", context)


def _months(machine: Machine) -> list[Month]:
    """The last full months since the device is known, newest first."""
    today = timezone.localdate()
    first = timezone.localtime(machine.created_at).date().replace(day=1)
    ends = {end.month: end for end in machine.month_ends.select_related("version")}
    found = []
    for back in range(1, MONTHS + 1):
        month = retention.months_back(today, back)
        if month < first:
            break
        end = ends.get(month)
        last = retention.months_back(today, back - 1) - timedelta(days=1)
        found.append(Month(month, end, end is not None and timezone.localtime(end.seen_at).date() == last))
    return found


@require_safe
def version(request: HttpRequest, pk: int, version: int) -> HttpResponse:
    """One version as a text; of a very long one the beginning, and all of it as a file."""
    machine = _machine(request, pk)
    found = get_object_or_404(machine.configurations.select_related("text"), pk=version)
    body = found.text.text
    lines = [] if body is None else body.splitlines()
    before = machine.configurations.filter(first_at__lt=found.first_at).order_by("-first_at", "-pk").first()
    context = {
        "machine": machine,
        "version": found,
        "before": before,
        "body": None if body is None else "\n".join(lines[:SHOWN_LINES]),
        "cut": len(lines) > SHOWN_LINES,
        "shown": SHOWN_LINES,
        "nav": "configurations",
    }
    return render(request, "configurations/version.html", context)


@require_safe
def text(request: HttpRequest, pk: int, version: int) -> HttpResponse:
    """The redacted text as a file. Who took it is in the journal."""
    machine = _machine(request, pk)
    found = get_object_or_404(machine.configurations.select_related("text"), pk=version)
    body = found.text.text
    if body is None:
        raise Http404
    journal.write(
        "configuration.exported",
        user_of(request).username,
        unit_path=machine.unit.path,
        subject=machine.name,
        address=address_of(request),
        version=found.text_id,
    )
    response = HttpResponse(body.encode("utf-8", "replace"), content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="configuration-{machine.pk}-{found.pk}.txt"'
    return response


@require_safe
def compare(request: HttpRequest, pk: int) -> HttpResponse:
    """What changed from one version to another; given the wrong way round, they are turned."""
    machine = _machine(request, pk)
    chosen = [_chosen(machine, request.GET.get(name, "")) for name in ("old", "new")]
    old, new = sorted(chosen, key=lambda one: (one.first_at, one.pk))
    context = {"machine": machine, "old": old, "new": new, "nav": "configurations", "hunks": [], "problem": ""}
    before, after = old.text.text, new.text.text
    if before is None or after is None:
        context["problem"] = "not-kept"
    else:
        try:
            found = difference.hunks(before, after)
        except difference.TooLong:
            context["problem"] = "too-long"
        else:
            added, removed = difference.counts(found)
            context |= {"hunks": found, "added": added, "removed": removed, "same": not found}
    return render(request, "configurations/compare.html", context)


def _machine(request: HttpRequest, pk: int) -> Machine:
    """404 for a machine of somebody else's unit, as if it did not exist."""
    return get_object_or_404(Machine.objects.visible_to(user_of(request)).select_related("unit", "configuration__current"), pk=pk)


def _chosen(machine: Machine, wanted: str) -> Version:
    if not (wanted.isascii() and wanted.isdecimal() and len(wanted) < 19):
        raise Http404
    return get_object_or_404(machine.configurations.select_related("text"), pk=int(wanted))
