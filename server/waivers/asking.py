"""The kind `waiver`: what is asked for, whether it fits the pack, and what the second person's agreement makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from baselines.loader import BaselineError
from baselines.model import Baseline
from baselines.systems import register
from server.approvals import deciding
from server.approvals.files import Kept
from server.approvals.kinds import CannotCarryOut, declare
from server.approvals.models import Request
from server.assess import packs, wording
from server.ingest.models import IN_SERVICE, Machine
from server.journal import models as journal
from server.units.models import Unit, User
from server.units.rights import APPROVE
from server.waivers.models import TYPES, Cover, Waiver

KIND = "waiver"
NAMED = 30
"""Machines that the second person reads by name; of the others how many there are."""


class Unfit(ValueError):
    """It cannot be asked for so. The message is for people."""


class Wish(NamedTuple):
    """What somebody wants to be borne."""

    requirement: str
    check: str
    """Empty: every check of the requirement."""
    type: str
    reason: str
    measure: str
    document: str
    on: date
    until: date


def ask(
    unit: Unit, by: User, wish: Wish, machines: Sequence[Machine] = (), system: str = "", file: Kept | None = None, address: str = ""
) -> Request:  # fmt: skip
    """For the machines named, or for the unit with everything below where none is. Raises Unfit."""
    policy = unit.policy()
    level = max((machine.unit.policy().level for machine in machines), default=policy.level)
    baseline = machines[0].unit.policy().baseline if machines else policy.baseline
    if any(machine.unit.policy().baseline != baseline for machine in machines):
        raise Unfit(_("These machines are held to different packs: ask for each of them."))
    payload: dict[str, Any] = {
        **wish._asdict(), "on": wish.on.isoformat(), "until": wish.until.isoformat(), "baseline": baseline, "level": level,
        "unit": unit.pk, "whole": not machines, "system": system, "machines": [machine.pk for machine in machines],
        "names": [machine.name for machine in machines],
    }  # fmt: skip
    payload.pop("reason")
    if wish.on < timezone.localdate():
        raise Unfit(_("It begins today at the earliest: what failed before failed."))
    _fits(payload)
    where = unit.name if not machines else system or ", ".join(machine.name for machine in machines[:3])
    subject = f"{wish.requirement} {wish.check}".rstrip() + f" – {where}"
    return deciding.ask(KIND, unit, by, subject, payload, wish.reason, file, address)


def _fits(payload: dict[str, Any]) -> None:
    """Whether it says something that can be borne, for a term that is allowed. Raises Unfit."""
    on, until = date.fromisoformat(payload["on"]), date.fromisoformat(payload["until"])
    today = timezone.localdate()
    if until < max(on, today):
        raise Unfit(_("It ends before it begins, or has ended already."))
    if (until - on).days + 1 > settings.CONFIG.waiver_days:
        raise Unfit(_("At most %d days: a waiver is for a time.") % settings.CONFIG.waiver_days)
    try:
        pack = packs.get(payload["baseline"])
    except (BaselineError, OSError) as error:
        raise Unfit(str(error)) from None
    if problems := list(register.unfit(_word(payload), pack)):
        raise Unfit("; ".join(why for _field, why in problems))
    requirement = pack.requirements[payload["requirement"]]
    if not requirement.checks:
        raise Unfit(_("No check decides this requirement: a person does, by an attestation."))
    if payload["level"] not in requirement.levels:
        raise Unfit(_("This requirement is not asked at level %d.") % payload["level"])


def _word(payload: dict[str, Any]) -> register.Waiver:
    """As a system's own file would say it. Raises Unfit."""
    try:
        return register.Waiver(
            id="asked", requirement=payload["requirement"], check=payload["check"] or None, assets=tuple(payload["names"]) or ("*",),
            type=payload["type"], measure=payload["measure"], approved_by="-", second="-", on=date.fromisoformat(payload["on"]),
            until=date.fromisoformat(payload["until"]), level=payload["level"],
        )  # fmt: skip
    except ValueError:
        raise Unfit(_("Say in ten letters at least what protects instead.")) from None


def _told(request: Request) -> list[tuple[str, str]]:
    payload = request.payload
    if payload["whole"]:
        where = _("the whole unit %s with everything below") % request.unit.name
    else:
        names, more = payload["names"][:NAMED], len(payload["names"]) - NAMED
        where = ", ".join(names) + (f" +{more}" if more > 0 else "")
    title, check = titles(payload["baseline"], payload["requirement"], payload["check"])
    told = [
        (_("Requirement"), title),
        (_("Check"), check or _("every check of the requirement")),
        (_("Holds for"), where),
        (_("Kind of waiver"), str(dict(TYPES)[payload["type"]])),
        (_("What protects instead"), payload["measure"]),
        (_("Document"), payload["document"]),
        (_("First day"), wording.value(payload["on"])),
        (_("Last day"), wording.value(payload["until"])),
        (_("Up to level"), str(payload["level"])),
    ]
    return [*told[:3], (_("Information system"), payload["system"]), *told[3:]] if payload["system"] else told


def titles(baseline: str, requirement: str, check: str) -> tuple[str, str]:
    """What people call them; their ids where the pack is not here any more."""
    pack: Baseline | None
    try:
        pack = packs.get(baseline)
    except (BaselineError, OSError):
        pack = None
    asked = pack.requirements.get(requirement) if pack else None
    named = pack.checks.get(check) if pack and check else None
    return (
        f"{wording.text(asked.title)} ({requirement})" if asked else requirement,
        f"{wording.text(named.title)} ({check})" if named else check,
    )


def _carry_out(request: Request, person: User) -> None:
    payload = request.payload
    if payload["whole"] and (payload["unit"] != request.unit_id or not request.unit.open):
        raise CannotCarryOut(_("The unit has gone over into another one since: ask anew."))
    try:
        _fits(payload)
    except Unfit as error:
        raise CannotCarryOut(str(error)) from None
    machines = _machines(request, person)
    begin = max(date.fromisoformat(payload["on"]), timezone.localdate())
    """Asked for days ago it bears nothing of the days before anybody agreed."""
    waiver = Waiver.objects.create(
        unit=request.unit, whole=payload["whole"], system=payload["system"], baseline=payload["baseline"],
        requirement=payload["requirement"], check_id=payload["check"], type=payload["type"], level=payload["level"],
        reason=request.reason, measure=payload["measure"], document=payload["document"], attachment=request.attachment,
        file_name=request.file_name, on=begin, until=date.fromisoformat(payload["until"]),
        asked_by=request.asked_by.username, approved_by=person.username, request=request,
    )  # fmt: skip
    Cover.objects.bulk_create([Cover(waiver=waiver, machine=machine) for machine in machines])
    journal.write(
        "waiver.begun", person.username, unit_path=request.unit.path, subject=request.subject, request=request.pk,
        asked=waiver.asked_by, until=payload["until"], machines=len(machines) or None,
    )  # fmt: skip


def _machines(request: Request, person: User) -> list[Machine]:
    """Those named, as far as they still are where they were asked for. Raises CannotCarryOut."""
    wanted = request.payload["machines"]
    found: QuerySet[Machine] = Machine.objects.visible_to(person, APPROVE).filter(
        IN_SERVICE, pk__in=wanted, unit__path__under=request.unit.path
    )
    machines = list(found)
    if len(machines) != len(wanted):
        raise CannotCarryOut(_("A machine named in it was moved or taken out of service since: ask anew."))
    return machines


declare(KIND, gettext_lazy("Waiver"), told=_told, carry_out=_carry_out)
