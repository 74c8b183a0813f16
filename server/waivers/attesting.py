"""A person's word, given and read. It speaks of what people decide; what a machine saw stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

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

MEMBERSHIP: list[Callable[[Machine, str], bool | None]] = []
"""Whoever knows which machines make up an information system adds a function of machine and name of the system: it belongs to
it, it does not, or None: not known."""


class Words(NamedTuple):
    """What people said of a machine, each under its requirement."""

    counting: dict[str, Attestation]
    """The later one, and of one day the worse."""
    uncertain: dict[str, list[Attestation]]
    """Of information systems nearby of which nobody knows whether the machine belongs to them: they count for nothing here."""


def say(unit: Unit, by: User, given: dict[str, Any], address: str = "") -> Attestation:
    """Keep it under the name of whoever says it: nobody speaks for another one. Raises Unfit."""
    if (given["until"] - given["on"]).days + 1 > settings.CONFIG.waiver_days:
        raise Unfit(_("At most %d days: then somebody has to look again.") % settings.CONFIG.waiver_days)
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
            target=machine.name if machine else None, until=found.until.isoformat(), digest=found.digest,
        )  # fmt: skip
    return found


def belongs(machine: Machine, system: str) -> bool | None:
    """None: not known."""
    said = {known(machine, system) for known in MEMBERSHIP} - {None}
    return True if True in said else False if said else None


def of(machine: Machine, baseline: str, level: int, now: datetime | None = None) -> Words:
    """The words on a machine: its own, those of its units, and those of the information systems it belongs to."""
    moment = now or timezone.now()
    order = [state for state, _word in Attestation._meta.get_field("state").choices or ()]
    rows = Attestation.objects.filter(in_force(moment), unit__in=machine.unit.ids, baseline=baseline)
    found = Words({}, {})
    for one in rows.filter(machine=None) | rows.filter(machine=machine):
        if why_idle(one.word(), True, level, one.level, timezone.localtime(moment)) is not None:
            continue
        mine = True if one.machine_id or not one.system else belongs(machine, one.system)
        if mine is None:
            found.uncertain.setdefault(one.requirement, []).append(one)
        held = found.counting.get(one.requirement)
        if mine and (held is None or (one.on, order.index(one.state)) > (held.on, order.index(held.state))):
            found.counting[one.requirement] = one
    return found
