"""What programs read of waivers. Nobody asks for one, or agrees to one, with a key."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Query, Router, Schema

from server.programs.access import reader
from server.programs.asking import NO, Code, under
from server.programs.listing import CSV, PageIn, page
from server.waivers.models import Waiver, in_force

router = Router(tags=["programs"])


class WaiverOut(Schema):
    id: int
    unit: int
    unit_name: str
    whole: bool = Field(description="All machines of the unit and below; else `machines`")
    machines: list[int]
    system: str
    baseline: str
    requirement: str
    check: str = Field(description="Empty: every check of the requirement")
    level: int = Field(description="Highest level it was given for")
    type: str = Field(description="compensating · accepted")
    reason: str
    measure: str
    document: str
    on: date
    until: date
    ended_at: datetime | None
    stands: str = Field(description="active · ending · later · ended")
    asked_by: str
    approved_by: str
    agreed_at: datetime | None = Field(description="When the second person agreed; it bears nothing of the days before")


class WaiverPage(Schema):
    items: list[WaiverOut]
    next: int | None


class WaiversIn(PageIn):
    unit: Code = ""
    in_force: bool = Field(True, description="Only those that count now")


@router.get(
    "waivers",
    openapi_extra=CSV,
    response={200: WaiverPage, **NO},
    summary="Waivers. They turn no verdict: a borne fail is a fail",
)
def waivers(request: HttpRequest, asked: Query[WaiversIn]) -> Any:
    who = reader(request, "waivers")
    rows = under(who, who.rows(Waiver), asked.unit, "unit__path").select_related("unit", "request").prefetch_related("covers")
    return page(request, rows.filter(in_force(timezone.now())) if asked.in_force else rows, asked, WaiverOut, _waiver)


def _waiver(waiver: Waiver) -> dict[str, Any]:
    same = ("whole", "system", "baseline", "requirement", "level", "type", "reason", "measure", "document", "on", "until")
    return {
        "id": waiver.pk, "unit": waiver.unit_id, "unit_name": waiver.unit.name, "check": waiver.check_id,
        "machines": sorted(cover.machine_id for cover in waiver.covers.all()), **{name: getattr(waiver, name) for name in same},
        "ended_at": waiver.ended_at, "stands": waiver.stands, "asked_by": waiver.asked_by, "approved_by": waiver.approved_by,
        "agreed_at": waiver.request.decided_at,
    }  # fmt: skip
