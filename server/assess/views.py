"""The machines, one machine, and its verdicts at any level."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from baselines.evaluate import judgeable, turns
from baselines.loader import BaselineError
from baselines.model import LEVELS, Assessment, Baseline, Result
from collectors.model import Record, Snapshot
from server.assess import centre, judge, packs, sheet, wording
from server.assess import kept as former
from server.assess.freshness import FAILING, JUDGED, PASSED, UNCLEAR, fresh_of, freshness
from server.assess.models import Alarm, StoredAssessment
from server.configurations import states as configurations
from server.findings import queries as findings
from server.ingest.access import address_of
from server.ingest.models import IN_SERVICE, Machine, StoredSnapshot
from server.journal import models as journal
from server.schedules import rollouts
from server.schedules.resolve import of, paced
from server.stations import models as stations
from server.units.models import Policy, Unit, User, everything
from server.units.models import policies as policies_of
from server.units.rights import ADMINISTER, HANDLE, SCAN, SEE
from server.waivers import attesting
from server.waivers import overlay as waivers
from server.web.paging import Keyed
from server.web.requests import user_of

PAGE = 50
STATES = {
    "fail": _("With failures"),
    "unknown": _("With unknowns"),
    "alarm": _("With alarms"),
    "late": _("Late or silent"),
    "never": _("Never reported"),
    "seen": _("Reported"),
    "fresh": _("Up to date"),
    "judged": _("Judged"),
    "unclear": _("Nothing fails, something is unknown"),
    "outdated": _("Passed in its last report, none of late"),
    "pass": _("Everything passes"),
    "retired": _("Out of service"),
}
COUNTED = {"": "expected", "seen": "seen", "fresh": "fresh", "judged": "judged", "fail": "failing"}
"""States of which the tiles above the list tell how many there are."""
TABS = ("verdicts", "clauses", "facts", "history", "alarms")


@dataclass
class Row:
    """A machine on the list."""

    machine: Machine
    assessment: StoredAssessment | None
    policy: Policy
    freshness: str
    at: datetime | None
    alarms: bool
    configuration: list[tuple[str, str]]
    accepted: int = 0
    """Of the fails: borne by a waiver now."""


@require_safe
def machines(request: HttpRequest) -> HttpResponse:
    """Worst first. What never reported is not good: it stands below the failing and above the passing."""
    user = user_of(request)
    now = timezone.now()
    units = everything()
    policies = paced(policies_of(units), units)
    fresh = fresh_of(policies, now)
    every = Machine.objects.visible_to(user)
    found = every.filter(IN_SERVICE)
    numbers = found.aggregate(
        expected=Count("pk"),
        seen=Count("pk", filter=Q(latest__isnull=False)),
        fresh=Count("pk", filter=fresh),
        judged=Count("pk", filter=JUDGED),
        failing=Count("pk", filter=FAILING),
    )
    text, state, unit = request.GET.get("q", "").strip(), request.GET.get("state", ""), request.GET.get("unit", "")
    open_alarm = Exists(Alarm.objects.filter(machine=OuterRef("pk"), closed_at=None))
    if state == "retired":
        found = every.exclude(IN_SERVICE)
    found = found.annotate(alarmed=open_alarm, worst=Coalesce(F("weight"), 1))
    found = _filter(found, text, state, units.get(int(unit)) if unit.isdecimal() else None, fresh)
    found = found.order_by(
        F("worst").desc(),
        F("fails").desc(nulls_last=True),
        F("unknowns").desc(nulls_last=True),
        "name",
        "pk",
    )
    shown = Machine.objects.select_related("unit", "agent", "latest__assessment", "configuration").annotate(alarmed=open_alarm)
    shown = shown.defer("latest__sealed", "latest__assessment__packed")
    known = None if text or unit else numbers.get(COUNTED.get(state, ""))
    page = Keyed(found, shown, PAGE, known).get_page(request.GET.get("page"))
    rows = [_row(machine, policies[machine.unit_id], now) for machine in page.object_list]
    borne = waivers.of_machines([row.machine for row in rows], now)
    for row in rows:
        row.accepted = min(borne[row.machine.pk], row.assessment.fail) if row.assessment else 0
    mine = user.part_of(units, SEE).values()
    context = {
        "page": page,
        "rows": rows,
        "numbers": numbers,
        "q": text,
        "state": state,
        "states": STATES,
        "unit": unit,
        "units": mine,
        "nav": "machines",
    }
    return render(request, "assess/machines.html", context)


def _filter(found: QuerySet[Machine], text: str, state: str, unit: Unit | None, fresh: Q) -> QuerySet[Machine]:
    if text:
        found = found.filter(Q(name__icontains=text) | Q(hostname__icontains=text) | Q(os_name__icontains=text))
    if unit:
        found = found.filter(unit__path__under=unit.path)
    conditions = {
        "fail": FAILING,
        "unknown": JUDGED & Q(unknowns__gt=0),
        "alarm": Q(alarmed=True),
        "late": Q(latest__isnull=False) & ~fresh,
        "never": Q(latest__isnull=True),
        "seen": Q(latest__isnull=False),
        "fresh": fresh,
        "judged": JUDGED,
        "unclear": UNCLEAR,
        "outdated": PASSED & ~fresh,
        "pass": PASSED & fresh,
    }
    return found.filter(conditions[state]) if state in conditions else found


def _row(machine: Machine, policy: Policy, now: datetime) -> Row:
    latest = machine.latest
    assessment = getattr(latest, "assessment", None) if latest else None
    at = latest.orders_at if latest else None
    alarmed = bool(getattr(machine, "alarmed", False))
    return Row(machine, assessment, policy, freshness(at, policy, now), at, alarmed, configurations.states(machine, now))


@dataclass
class View:
    """A snapshot judged for the page."""

    level: int
    results: list[Result]
    counts: dict[str, int]
    weight: int
    baseline: Baseline | None
    version: str
    digest: str
    problem: str = ""


@require_safe
def machine(request: HttpRequest, pk: int) -> HttpResponse:
    """One machine: what its unit's level says, or, on the fly and without storing anything, another level."""
    user = user_of(request)
    found = get_object_or_404(Machine.objects.visible_to(user).select_related("unit", "agent", "latest"), pk=pk)
    policy = rollouts.policy_of(found.agent_id, found.unit)
    policy = policy._replace(interval_seconds=of(found.unit, found.kind).table.period)
    tab = request.GET.get("tab", "verdicts")
    stored = _chosen(found, request.GET.get("snapshot"))
    alarms = list(found.alarms.all()[:100])
    context: dict[str, Any] = {
        "machine": found,
        "policy": policy,
        "tab": tab if tab in TABS else "verdicts",
        "stored": stored,
        "levels": LEVELS,
        "verdicts": list(wording.VERDICTS),
        "nav": "machines",
        "alarms": alarms,
        "has_configuration": configurations.told(found),
        "scan_request": stations.waiting(found),
        "open_alarms": [alarm for alarm in alarms if alarm.closed_at is None],
        "freshness": freshness(found.latest.orders_at if found.latest else None, policy, timezone.now()),
        "may_administer": user.may(ADMINISTER, found.unit),
        "may_handle": user.may(HANDLE, found.unit),
        "may_scan": user.may(SCAN, found.unit),
        "history_page": Paginator(
            found.snapshots.defer("sealed", "assessment__packed").select_related("assessment"), PAGE
        ).get_page(request.GET.get("page")),
        "chosen": request.GET.get("snapshot", ""),
    }
    if stored is not None:
        context |= _judged(stored, policy, request.GET.get("level", ""), context["tab"], user)
    return render(request, "assess/machine.html", context)


