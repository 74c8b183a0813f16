"""Waivers of a unit, asking for one, ending one; and people's words on what no machine decides."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from baselines.loader import BaselineError
from server.approvals import files
from server.approvals.models import Request
from server.assess import packs, wording
from server.findings import queries
from server.findings.codes import FAIL
from server.findings.models import Rule, Standing
from server.ingest.access import address_of
from server.ingest.models import IN_SERVICE, Machine
from server.units.models import Unit, User
from server.units.rights import APPROVE, HANDLE
from server.waivers import asking, attesting, ending, overlay
from server.waivers.forms import AttestationForm, Choices, MachineWaiverForm, WaiverForm
from server.waivers.models import Attestation, Waiver, Word
from server.web.requests import user_of

ENDED = 200
CHECKS = 20
BOTH = ["GET", "HEAD", "POST"]


@require_safe
def waivers(request: HttpRequest) -> HttpResponse:
    """A unit's numbers with waivers and without, its waivers by how they stand, its attestations."""
    user = user_of(request)
    mine = Unit.objects.visible_to(user)
    wanted = request.GET.get("unit", "")
    unit = (mine.filter(pk=int(wanted)).first() if wanted.isdecimal() and len(wanted) < 19 else None) or mine.order_by(
        "path"
    ).first()
    context: dict[str, Any] = {"nav": "waivers", "unit": unit, "units": mine}
    if unit is not None:
        here = Waiver.objects.visible_to(user).filter(unit__path__under=unit.path).select_related("unit")
        today = timezone.localdate()
        standing = here.filter(ended_at=None, until__gte=today)
        over = here.exclude(ended_at=None, until__gte=today).order_by("-until", "-pk")
        above = Waiver.objects.filter(whole=True, unit__in=unit.ids[:-1], ended_at=None, until__gte=today).select_related("unit")
        machines = Machine.objects.visible_to(user).filter(IN_SERVICE, unit__path__under=unit.path)
        failing = [one for one in queries.worst_rules(user, unit, limit=10_000).rules if one.fail]
        attested = Attestation.objects.visible_to(user).filter(unit__path__under=unit.path).select_related("unit", "machine")
        context |= {
            "machines": machines.count(),
            "unjudged": machines.filter(head=None).count(),
            "score": overlay.score(queries.parts(user, unit)),
            "worst": [_worst(rules) for rules in queries.together(failing)[:CHECKS]],
            "standing": [(one, *_titles(one)) for one in standing],
            "above": [(one, *_titles(one)) for one in above],
            "ended": [(one, *_titles(one)) for one in over[:ENDED]],
            "waiting": Request.objects.visible_to(user).filter(
                kind=asking.KIND, state=Request.WAITING, unit__path__under=unit.path, expires_at__gt=timezone.now()
            ),
            "attested": [(one, asking.titles(one.baseline, one.requirement, "")[0]) for one in attested[:ENDED]],
            "ending": sum(one.stands == "ending" for one in [*standing, *attested.filter(ended_at=None, until__gte=today)]),
            "may_handle": user.may(HANDLE, unit) and unit.open,
        }
    return render(request, "waivers/waivers.html", context)


def _worst(rules: list[queries.RuleCount]) -> tuple[queries.RuleCount, str, list[str]]:
    """(numbers, check, requirements that name it)."""
    named = [asking.titles(one.rule.baseline, one.rule.requirement, one.rule.check_id) for one in rules]
    return rules[0], named[0][1], [requirement for requirement, _check in named]


def _titles(waiver: Waiver) -> tuple[str, str]:
    return asking.titles(waiver.baseline, waiver.requirement, waiver.check_id)


