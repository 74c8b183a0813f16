"""What is another one between two days: of a machine its verdicts and facts, of a unit its verdicts and machines; as page and file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from server.configurations import states as configurations
from server.differences import beforehand, facts, machines, units
from server.differences.beforehand import SPAN
from server.findings.models import Rule
from server.ingest.models import Machine
from server.units.models import Unit
from server.waivers.asking import titles
from server.web.requests import user_of
from server.web.spreadsheet import as_csv

SHOWN = 500
PAGE = 100
NAMED = 100
"""Machines that came, and that went: the file names all."""
EARLIEST = date(2000, 1, 1)


def days_asked(request: HttpRequest) -> tuple[date, date]:
    """The earlier one first; without any, the last week."""
    today = timezone.localdate()
    second = _day(request.GET.get("to", ""), today)
    first = _day(request.GET.get("from", ""), second - SPAN)
    return min(first, second), max(first, second)


def _day(text: str, otherwise: date) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return otherwise
    return found if EARLIEST <= found <= timezone.localdate() else otherwise


@require_safe
def machine(request: HttpRequest, pk: int) -> HttpResponse:
    """Nothing is said to be equal of what one of both days did not see."""
    found, first, second = _machine(request, pk)
    turns = machines.turns(first, second)
    compared = _compared(first, second)
    changes = compared.changes if compared else []
    grouped: dict[str, list[facts.Change]] = {}
    for one in changes[:SHOWN]:
        grouped.setdefault(one.fact_title, []).append(one)
    context = {
        "machine": found, "first": first, "second": second, "turns": turns, "compared": compared, "grouped": grouped,
        "more": max(0, len(changes) - SHOWN), "same_rules": machines.same_rules(first, second), "today": timezone.localdate(),
        "has_configuration": configurations.told(found), "nav": "machines", "same": _same(first, second),
    }  # fmt: skip
    return render(request, "differences/machine.html", context)


def _machine(request: HttpRequest, pk: int) -> tuple[Machine, machines.OnDay, machines.OnDay]:
    found = get_object_or_404(Machine.objects.visible_to(user_of(request)).select_related("unit"), pk=pk)
    first, second = days_asked(request)
    return found, machines.on_day(found, first), machines.on_day(found, second)


def _same(first: machines.OnDay, second: machines.OnDay) -> bool:
    """Both days rest on one report: there is nothing to compare, and nothing is proved equal."""
    return first.stored is not None and second.stored is not None and first.stored.pk == second.stored.pk


def _compared(first: machines.OnDay, second: machines.OnDay) -> facts.Compared | None:
    before, after = first.snapshot, second.snapshot
    return facts.between(before, after) if before is not None and after is not None and not _same(first, second) else None


@require_safe
def machine_file(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """All of it. A line says so where a day has no report."""
    found, first, second = _machine(request, pk)
    heading = ("machine", "from", "to", "sort", "subject", "item", "kind", "before", "after")
    begin = {"machine": found.name, "from": _at(first), "to": _at(second)}

    def lines() -> Iterator[dict[str, Any]]:
        for day in (first, second):
            if not day.reported:
                yield _row("note", day.day.isoformat(), "", "no-report", _no_report(day), "")
        if _same(first, second):
            yield _row("note", "", "", "same-report", _("both days rest on one report"), "")
        turns = machines.turns(first, second)
        if turns is None:
            yield _row("note", "", "", "verdicts-unknown", _("verdicts of both days are not known"), "")
        for turn in turns or ():
            yield _row("verdict", turn.requirement, turn.check, "changed", turn.was, turn.now)
        compared = _compared(first, second)
        for one in compared.changes if compared else ():
            yield _row("fact", f"{one.fact}.{one.field}".rstrip("."), one.what, one.kind, one.before, one.after)
        for fact in [*compared.seen_by_neither, *compared.unseen] if compared else ():
            yield _row("note", fact, "", "seen-by-neither", "", "")

    return as_csv(lines(), lambda line: begin | line, f"rasoat-{found.pk}-differences", heading=heading)


def _row(sort: str, subject: str, item: str, kind: str, before: str, after: str) -> dict[str, Any]:
    return {"sort": sort, "subject": subject, "item": item, "kind": kind, "before": before, "after": after}


def _at(day: machines.OnDay) -> Any:
    return day.stored.orders_at if day.stored else day.day


def _no_report(day: machines.OnDay) -> str:
    if day.stored is None:
        return _("no stored report until this day: nothing is known")
    return _("no report on this day: the last one before counts")


@require_safe
def unit(request: HttpRequest, pk: int) -> HttpResponse:
    """By rule, and the machines that came and went."""
    user = user_of(request)
    found = get_object_or_404(Unit.objects.visible_to(user), pk=pk)
    first, second = days_asked(request)
    context: dict[str, Any] = {
        "unit": found, "first": first, "second": second, "today": timezone.localdate(), "nav": "units",
        "gaps": units.gaps(user, found, first),
    }  # fmt: skip
    told = beforehand.told(user, found, first, second)
    page = Paginator(_together(told.sums), PAGE).get_page(request.GET.get("page"))
    out, away = units.went(user, found, first, second)
    context |= {
        "page": page, "rows": [_titled(rules) for rules in page], "told": told,
        "worse": sum(one.worse for one in told.sums), "better": sum(one.better for one in told.sums),
        "to_unknown": sum(one.unknown for one in told.sums), "came": units.came(user, found, first, second, NAMED),
        "came_count": units.came_count(user, found, first, second), "went": out[:NAMED],
        "went_count": len(out), "away": away,
    }  # fmt: skip
    return render(request, "differences/unit.html", context)


def _together(summed: list[units.Sum]) -> list[list[units.Sum]]:
    """Rules of one check under which as many machines turned alike are one line."""
    found: dict[Any, list[units.Sum]] = {}
    for one in summed:
        found.setdefault((one.rule.baseline, one.rule.check_id, frozenset(one.turned.items())), []).append(one)
    return list(found.values())


def _titled(rules: list[units.Sum]) -> tuple[units.Sum, str, list[tuple[Rule, str]]]:
    """(numbers, check, the requirements it stands under)"""
    told = [(one.rule, *titles(one.rule.baseline, one.rule.requirement, one.rule.check_id)) for one in rules]
    return rules[0], told[0][2], [(rule, requirement) for rule, requirement, _check in told]


@require_safe
def unit_file(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """A line for each machine and rule that turned, and for each machine that came or went."""
    user = user_of(request)
    found = get_object_or_404(Unit.objects.visible_to(user), pk=pk)
    first, second = days_asked(request)
    heading = ("from", "to", "sort", "machine", "unit", "requirement", "check", "before", "after", "why")

    def lines() -> Iterator[dict[str, Any]]:
        empty = dict.fromkeys(heading, "") | {"from": first, "to": second}
        for day in (first, second):
            known = units.known(units.machines_of(user, found), day)
            yield empty | {"sort": "note", "why": f"{day}: {known.reported} reported, {known.before} before, {known.never} never"}
        try:
            turned = units.nets(user, found, first, second)
        except units.TooMany:
            yield empty | {"sort": "note", "why": _("too much turned for one list: choose a shorter span")}
            turned = []
        rules = Rule.objects.in_bulk({one.rule for one in turned})
        named = Machine.objects.select_related("unit").in_bulk({one.machine for one in turned})
        for one in turned:
            machine, rule = named[one.machine], rules[one.rule]
            yield empty | {
                "sort": "verdict", "machine": machine.name, "unit": machine.unit.name, "requirement": rule.requirement,
                "check": rule.check_id, "before": units.word(one.was), "after": units.word(one.now), "why": one.causes,
            }  # fmt: skip
        for machine, how, at in units.came(user, found, first, second):
            yield empty | {"sort": "came", "machine": machine.name, "unit": machine.unit.name, "why": how, "after": at}
        out, away = units.went(user, found, first, second)
        for machine, when in out:
            yield empty | {"sort": "went", "machine": machine.name, "unit": machine.unit.name, "why": "retired", "before": when}
        if away:
            yield empty | {"sort": "went", "why": _("moved to another part: %d") % away}

    return as_csv(lines(), dict, f"rasoat-unit-{found.pk}-differences", heading=heading)
