"""From what fails to what is worked on: the rules that a unit's machines do not pass, and the machines of one of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from server.assess import wording
from server.assignments import changing, people
from server.assignments.asking import Asked
from server.assignments.forms import TakeForm
from server.assignments.models import Assignment
from server.findings import queries
from server.findings.codes import FAIL, SEVERITIES, SEVERITY_WORDS, UNKNOWN
from server.findings.models import Rule, Standing
from server.findings.queries import RuleCount
from server.ingest.access import address_of
from server.ingest.models import IN_SERVICE, KINDS, Machine
from server.units.models import Unit, User
from server.units.rights import HANDLE
from server.waivers.asking import titles
from server.web.requests import user_of

BOTH = ["GET", "HEAD", "POST"]
RULES = 200
PAGE = 100
VERDICTS = {"fail": FAIL, "unknown": UNKNOWN}


def _unit(user: User, given: Any) -> Unit:
    """The one asked for, or the highest this person sees."""
    mine = Unit.objects.visible_to(user)
    number = Asked.read(given).unit
    if number:
        return get_object_or_404(mine, pk=number)
    found = mine.order_by("path").first()
    if found is None:
        raise Http404
    return found


@dataclass
class Failing:
    """A check, and the requirements under which the same numbers of machines stand (queries.together)."""

    one: RuleCount
    check: str
    requirements: list[tuple[int, str]]
    """(rule, title)"""
    severity: str
    taken: int
    """Assignments that are open, under whichever requirement."""


@require_safe
def findings(request: HttpRequest) -> HttpResponse:
    """What fails in a unit and below, the gravest first, and how much of it somebody works on."""
    user = user_of(request)
    if not Unit.objects.visible_to(user).exists():
        return render(request, "assignments/findings.html", {"unit": None, "nav": "work"})
    unit = _unit(user, request.GET)
    kind, severity, text = (request.GET.get(name, "").strip()[:200] for name in ("kind", "severity", "q"))
    kind = kind if kind in dict(KINDS) else ""
    worst = queries.worst_rules(user, unit, kind, limit=100_000)
    open_here = Assignment.objects.visible_to(user).filter(unit__path__under=unit.path, closed_at=None)
    taken = Counter(open_here.values_list("rule_id", flat=True))
    told = [_row(rules, taken) for rules in queries.together(worst.rules)]
    if severity in SEVERITIES:
        told = [row for row in told if row.one.rule.severity >= SEVERITIES[severity]]
    if text:
        told = [
            row
            for row in told
            if text.casefold() in " ".join((row.check, *(title for _rule, title in row.requirements))).casefold()
        ]
    context = {
        "unit": unit, "units": Unit.objects.visible_to(user).filter(valid_until=None), "waiting": worst.waiting, "nav": "work",
        "rows": told[:RULES], "more": max(0, len(told) - RULES), "kind": kind, "kinds": KINDS, "severity": severity, "q": text,
        "severities": [(one, wording.SEVERITIES[one]) for one in SEVERITIES], "words": wording.SEVERITIES,
        "may_handle": user.may(HANDLE, unit),
    }  # fmt: skip
    return render(request, "assignments/findings.html", context)


def _row(rules: list[RuleCount], taken: Counter[int]) -> Failing:
    one = rules[0]
    named = [(each.rule.pk, *titles(each.rule.baseline, each.rule.requirement, each.rule.check_id)) for each in rules]
    requirements = [(rule, requirement) for rule, requirement, _check in named]
    severity = SEVERITY_WORDS.get(one.rule.severity, "")
    return Failing(one, named[0][2], requirements, severity, sum(taken[each.rule.pk] for each in rules))


@require_http_methods(BOTH)
def machines(request: HttpRequest, rule: int) -> HttpResponse:
    """The machines that do not pass one rule; those ticked, or the whole unit, are given to somebody."""
    user = user_of(request)
    unit = _unit(user, request.GET)
    found = get_object_or_404(Rule, pk=rule)
    verdict = request.GET.get("verdict", "fail")
    verdict = verdict if verdict in VERDICTS else "fail"
    shown = queries.failing(user, unit, rule, VERDICTS[verdict], _after(request.GET), PAGE + 1)
    more, shown = shown[PAGE - 1] if len(shown) > PAGE else None, shown[:PAGE]
    form = TakeForm(people.able(unit), request.POST or None)
    problem, status = "", 200
    if request.method == "POST" and form.is_valid():
        try:
            changing.take(unit, found, _ticked(request, user, unit), form.wish, user, address_of(request))
        except changing.Impossible as error:
            problem, status = str(error), 409
        else:
            return redirect(f"/work/?unit={unit.pk}&q={found.check_id}")
    requirement, check = titles(found.baseline, found.requirement, found.check_id)
    known = {
        one.machine_id: one
        for one in Assignment.objects.visible_to(user)
        .filter(rule=rule, machine__in=[row.machine for row in shown])
        .select_related("owner")
    }
    whole = Assignment.objects.visible_to(user).filter(rule=rule, machine=None, unit__in=unit.ids).select_related("unit", "owner")
    context = {
        "rule": found, "requirement": requirement, "check": check, "unit": unit, "verdict": verdict, "more": more, "whole": whole,
        "rows": [(row, known.get(row.machine)) for row in shown], "form": form, "problem": problem, "nav": "work",
        "units": Unit.objects.visible_to(user).filter(valid_until=None), "may_handle": user.may(HANDLE, unit) and unit.open,
        "severity": SEVERITY_WORDS.get(found.severity, ""), "words": wording.SEVERITIES,
    }  # fmt: skip
    return render(request, "assignments/machines.html", context, status=422 if form.errors else status)


def _after(given: Any) -> tuple[datetime, int] | None:
    """The last row of the page before."""
    try:
        since = parse_datetime(given.get("since", ""))
    except ValueError:
        return None
    number = given.get("machine", "")
    known = number.isascii() and number.isdecimal() and len(number) < 19
    return (since, int(number)) if since is not None and since.tzinfo is not None and known else None


def _ticked(request: HttpRequest, user: User, unit: Unit) -> list[Machine]:
    """None for the whole unit. Raises Impossible where a machine is not this person's, or none is named."""
    if request.POST.get("of") == "unit":
        if not user.may(HANDLE, unit):
            raise Http404
        return []
    numbers = {int(word) for word in request.POST.getlist("item") if word.isascii() and word.isdecimal() and len(word) < 19}
    mine = Machine.objects.visible_to(user, HANDLE).filter(IN_SERVICE, pk__in=numbers, unit__path__under=unit.path)
    found = list(mine.select_related("unit"))
    if not found:
        raise changing.Impossible(_("Tick what is meant."))
    return found


