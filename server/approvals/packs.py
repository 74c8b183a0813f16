"""The kind `pack-change`: another pack, or stricter values, for a part of the organisation, as a rollout in rings."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from baselines.loader import BaselineError
from server.approvals import deciding
from server.approvals.kinds import CannotCarryOut, declare
from server.approvals.models import Request
from server.assess import packs
from server.schedules import rollouts
from server.schedules.models import Rollout
from server.schedules.rollouts import CannotRoll
from server.units.models import Unit, User

KIND = "pack-change"
NOTHING = "–"


def ask(
    unit: Unit, by: User, reason: str, *, baseline: str = "", tailoring: str | None = None, percents: list[int] | None = None,
    bad_percent: int = 2, address: str = "",
) -> Request:  # fmt: skip
    """Ask for a rollout. It is tried out on the present state first, so that nobody is asked for what cannot be. Raises CannotRoll."""
    digest = rollouts.check(unit, baseline=baseline, tailoring=tailoring, percents=percents)
    policy = unit.policy()
    if tailoring is not None and not tailoring.strip() and policy.tailoring and not unit.tailoring:
        raise CannotRoll(_("The stricter values here come from a unit above: they are removed there."))
    payload = {
        "unit": unit.pk, "baseline": baseline, "digest": digest, "tailoring": tailoring, "percents": percents,
        "bad_percent": bad_percent, "former_baseline": policy.baseline, "former_tailoring": policy.tailoring,
    }  # fmt: skip
    subject = f"{unit.name}: {baseline or policy.baseline}"
    return deciding.ask(KIND, unit, by, subject, payload, reason, address=address)


def _told(request: Request) -> list[tuple[str, str]]:
    payload: dict[str, Any] = request.payload
    rings = ", ".join(f"{percent} %" for percent in payload["percents"] or Rollout.RINGS)
    told = [
        (_("Pack now"), payload["former_baseline"]),
        (_("Pack then"), f"{payload['baseline'] or payload['former_baseline']} ({payload['digest'][:12]}…)"),
        (_("Stricter values now"), payload["former_tailoring"] or NOTHING),
    ]
    then = payload["former_tailoring"] if payload["tailoring"] is None else payload["tailoring"]
    then = then or rollouts.above(request.unit).tailoring
    return [*told, (_("Stricter values then"), then or NOTHING), (_("Rings"), rings)]


def _carry_out(request: Request, person: User) -> None:
    payload, unit = request.payload, request.unit
    policy = unit.policy()
    if unit.pk != payload["unit"] or not unit.open:
        raise CannotCarryOut(_("The unit has gone over into another one since: ask anew."))
    if (policy.baseline, policy.tailoring) != (payload["former_baseline"], payload["former_tailoring"]):
        raise CannotCarryOut(_("What the unit is held to has changed since: ask anew."))
    try:
        if packs.get(payload["baseline"] or policy.baseline).digest != payload["digest"]:
            raise CannotCarryOut(_("The pack is no longer the one that was asked for: ask anew."))
        rollout = rollouts.start(
            unit, request.asked_by.username, baseline=payload["baseline"], tailoring=payload["tailoring"],
            percents=payload["percents"], bad_percent=payload["bad_percent"], approved_by=person.username,
        )  # fmt: skip
    except (CannotRoll, BaselineError, OSError) as error:
        raise CannotCarryOut(str(error)) from None
    if rollout.digest != payload["digest"]:
        raise CannotCarryOut(_("The pack is no longer the one that was asked for: ask anew."))


declare(KIND, gettext_lazy("Pack change"), told=_told, carry_out=_carry_out, template="approvals/preview_link.html")