@require_safe
def waiver(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    found = get_object_or_404(Waiver.objects.visible_to(user).select_related("unit", "request", "attachment"), pk=pk)
    named = Machine.objects.visible_to(user).filter(covers__waiver=found)
    here = named.filter(IN_SERVICE, unit__path__under=found.unit.path)
    context = {
        "waiver": found,
        "titles": _titles(found),
        "machines": here[:ENDED],
        "gone": named.exclude(pk__in=here.values("pk"))[:ENDED],
        "file_type": files.TYPES.get(found.attachment.type, "") if found.attachment else "",
        "may_end": found.counts(timezone.now()) and (user.may(HANDLE, found.unit) or user.may(APPROVE, found.unit)),
        "nav": "waivers",
    }
    return render(request, "waivers/waiver.html", context)


@require_safe
def file(request: HttpRequest, pk: int, model: type[Word]) -> HttpResponse:
    """Of a waiver or an attestation."""
    found = get_object_or_404(model.objects.visible_to(user_of(request)), pk=pk)  # type: ignore[attr-defined]
    response = files.download(found.attachment, found.file_name)
    if response is None:
        raise Http404
    return response


@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """At once. Who may ask for one, or approve one, may end it."""
    user = user_of(request)
    either = Q(pk__in=Waiver.objects.visible_to(user, HANDLE)) | Q(pk__in=Waiver.objects.visible_to(user, APPROVE))
    found = get_object_or_404(Waiver.objects.filter(either).select_related("unit"), pk=pk)
    ending.end(found, user.username, address_of(request))
    return redirect("waiver", pk=pk)


@require_http_methods(BOTH)
def ask_for_machine(request: HttpRequest, pk: int) -> HttpResponse:
    """From a machine's failed verdict."""
    user = user_of(request)
    machine = get_object_or_404(Machine.objects.visible_to(user, HANDLE).filter(IN_SERVICE).select_related("unit"), pk=pk)
    failing = Standing.objects.filter(machine=machine, verdict=FAIL).values("rule")
    choices = _choices(Rule.objects.filter(pk__in=failing, baseline=machine.unit.policy().baseline))
    form = MachineWaiverForm(machine, user, choices, request.POST or None, request.FILES or None, initial=_picked(request))
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        unit = form.unit
        if not user.may(HANDLE, unit):
            raise Http404
        try:
            asked = asking.ask(unit, user, form.wish, form.machines, given["system"], given["file"], address_of(request))
        except asking.Unfit as error:
            form.add_error(None, str(error))
        else:
            return redirect("request", pk=asked.pk)
    return render(request, "waivers/ask.html", {"form": form, "machine": machine, "unit": machine.unit, "nav": "machines"})


@require_http_methods(BOTH)
def ask_for_unit(request: HttpRequest, pk: int) -> HttpResponse:
    """For all machines of a unit and below."""
    user = user_of(request)
    unit = get_object_or_404(Unit.objects.visible_to(user, HANDLE).filter(valid_until=None), pk=pk)
    failing = [one.rule.pk for one in queries.worst_rules(user, unit, limit=1000).rules if one.fail]
    choices = _choices(Rule.objects.filter(pk__in=failing, baseline=unit.policy().baseline))
    form = WaiverForm(choices, request.POST or None, request.FILES or None, initial=_picked(request))
    if request.method == "POST" and form.is_valid():
        try:
            asked = asking.ask(unit, user, form.wish, file=form.cleaned_data["file"], address=address_of(request))
        except asking.Unfit as error:
            form.add_error(None, str(error))
        else:
            return redirect("request", pk=asked.pk)
    return render(request, "waivers/ask.html", {"form": form, "machine": None, "unit": unit, "nav": "waivers"})


def _picked(request: HttpRequest) -> dict[str, str]:
    return {"what": request.GET.get("what", "")}


def _choices(rules: QuerySet[Rule]) -> Choices:
    """Each check that fails under each requirement."""
    found: Choices = []
    for rule in rules.order_by("requirement", "check_id"):
        requirement, check = asking.titles(rule.baseline, rule.requirement, rule.check_id)
        found.append((f"{rule.requirement}|{rule.check_id}", f"{check} – {requirement}"))
    return found


@require_http_methods(BOTH)
def attest(request: HttpRequest, pk: int) -> HttpResponse:
    """A person gives the own word for a unit, or for one machine of it."""
    user = user_of(request)
    unit = get_object_or_404(Unit.objects.visible_to(user, HANDLE).filter(valid_until=None), pk=pk)
    form = AttestationForm(
        unit, user, _by_people(unit), request.POST or None, request.FILES or None, initial=_about(request, user)
    )
    if request.method == "POST" and form.is_valid():
        try:
            attesting.say(unit, user, form.cleaned_data, address_of(request))
        except asking.Unfit as error:
            form.add_error(None, str(error))
        else:
            return redirect(f"/waivers/?unit={unit.pk}")
    return render(request, "waivers/attest.html", {"form": form, "unit": unit, "nav": "waivers"})


def _about(request: HttpRequest, user: User) -> dict[str, str]:
    return {"requirement": request.GET.get("requirement", ""), "machine": request.GET.get("machine", "")}


def _by_people(unit: Unit) -> Choices:
    """The requirements that people decide, or the rest of, at the unit's level."""
    policy = unit.policy()
    try:
        pack = packs.get(policy.baseline)
    except (BaselineError, OSError):
        return []
    asked = (one for one in pack.requirements.values() if policy.level in one.levels and one.coverage != "automated")
    return [(one.id, f"{pack.clause(one.id, policy.level)} {wording.text(one.title)}".strip()) for one in asked]


@require_POST
def take_back(request: HttpRequest, pk: int) -> HttpResponse:
    """An attestation counts for nothing any more."""
    user = user_of(request)
    found = get_object_or_404(Attestation.objects.visible_to(user, HANDLE).select_related("unit"), pk=pk)
    ending.take_back(found, user.username, address_of(request))
    return redirect(f"/waivers/?unit={found.unit_id}")