def _chosen(found: Machine, wanted: str | None) -> StoredSnapshot | None:
    if wanted is None:
        return found.latest
    return get_object_or_404(found.snapshots, pk=wanted)


def _judged(stored: StoredSnapshot, policy: Policy, wanted: str, tab: str, user: User) -> dict[str, Any]:
    snapshot = stored.snapshot()
    kept = StoredAssessment.objects.filter(snapshot=stored).first()
    laid = _laid(stored, kept, snapshot, policy)
    agreed = kept.level if kept else policy.level
    level = int(wanted) if wanted in {str(known) for known in LEVELS} else agreed
    context: dict[str, Any] = {
        "snapshot": snapshot,
        "kept": kept,
        "agreed_level": agreed,
        "level": level,
        "other_level": level != agreed,
    }
    problems = snapshot.problems()
    view = _kept(kept, snapshot, stored.machine.kind) if kept is not None and level == agreed else None
    if view is None:
        context["rules_gone"] = kept is not None and level == agreed
        try:
            assessment = judge.judge(snapshot, policy, stored.machine.kind, level, laid)
        except (BaselineError, OSError, ValueError) as error:
            return context | {"view": None, "problem": str(error), "facts": sheet.facts(snapshot), "problems": problems}
        view = _fresh_view(assessment, packs.get(policy.baseline))
        if level != agreed:
            context["turns"] = _turns(snapshot, policy, stored.machine.kind, agreed, assessment, laid)
    if level == agreed and stored.pk == stored.machine.latest_id:
        context["failing_since"] = findings.failing_since(stored.machine)
    context |= _said_by_people(stored, view, level, user)
    snapshot = snapshot if laid is None else snapshot.holding(laid)
    context |= {"view": view, "problems": problems, "coverage": sheet.coverage(view.results, view.baseline)}
    if tab == "verdicts":
        context["sections"] = sheet.sections(view.results, view.baseline, snapshot)
    elif tab == "clauses":
        context["headings"] = sheet.headings(view.results, view.baseline, level)
    elif tab == "facts":
        context["facts"] = sheet.facts(snapshot)
    return context


