"""The kind `campaign-excuse`: machines that cannot do what a campaign asks, if a second person agrees."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from server.approvals import deciding
from server.approvals.kinds import CannotCarryOut, declare
from server.approvals.models import Request
from server.campaigns.models import SCOPE, Campaign, Excuse, Row
from server.campaigns.states import DONE, EXCUSED
from server.units.models import Unit, User

KIND = "campaign-excuse"
NAMED = 30
MOST = 50
"""Machines of one request: a second person reads their names."""


def ask(campaign: Campaign, rows: Sequence[Row], by: User, reason: str, document: str = "", address: str = "") -> Request:
    """For rows of that campaign that this person sees; asked in the nearest unit that holds all of them."""
    first = rows[0].part.unit
    shared = [pk for pk in first.ids if all(pk in row.part.unit.ids for row in rows)]
    payload = {
        "campaign": campaign.pk, "number": campaign.number, "rows": [row.pk for row in rows], "names": [row.name for row in rows],
        "document": document,
    }  # fmt: skip
    subject = f"{campaign.number} – " + ", ".join(row.name for row in rows[:3]) + ("…" if len(rows) > 3 else "")
    return deciding.ask(KIND, Unit.objects.get(pk=shared[-1]), by, subject, payload, reason, address=address)


def _told(request: Request) -> list[tuple[str, str]]:
    payload = request.payload
    names, more = payload["names"][:NAMED], len(payload["names"]) - NAMED
    return [
        (_("Campaign"), payload["number"]),
        (_("Machines"), ", ".join(names) + (f" +{more}" if more > 0 else "")),
        (_("Document"), payload["document"] or "–"),
    ]


def _carry_out(request: Request, person: User) -> None:
    payload = request.payload
    campaign = Campaign.objects.select_for_update(of=("self",)).filter(pk=payload["campaign"]).first()
    if campaign is None or campaign.state != Campaign.RUNNING:
        raise CannotCarryOut(_("The campaign does not run any more."))
    rows = list(Row.objects.filter(campaign=campaign, place=SCOPE, pk__in=payload["rows"]).select_related("part__unit"))
    if len(rows) != len(payload["rows"]) or not all(row.part.unit.path.startswith(request.unit.path) for row in rows):
        raise CannotCarryOut(_("A machine is no longer where it was asked for: ask anew."))
    Excuse.objects.bulk_create(
        [
            Excuse(
                row=row, reason=request.reason, document=payload["document"], asked_by=request.asked_by.username,
                approved_by=person.username, request=request,
            )
            for row in rows
        ]
    )  # fmt: skip
    for row in rows:
        # the next look would find it so; whoever agreed sees it at once
        if row.state != DONE:
            row.state, row.why = EXCUSED, "excused"
    Row.objects.bulk_update(rows, ["state", "why"])


declare(KIND, gettext_lazy("Exemption in a campaign"), told=_told, carry_out=_carry_out)
