"""What waits for a second person, each request with exactly what would change, and the decision."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from baselines.loader import BaselineError
from server.approvals import deciding, files, packs
from server.approvals.forms import AnswerForm, PackForm
from server.approvals.kinds import KINDS
from server.approvals.models import Request
from server.assess import packs as known
from server.assess import whatif
from server.ingest.access import address_of
from server.ingest.models import Machine
from server.schedules.rollouts import CannotRoll
from server.units.models import Unit
from server.units.rights import ADMINISTER, APPROVE
from server.web.requests import user_of

SHOWN = 200
FEW = 200
"""Machines that are judged twice while somebody waits for the page; of more the command line tells."""


@require_safe
def requests(request: HttpRequest) -> HttpResponse:
    """Those that wait for this person first, then this person's own, then what was decided lately."""
    user = user_of(request)
    mine = Request.objects.visible_to(user).select_related("unit", "asked_by", "decided_by")
    open_ones = mine.filter(state=Request.WAITING, expires_at__gt=timezone.now())
    mine_to_decide = Request.objects.visible_to(user, APPROVE).values("pk")
    context = {
        "nav": "approvals",
        "for_me": [one for one in open_ones.filter(pk__in=mine_to_decide)[:SHOWN] if not deciding.hindrance(one, user)],
        "others": [one for one in open_ones[:SHOWN] if deciding.hindrance(one, user)],
        "decided": mine.exclude(pk__in=open_ones.values("pk"))[:50],
    }
    return render(request, "approvals/requests.html", context)


@require_safe
def one(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, _of(request, pk))


@require_POST
def decide(request: HttpRequest, pk: int, word: str) -> HttpResponse:
    """approve · refuse · withdraw. Who does not see the request does not learn that it is there."""
    user, found = user_of(request), _of(request, pk)
    form = AnswerForm(request.POST)
    why = form.cleaned_data["why"] if form.is_valid() else ""
    try:
        if word == "approve":
            deciding.approve(pk, user, request.POST.get("digest", ""), address_of(request))
        elif word == "refuse":
            deciding.refuse(pk, user, why, address_of(request))
        else:
            deciding.withdraw(pk, user, why, address_of(request))
    except (deciding.Impossible, PermissionError) as error:
        found.refresh_from_db()
        return _page(request, found, str(error))
    return redirect("request", pk=pk)


@require_safe
def file(request: HttpRequest, pk: int) -> HttpResponse:
    found = _of(request, pk)
    response = files.download(found.attachment, found.file_name)
    if response is None:
        raise Http404
    return response


@require_safe
def preview(request: HttpRequest, pk: int) -> HttpResponse:
    """What a pack change would turn, judged on the spot and not stored."""
    found = _of(request, pk)
    if found.kind != packs.KIND:
        return redirect("request", pk=pk)
    payload = found.payload
    machines = Machine.objects.filter(unit__path__under=found.unit.path).count()
    lines: list[str] = []
    problem = ""
    if machines <= FEW:
        try:
            baseline = known.get(payload["baseline"]) if payload["baseline"] else None
            tailoring = None if payload["tailoring"] is None else known.tailoring(payload["tailoring"]) or whatif.NO_STRICTER
            former = (payload["former_baseline"], payload["former_tailoring"])
            outlook = whatif.ask(found.unit, whatif.Proposal(baseline=baseline, tailoring=tailoring, former=former))
            lines = list(whatif.table(outlook))
        except (BaselineError, OSError, ValueError) as error:
            problem = str(error)
    context = {"asked": found, "lines": lines, "machines": machines, "few": FEW, "problem": problem, "nav": "approvals"}
    return render(request, "approvals/preview.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def pack_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for another pack, or stricter values, for a unit."""
    user = user_of(request)
    unit = get_object_or_404(Unit.objects.visible_to(user, ADMINISTER).filter(valid_until=None), pk=pk)
    policy = unit.policy()
    form = PackForm(request.POST or None, initial={"tailoring": policy.tailoring})
    if request.method == "POST" and form.is_valid():
        try:
            asked = packs.ask(unit, user, form.cleaned_data["reason"], address=address_of(request), **form.change)
        except CannotRoll as error:
            form.add_error(None, str(error))
        else:
            return redirect("request", pk=asked.pk)
    context = {"unit": unit, "policy": policy, "form": form, "nav": "units"}
    return render(request, "approvals/pack_change.html", context)


def _of(request: HttpRequest, pk: int) -> Request:
    mine = Request.objects.visible_to(user_of(request)).select_related("unit", "asked_by", "decided_by")
    return get_object_or_404(mine, pk=pk)


def _page(request: HttpRequest, found: Request, problem: str = "") -> HttpResponse:
    user = user_of(request)
    approver = user.may(APPROVE, found.unit)
    context: dict[str, Any] = {
        "asked": found,
        "problem": problem,
        "hindrance": deciding.hindrance(found, user),
        "approver": approver,
        "asker": found.asked_by_id == user.pk,
        "template": KINDS[found.kind].template if found.kind in KINDS else "",
        "file_type": files.TYPES.get(found.attachment.type, "") if found.attachment else "",
        "nav": "approvals",
    }
    return render(request, "approvals/request.html", context, status=409 if problem else 200)
