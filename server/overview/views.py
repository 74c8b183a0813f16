"""The first page, the matrix of requirements and levels, and one rule with its machines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_safe

from baselines.model import LEVELS
from server.coverage import numbers as coverage
from server.feeds import status as feeds
from server.findings import queries, tally
from server.findings.codes import FAIL, UNKNOWN
from server.findings.models import Rule
from server.findings.queries import RuleCount
from server.ingest.models import Machine
from server.overview import asked, matrix
from server.overview.changes import changes
from server.overview.standing import below
from server.overview.systems import systems
from server.overview.today import tasks
from server.overview.trend import SPANS, trend
from server.overview.words import Worded, pack_of, worded
from server.units.kinds import word
from server.units.models import Unit, User, everything, resolve
from server.units.rights import ADMINISTER, SEE
from server.waivers import overlay
from server.web.requests import user_of

WORST, PAGE = 10, 50
VERDICTS = {"fail": FAIL, "unknown": UNKNOWN}


@dataclass
class Row:
    """A check and how many machines stand how under it. Where several requirements name it: the rule most machines fail."""

    words: Worded
    counts: RuleCount
    clauses: list[str]


@require_safe
def overview(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """How a unit stands, and what to mend today. Without a unit: the one this person sees, or a choice of several."""
    user, now = user_of(request), timezone.now()
    every = everything()
    unit = _unit(user, pk, every)
    standing, branches = below(user, unit, now, every)
    branches.sort(key=lambda one: (-one.numbers.failing, -one.numbers.unreached, one.unit.name, one.unit.pk))
    context: dict[str, Any] = {"unit": unit, "standing": standing, "branches": branches, "nav": "overview"}
    if not standing.enrolled and not Machine.objects.visible_to(user).exists():
        context["first_steps"] = user.does(ADMINISTER)
    if unit is not None:
        context |= _part(user, unit, every, now, request.GET.get("days", ""))
        context["tasks"] = tasks(user, unit, standing)
    return render(request, "overview/overview.html", context)


def _part(user: User, unit: Unit, every: dict[int, Unit], now: datetime, days: str) -> dict[str, Any]:
    policy, seen = resolve(unit, every), user.part_of(every, SEE)
    pack = pack_of(policy.baseline)
    rows, waiting = failing(user, unit, policy.level)
    return {
        "above": [seen[pk] for pk in unit.ids[:-1] if pk in seen], "kind": word(unit.kind),
        "policy": policy, "pack": pack, "worst": rows[:WORST], "failing_rules": len(rows),
        "waiting": waiting, "changes": changes(user, unit, now), "trend": trend(user, unit, timezone.localdate(now), days),
        "spans": SPANS, "feeds": feeds.foot(), "systems": systems(user, unit),
    }  # fmt: skip


def failing(user: User | None, unit: Unit, level: int) -> tuple[list[Row], int]:
    """The checks that machines fail, exploited vulnerabilities first, then the gravest; and reports not counted in yet."""
    worst = queries.worst_rules(user, unit, limit=10_000)
    rows = _by_check([one for one in worst.rules if one.fail], level)
    return sorted(rows, key=lambda one: not one.words.exploited), worst.waiting


def _by_check(counted: list[RuleCount], level: int) -> list[Row]:
    """Each check once, in the order given, with the clauses that name it."""
    found: dict[tuple[str, str], Row] = {}
    for counts in sorted(counted, key=lambda one: (-one.rule.severity, -one.fail, -one.unknown, one.rule.pk)):
        words = worded(counts.rule)
        row = found.setdefault((counts.rule.baseline, counts.rule.check_id), Row(words, counts, []))
        if (clause := words.clause(level)) and clause not in row.clauses:
            row.clauses.append(clause)
    return list(found.values())


@require_safe
def matrix_page(request: HttpRequest) -> HttpResponse:
    """Requirements in rows, levels in columns: what is asked, and how the machines of a unit stand."""
    user = user_of(request)
    every = everything()
    unit = _chosen(user, request, every)
    context: dict[str, Any] = {"unit": unit, "levels": LEVELS, "units": _choices(user, every), "nav": "matrix"}
    if unit is not None:
        shown = request.GET.get("shown", "")
        part = request.GET.get("part", "")
        context |= matrix.made(user, unit, request.GET.get("pack", ""), part, shown, every)
    return render(request, "overview/matrix.html", context)


@require_safe
def rule(request: HttpRequest, rule: int) -> HttpResponse:
    """One check under one requirement: which machines fail it or are unknown, what to do, how it went."""
    user = user_of(request)
    found, every = get_object_or_404(Rule, pk=rule), everything()
    unit = _chosen(user, request, every)
    words = worded(found)
    context: dict[str, Any] = {
        "words": words, "unit": unit, "nav": "overview", "levels": asked.levels(words), "why": words.why, "remedy": words.remedy,
    }  # fmt: skip
    if unit is not None:
        parts = queries.parts(user, unit)
        fail, unknown, passed = tally.read(parts).by_rule.get(found.pk, (0, 0, 0))
        verdict = request.GET.get("verdict", "fail" if fail or not unknown else "unknown")
        verdict = verdict if verdict in VERDICTS else "fail"
        rows = queries.failing(user, unit, found.pk, VERDICTS[verdict], _after(request), PAGE + 1)
        borne = overlay.by_rule(parts)[found.pk]
        now = timezone.now()
        stale = coverage.gap(user, "stale", unit, now, coverage.reported_of_late(now, every))
        context |= {
            "counts": RuleCount(found, fail, unknown, passed, min(borne, fail)), "verdict": verdict, "rows": rows[:PAGE],
            "next_after": f"{rows[PAGE - 1].since.isoformat()}_{rows[PAGE - 1].machine}" if len(rows) > PAGE else "",
            "unlooked": matrix.unlooked(user, unit, words, every), "stale": stale.count(),
            "trend": trend(user, unit, timezone.localdate(now), request.GET.get("days", ""), found.pk), "spans": SPANS,
        }  # fmt: skip
    return render(request, "overview/rule.html", context)


def _after(request: HttpRequest) -> tuple[datetime, int] | None:
    """The last machine of the page before, as its link says."""
    since, _dash, machine = request.GET.get("after", "").rpartition("_")
    if not (machine.isascii() and machine.isdecimal() and len(machine) < 19):
        return None
    try:
        at = parse_datetime(since)
    except ValueError:
        return None
    return (at, int(machine)) if at and at.tzinfo else None


def _unit(user: User, pk: int | None, every: dict[int, Unit]) -> Unit | None:
    """That one; without a number the only topmost one this person sees."""
    if pk is not None:
        unit = every.get(pk)
        if unit is None or not user.may(SEE, unit):
            raise Http404
        return unit
    tops = user.parts()
    return _at(tops[0], every) if len(tops) == 1 else None


def _at(path: str, every: dict[int, Unit]) -> Unit | None:
    return next((unit for unit in every.values() if unit.path == path), None)


def _chosen(user: User, request: HttpRequest, every: dict[int, Unit]) -> Unit | None:
    """The unit of the address, or the first this person sees."""
    text = request.GET.get("unit", "")
    if not text:
        tops = user.parts()
        return _at(tops[0], every) if tops else None
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise Http404
    return _unit(user, int(text), every)


def _choices(user: User, every: dict[int, Unit]) -> list[Unit]:
    """Units a page offers: those at the top and right below."""
    tops = user.parts()
    mine = (one for one in user.part_of(every, SEE).values() if one.open)
    return [one for one in mine if one.path in tops or (one.parent_id and one.path.rpartition(f"{one.pk}/")[0] in tops)]
