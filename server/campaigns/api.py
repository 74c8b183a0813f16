"""What programs read of campaigns, each as far as the caller sees it."""

from __future__ import annotations

from datetime import date as Day
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from server.campaigns.account import Account
from server.campaigns.models import PLACES, SCOPE, Campaign, Part, Row
from server.campaigns.states import STATES
from server.errors import Refused
from server.programs.access import Reader, reader
from server.programs.asking import NO, fits
from server.programs.listing import CSV, ListIn, PageIn, page, table, wants_csv

router = Router(tags=["programs"])
STATE = "^(|" + "|".join(STATES) + ")$"


class CampaignOut(Schema):
    id: int
    unit: int = Field(description="That holds it")
    number: str = Field(description="Of the letter")
    date: Day
    subject: str
    issuer: str
    deadline: Day
    state: str = Field(description="draft · starting · running · closing · closed")
    started_at: datetime | None = Field(description="Only reports collected after it count")
    looked_at: datetime | None = Field(description="The numbers are of then")
    closed_at: datetime | None
    scope: int | None = Field(
        description="Machines in the scope that the caller sees; the six numbers below add up to it. null, as they are: nobody has counted yet"
    )
    done: int | None
    not_done: int | None
    excused: int | None
    unknown: int | None
    missing: int | None
    never: int | None


class CampaignPage(Schema):
    items: list[CampaignOut]
    next: int | None


@router.get("campaigns", openapi_extra=CSV, response={200: CampaignPage, **NO}, summary="Campaigns and how they stand")
def campaigns(request: HttpRequest, asked: Query[PageIn]) -> Any:
    who = reader(request, "campaigns")
    return page(request, _mine(who), asked, CampaignOut, lambda one: _campaign(one, who))


def _mine(who: Reader) -> Any:
    """A key that is kept to a unit reads what that unit takes part in, or holds."""
    mine = Campaign.objects.visible_to(who.user)
    if who.unit is None:
        return mine
    parts = Part.objects.filter(unit__path__under=who.unit.path).values("campaign")
    return mine.filter(pk__in=parts) | mine.filter(unit__path__under=who.unit.path)


def _campaign(one: Campaign, who: Reader) -> dict[str, Any]:
    numbers = Account(one, who.user, who.unit).sum(None)
    same = ("number", "date", "subject", "issuer", "deadline", "state", "started_at", "looked_at")
    return {
        "id": one.pk, "unit": one.unit_id, **{name: getattr(one, name) for name in same}, "closed_at": one.sealed_at,
        "scope": numbers.scope if one.has_account else None,
        **{state.replace("-", "_"): count if one.has_account else None for state, count in numbers.states.items()},
    }  # fmt: skip


class CampaignUnitOut(Schema):
    unit: int
    name: str = Field(description="At the start, as the code")
    code: str
    answers: bool = Field(description="It is asked to confirm and to hand in")
    received_at: datetime | None
    handed_at: datetime | None
    scope: int = Field(description="Of it and all below, as the next six")
    done: int
    not_done: int
    excused: int
    unknown: int
    missing: int
    never: int


@router.get(
    "campaigns/{int:pk}/units", openapi_extra=CSV, response={200: list[CampaignUnitOut], **NO}, summary="A campaign by unit"
)
def units(request: HttpRequest, pk: int, asked: Query[ListIn]) -> Any:
    account = _account(reader(request, "campaigns"), pk)
    found = [_unit(part, account) for part in account.parts.values()]
    return table(asked, CampaignUnitOut, found) if wants_csv(request, asked) else found


def _account(who: Reader, pk: int) -> Account:
    found = _mine(who).filter(pk=fits(pk)).first()
    if found is None or not found.has_account:
        raise Refused(404, "not-found", "no such campaign here, or it was not written down yet who is in it")
    return Account(found, who.user, who.unit)


def _unit(part: Part, account: Account) -> dict[str, Any]:
    numbers = account.sum(part)
    return {
        "unit": part.unit_id, "name": part.name, "code": part.code, "answers": part.answers, "received_at": part.received_at,
        "handed_at": part.handed_at, "scope": numbers.scope,
        **{state.replace("-", "_"): count for state, count in numbers.states.items()},
    }  # fmt: skip


class CampaignMachineOut(Schema):
    id: int
    machine: int | None = Field(
        description="null: only on a list, its registration was removed, or it is where the caller does not see it"
    )
    name: str
    kind: str
    unit: int
    unit_name: str
    place: str = Field(description="scope · later · left-out")
    state: str = Field(description="done · not-done · excused · unknown · missing · never")
    why: str
    about: list[str] = Field(description="Checks that `why` speaks of")
    before: str = Field(description="pass · fail · unknown · unseen: at the start")
    before_at: datetime | None
    before_snapshot: str
    snapshot: str
    seen_at: datetime | None
    contact_at: datetime | None
    became: str = Field(
        description="retired · moved · removed; empty: as it was. Of one that was moved to where the caller does not see it, why, about, snapshot, seen_at and contact_at are empty"
    )


class CampaignMachinePage(Schema):
    items: list[CampaignMachineOut]
    next: int | None


class MachinesIn(PageIn):
    state: str = Field("", pattern=STATE)
    place: str = Field(SCOPE, pattern="^(" + "|".join(code for code, _word in PLACES) + ")$")


@router.get(
    "campaigns/{int:pk}/machines", openapi_extra=CSV, response={200: CampaignMachinePage, **NO}, summary="A campaign by machine"
)
def machines(request: HttpRequest, pk: int, asked: Query[MachinesIn]) -> Any:
    account = _account(reader(request, "campaigns"), pk)
    rows = account.rows(asked.place).select_related("part")
    return page(request, rows.filter(state=asked.state) if asked.state else rows, asked, CampaignMachineOut, _machine)


def _machine(row: Row) -> dict[str, Any]:
    row.cut()
    same = ("name", "kind", "place", "state", "why", "about", "before", "before_at", "before_snapshot", "snapshot", "seen_at", "contact_at", "became")  # fmt: skip
    return {
        "id": row.pk, "machine": None if row.away else row.machine_id, "unit": row.part.unit_id, "unit_name": row.part.name,
        **{name: getattr(row, name) for name in same},
    }  # fmt: skip
