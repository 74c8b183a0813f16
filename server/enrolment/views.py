"""The people's side: who waits, and what becomes of a machine."""

from __future__ import annotations

from collections.abc import Callable

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from server.coverage.lists import label_of
from server.enrolment import hardware, lifecycle
from server.ingest.access import address_of
from server.ingest.models import IN_SERVICE, Agent, Machine
from server.units.models import User
from server.units.rights import ADMINISTER, APPROVE
from server.web.requests import user_of

SHOWN = 200
WORDS: dict[str, Callable[[], str]] = {
    "not-waiting": lambda: _("It does not wait any more: somebody decided already."),
    "one-machine": lambda: _("That is one and the same machine."),
    "reached": lambda: _("Only machines with an agent of their own can be united."),
    "never-reported": lambda: _("It never reported: nobody knows yet whether it is the same machine."),
}


@require_safe
def waiting(request: HttpRequest) -> HttpResponse:
    """Who waits to be let in, with whatever looks like it."""
    user = user_of(request)
    agents = Agent.objects.visible_to(user, APPROVE).filter(waiting=True, revoked_at=None)
    rows = []
    for agent in agents.select_related("unit", "token").order_by("enrolled_at")[:SHOWN]:
        machine = agent.machines.filter(own=True).first()
        rows.append((agent, machine, _like(machine, user) if machine else []))
    return render(request, "enrolment/waiting.html", {"rows": rows, "nav": "enrolment-waiting"})


def _like(machine: Machine, user: User) -> list[Machine]:
    """By what an enrolment tells: the system's id, and the name in the same unit. Of those this person sees."""
    label = label_of(machine.hostname or machine.name)
    same_id = [one.pk for one in hardware.alike(machine, machine.machine_id, "", frozenset())]
    wanted = Q(pk__in=same_id) | Q(IN_SERVICE, unit=machine.unit, own=True, hostname__istartswith=label)
    found = Machine.objects.visible_to(user).filter(wanted).exclude(pk=machine.pk).select_related("unit")
    return [one for one in found[:20] if one.pk in same_id or label_of(one.hostname) == label]


@require_POST
def decide(request: HttpRequest, pk: str, word: str) -> HttpResponse:
    user = user_of(request)
    agent = get_object_or_404(Agent.objects.visible_to(user, APPROVE).select_related("unit"), pk=pk)
    act = lifecycle.approve if word == "approve" else lifecycle.refuse
    try:
        act(agent, user.username, address_of(request))
    except lifecycle.Impossible as error:
        return _impossible(request, error)
    return redirect("enrolment-waiting")


@require_POST
def retire(request: HttpRequest, pk: int) -> HttpResponse:
    user = user_of(request)
    machine = get_object_or_404(Machine.objects.visible_to(user, ADMINISTER).select_related("unit"), pk=pk)
    if "back" in request.POST:
        lifecycle.restore(machine, user.username, address_of(request))
    else:
        lifecycle.retire(machine, request.POST.get("why", "").strip()[:300], user.username, address_of(request))
    return redirect("machine", pk=pk)


@require_POST
def unite(request: HttpRequest, pk: int) -> HttpResponse:
    """This machine is that one, installed anew. Both must lie in this person's part of the tree."""
    user = user_of(request)
    mine = Machine.objects.visible_to(user, ADMINISTER).select_related("unit")
    number = request.POST.get("with", "")
    new = get_object_or_404(mine, pk=pk)
    old = get_object_or_404(mine, pk=int(number) if number.isascii() and number.isdecimal() and len(number) < 19 else 0)
    try:
        lifecycle.unite(new, old, user.username, address_of(request))
    except lifecycle.Impossible as error:
        return _impossible(request, error)
    return redirect("machine", pk=old.pk)


def _impossible(request: HttpRequest, error: lifecycle.Impossible) -> HttpResponse:
    return render(request, "enrolment/impossible.html", {"why": WORDS[error.code](), "nav": "machines"}, status=409)
