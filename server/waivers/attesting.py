"""A person's word, given and read. It speaks of what people decide; what a machine saw stays as it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from baselines.loader import BaselineError
from baselines.systems import register
from baselines.systems.judge import why_idle
from server.approvals.files import Kept
from server.assess import packs
from server.ingest.models import Machine
from server.journal import models as journal
from server.units.models import Unit, User
from server.waivers.asking import Unfit
from server.waivers.models import Attestation, in_force


def say(unit: Unit, by: User, given: dict[str, Any], address: str = "") -> Attestation:
    """Keep it under the name of whoever says it: nobody speaks for another one. Raises Unfit."""
    machine: Machine | None = given["machine"]
    policy = (machine.unit if machine else unit).policy()
    file: Kept | None = given["file"]
    found = Attestation(
        unit=machine.unit if machine else unit, machine=machine, system=given["system"], baseline=policy.baseline,
        requirement=given["requirement"], level=policy.level, state=given["state"], by=by.username, role=given["role"],
        document=given["document"], on=given["on"], until=given["until"], note=given["note"], file_name=file.name if file else "",
    )  # fmt: skip
    try:
        problems = list(register.unfit(found.word(), packs.get(policy.baseline)))
    except (BaselineError, OSError, ValueError) as error:
        raise Unfit(str(error)) from None
    if problems:
        raise Unfit("; ".join(why for _field, why in problems))
    with transaction.atomic():
        found.attachment = file.stored() if file else None
        found.save()
        journal.write(
            "attestation.said", by.username, unit_path=found.unit.path, subject=str(found), address=address,
            target=machine.name if machine else None, until=found.until.isoformat(),
        )  # fmt: skip
    return found


def of(machine: Machine, baseline: str, level: int, now: datetime | None = None) -> dict[str, Attestation]:
    """Requirement -> the word that counts for a machine: the later one, and of one day the worse."""
    moment = now or timezone.now()
    order = [state for state, _word in Attestation._meta.get_field("state").choices or ()]
    rows = Attestation.objects.filter(in_force(moment), unit__in=machine.unit.ids, baseline=baseline)
    found: dict[str, Attestation] = {}
    for one in rows.filter(machine=None) | rows.filter(machine=machine):
        if why_idle(one.word(), True, level, one.level, timezone.localtime(moment)) is not None:
            continue
        held = found.get(one.requirement)
        if held is None or (one.on, order.index(one.state)) > (held.on, order.index(held.state)):
            found[one.requirement] = one
    return found