def _laid(stored: StoredSnapshot, kept: StoredAssessment | None, snapshot: Snapshot, policy: Policy) -> Record | None:
    """The fact that is made here, as it was when this was judged; of what was not judged with it, as it is known today."""
    seen = judgeable(snapshot)
    if kept is not None and kept.centre:
        return centre.again(stored.machine_id, kept, seen, stored.pk == stored.machine.latest_id)
    try:
        return centre.known(stored.machine_id, seen).record if centre.asked(policy) else None
    except (BaselineError, OSError, ValueError):
        return None


def _said_by_people(stored: StoredSnapshot, view: View, level: int, user: User) -> dict[str, Any]:
    """Waivers and attestations of today, laid over how the machine is now: what it was before stays as it was."""
    baseline = view.baseline.id if view.baseline else ""
    machine = stored.machine
    if stored.pk != machine.latest_id:
        return {"accepted": {}, "attested": {}, "uncertain": {}}
    accepted = waivers.over(view.results, machine, baseline, level)
    mine = {one.pk: user.may(SEE, one.unit) for held in accepted.values() for one in held.waivers}
    words = attesting.of(machine, baseline, level)
    return {
        "accepted": accepted,
        "accepted_count": sum(held.whole for held in accepted.values()),
        "waivers_seen": mine,
        "attested": words.counting,
        "uncertain": words.uncertain,
        "may_waive": machine.retired_at is None,
    }


def _kept(kept: StoredAssessment, snapshot: Snapshot, kind: str) -> View | None:
    """As it was judged then; None when what it was judged by is no longer here."""
    whole = kept.results
    results = former.again(kept, snapshot, kind) if whole is None else sheet.results_from(whole)
    if results is None:
        return None
    try:
        baseline = packs.get(kept.baseline)
    except (BaselineError, OSError):
        baseline = None
    counts = {
        "fail": kept.fail,
        "unknown": kept.unknown,
        "pass": kept.passed,
        "manual": kept.manual,
        "not_applicable": kept.not_applicable,
    }
    return View(kept.level, results, counts, kept.weight, baseline, kept.version, kept.digest)


def _fresh_view(assessment: Assessment, baseline: Baseline) -> View:
    results = assessment.results
    return View(
        assessment.level, results, assessment.summary(), judge.weight(results), baseline, assessment.version, assessment.digest
    )


@dataclass
class TurnView:
    """A verdict that another level changes."""

    title: str
    before: str
    before_word: str
    after: str
    after_word: str


def _turns(snapshot: Snapshot, policy: Policy, kind: str, agreed: int, after: Assessment, laid: Record | None) -> list[TurnView]:
    """Only checks: what a person decides is new or gone by the dozen and would drown them."""
    baseline = packs.get(policy.baseline)
    found: dict[str, TurnView] = {}
    for turn in turns(judge.judge(snapshot, policy, kind, agreed, laid), after):
        if turn.check:
            before = str(turn.before) if turn.before else ""
            words = str(wording.VERDICTS[before]) if before else ""
            check = baseline.checks.get(turn.check)
            title = wording.text(check.title) if check else turn.check
            found.setdefault(turn.check, TurnView(title, before, words, str(turn.after), str(wording.VERDICTS[str(turn.after)])))
    return list(found.values())


@require_safe
def raw(request: HttpRequest, pk: int, snapshot: str) -> HttpResponse:
    """The sealed snapshot, for whoever wants to check the signature."""
    found = get_object_or_404(Machine.objects.visible_to(user_of(request)), pk=pk)
    stored = get_object_or_404(found.snapshots, pk=snapshot)
    response = HttpResponse(stored.whole(), content_type="application/vnd.rasoat.snapshot")
    response["Content-Disposition"] = f'attachment; filename="{stored.pk}.rasoat"'
    return response


@require_POST
def close_alarm(request: HttpRequest, pk: int) -> HttpResponse:
    """A person has looked at it."""
    user = user_of(request)
    alarm = get_object_or_404(Alarm.objects.visible_to(user, HANDLE).select_related("machine__unit"), pk=pk)
    if alarm.closed_at is None:
        alarm.closed_at, alarm.closed_by = timezone.now(), user.username
        alarm.save(update_fields=["closed_at", "closed_by"])
        unit_path = alarm.machine.unit.path
        journal.write(
            "alarm.closed",
            user.username,
            unit_path=unit_path,
            subject=alarm.machine.name,
            address=address_of(request),
            kind=alarm.kind,
        )
    return redirect(f"/machines/{alarm.machine_id}/?tab=alarms")