@require_http_methods(BOTH)
def of_machine(request: HttpRequest, pk: int) -> HttpResponse:
    """From a machine's failed verdict: what is worked on already, or the form that takes it up."""
    user = user_of(request)
    machine = get_object_or_404(Machine.objects.visible_to(user, HANDLE).filter(IN_SERVICE).select_related("unit"), pk=pk)
    requirement, _bar, check = request.GET.get("what", "").partition("|")
    wanted = Rule.objects.filter(baseline=machine.unit.policy().baseline, requirement=requirement, check_id=check)
    rule = wanted.filter(pk__in=Standing.objects.filter(machine=machine, verdict__lte=UNKNOWN).values("rule")).first()
    if rule is None:
        return redirect("work")
    known = Assignment.objects.visible_to(user).filter(machine=machine, rule=rule).first()
    if known is not None:
        return redirect("assignment", pk=known.pk)
    form, problem = TakeForm(people.able(machine.unit), request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        try:
            made = changing.take(machine.unit, rule, [machine], form.wish, user, address_of(request))
        except changing.Impossible as error:
            problem = str(error)
        else:
            return redirect("assignment", pk=(made.new or made.known)[0].pk)
    titled = titles(rule.baseline, rule.requirement, rule.check_id)
    context = {"machine": machine, "requirement": titled[0], "check": titled[1], "form": form, "problem": problem, "nav": "work"}
    return render(request, "assignments/take.html", context, status=409 if problem else 422 if form.errors else 200)
