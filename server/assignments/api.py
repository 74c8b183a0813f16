"""What programs read of findings that are worked on. Nothing is changed, and nothing closed, with a key."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Query, Router, Schema

from server.assignments.models import Assignment, Note, overdue
from server.errors import Refused
from server.findings.codes import SEVERITY_WORDS
from server.programs.access import reader
from server.programs.asking import NO, Code, fits, under
from server.programs.listing import CSV, ListIn, PageIn, page, table, wants_csv

router = Router(tags=["programs"])


class HandledOut(Schema):
    id: int
    unit: int
    unit_name: str
    machine: int | None = Field(description="null: every machine of the unit and below")
    machine_name: str
    rule: int
    baseline: str
    requirement: str
    check: str
    severity: str
    owner: str = Field(description="User name; empty: nobody yet")
    due: date | None
    overdue: bool
    state: str = Field(description="open · working · waiting · passed: a new scan passed · ended: without a pass, see `why`")
    waits_for: str
    why: str = Field(description="not-asked · retired · unit-ended, with `ended` alone")
    made_at: datetime
    made_by: str
    failed_at: datetime = Field(description="Of the newest report that did not pass")
    closed_at: datetime | None
    reopened: int


class WorkPage(Schema):
    items: list[HandledOut]
    next: int | None


class WorkIn(PageIn):
    unit: Code = ""
    open: bool = Field(True, description="Only those that no scan has closed")
    overdue: bool = Field(False, description="Only open ones whose due day is over")
    owner: str = Field("", max_length=150, description="User name")


@router.get(
    "work", openapi_extra=CSV, response={200: WorkPage, **NO}, summary="Findings that are worked on; only a new scan closes one"
)
def work(request: HttpRequest, asked: Query[WorkIn]) -> Any:
    who = reader(request, "assignments")
    rows = under(who, who.rows(Assignment), asked.unit, "unit__path").select_related("unit", "machine", "rule", "owner")
    if asked.overdue:
        rows = rows.filter(overdue(timezone.localdate()))
    elif asked.open:
        rows = rows.filter(closed_at=None)
    if asked.owner:
        rows = rows.filter(owner__username=asked.owner)
    return page(request, rows, asked, HandledOut, _work)


def _work(one: Assignment) -> dict[str, Any]:
    same = ("due", "overdue", "state", "waits_for", "why", "made_at", "made_by", "failed_at", "closed_at", "reopened")
    return {
        "id": one.pk, "unit": one.unit_id, "unit_name": one.unit.name, "machine": one.machine_id,
        "machine_name": one.machine.name if one.machine else "", "rule": one.rule_id, "baseline": one.rule.baseline,
        "requirement": one.rule.requirement, "check": one.rule.check_id, "severity": SEVERITY_WORDS.get(one.rule.severity, ""),
        "owner": one.owner.username if one.owner else "", **{name: getattr(one, name) for name in same},
    }  # fmt: skip


class NoteOut(Schema):
    id: int
    at: datetime
    by: str
    kind: str = Field(description="said · changed · passed · ended · again")
    text: str
    detail: dict[str, Any] = Field(description="With `changed`: name -> [before, after]")


@router.get(
    "work/{int:pk}/notes",
    openapi_extra=CSV,
    response={200: list[NoteOut], **NO},
    summary="What was said of one, and what was changed",
)
def notes(request: HttpRequest, pk: int, asked: Query[ListIn]) -> Any:
    who = reader(request, "assignments")
    if not who.rows(Assignment).filter(pk=fits(pk)).exists():
        raise Refused(404, "not-found", "no such finding here")
    found = [
        {"id": one.pk, **{name: getattr(one, name) for name in ("at", "by", "kind", "text", "detail")}}
        for one in Note.objects.filter(assignment=pk)
    ]
    return table(asked, NoteOut, found) if wants_csv(request, asked) else found
