"""`rasoat server enrolment ...` and `rasoat server machine ...`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from django.utils import timezone
from django.utils.translation import gettext as _

from server.enrolment import lifecycle
from server.ingest.models import Agent, Machine
from server.terminal import OK, USAGE, wrong


def waiting(options: argparse.Namespace) -> int:
    for agent in Agent.objects.filter(waiting=True, revoked_at=None).select_related("unit", "token").order_by("enrolled_at"):
        at = timezone.localtime(agent.enrolled_at).strftime("%Y-%m-%d %H:%M")
        token = agent.token.public if agent.token else "-"
        sys.stdout.write(f"{agent.pk}  {at}  {agent.name}  {agent.unit.name}  {token}\n")
    return OK


def approve(options: argparse.Namespace) -> int:
    return _decide(options.agent, lifecycle.approve)


def refuse(options: argparse.Namespace) -> int:
    return _decide(options.agent, lifecycle.refuse)


def _decide(pk: str, act: Callable[[Agent, str], None]) -> int:
    agent = Agent.objects.select_related("unit").filter(pk=pk).first()
    if agent is None:
        return wrong(_("no agent %s") % pk)
    try:
        act(agent, "console")
    except lifecycle.Impossible:
        return wrong(_("%s does not wait any more") % pk)
    return OK


def retire(options: argparse.Namespace) -> int:
    machine = machine_of(options.machine)
    if machine is None:
        return USAGE
    lifecycle.retire(machine, options.why, "console")
    return OK


def restore(options: argparse.Namespace) -> int:
    machine = machine_of(options.machine)
    if machine is None:
        return USAGE
    lifecycle.restore(machine, "console")
    return OK


def machine_of(word: str) -> Machine | None:
    """By its number, or by its name where only one has it."""
    machines = Machine.objects.select_related("unit")
    found = list(machines.filter(pk=int(word))) if word.isascii() and word.isdecimal() else list(machines.filter(name=word)[:2])
    if len(found) == 1:
        return found[0]
    wrong((_("no machine %s") if not found else _("more than one machine is called %s: give its number")) % word)
    return None
