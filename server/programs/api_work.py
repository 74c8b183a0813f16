"""How the collector itself fares: its background work, its relays, and when machines report."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Query, Router, Schema

from server.background.models import Job
from server.programs.access import reader
from server.programs.asking import NO, Code, under
from server.programs.listing import CSV, ListIn, PageIn, page, table, wants_csv
from server.relays.models import Relay
from server.schedules.models import KINDS, Schedule
from server.units.rights import ADMINISTER

router = Router(tags=["programs"])
STATES = "^(" + "|".join(["", *(state for state, _word in Job.STATES)]) + ")$"
KIND = "^(" + "|".join(kind for kind, _word in KINDS) + ")$"


class JobOut(Schema):
    id: int
    name: str
    subject: str
    unit: int | None
    state: str
    asked_by: str
    asked_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    attempts: int = Field(description="Begun so often since it last got ahead")
    done: int
    of: int | None
    error: str


class JobPage(Schema):
    items: list[JobOut]
    next: int | None


class JobsIn(PageIn):
    state: str = Field("", pattern=STATES)


@router.get("jobs", openapi_extra=CSV, response={200: JobPage, **NO}, summary="Background work, oldest first; for administrators")
def jobs(request: HttpRequest, asked: Query[JobsIn]) -> Any:
    who = reader(request, "work")
    rows = who.rows(Job, ADMINISTER)
    return page(
        request, rows.filter(state=asked.state) if asked.state else rows, asked, JobOut, _told(JobOut, {"unit": "unit_id"})
    )


class RelayStateOut(Schema):
    id: str
    name: str
    unit: int
    enrolled_at: datetime | None
    contact_at: datetime | None
    revoked_at: datetime | None
    waiting: int | None = Field(description="Snapshots that waited there, by its last word; null: it has said nothing yet")
    oldest: datetime | None = Field(description="Since when the oldest of them waits")
    trouble: list[str] = Field(description="silent · backlog · dropped")


class RelaysIn(ListIn):
    unit: Code = ""


@router.get(
    "relays", openapi_extra=CSV, response={200: list[RelayStateOut], **NO}, summary="Relays and what they last said of themselves"
)
def relays(request: HttpRequest, asked: Query[RelaysIn]) -> Any:
    who, now = reader(request, "work"), timezone.now()
    rows = under(who, who.rows(Relay), asked.unit, "unit__path").order_by("created_at", "pk")
    found = [_relay(one, now) for one in rows]
    return table(asked, RelayStateOut, found) if wants_csv(request, asked) else found


def _relay(relay: Relay, now: datetime) -> dict[str, Any]:
    return {
        "id": relay.pk, "name": relay.name, "unit": relay.unit_id, "enrolled_at": relay.enrolled_at,
        "contact_at": relay.contact_at, "revoked_at": relay.revoked_at, "waiting": relay.waiting,
        "oldest": relay.oldest, "trouble": relay.trouble(now),
    }  # fmt: skip


class ScheduleOut(Schema):
    id: int
    unit: int
    kind: str = Field(description="server · workstation · network; empty: every kind")
    interval_seconds: int | None = Field(description="null, here and below: what the unit above says holds")
    jitter_seconds: int | None
    hours: list[dict[str, Any]] | None
    freezes: list[list[str]] | None
    zone: str
    overdue_after: int | None
    scans_per_minute: int | None
    bytes_per_second: int | None
    poll_seconds: int | None


class SchedulePage(Schema):
    items: list[ScheduleOut]
    next: int | None


class SchedulesIn(PageIn):
    unit: Code = ""
    kind: str = Field("", pattern=KIND)


@router.get("schedules", openapi_extra=CSV, response={200: SchedulePage, **NO}, summary="What units say of when machines report")
def schedules(request: HttpRequest, asked: Query[SchedulesIn]) -> Any:
    who = reader(request, "work")
    rows = under(who, who.rows(Schedule), asked.unit, "unit__path")
    rows = rows.filter(kind=asked.kind) if asked.kind else rows
    return page(request, rows, asked, ScheduleOut, _told(ScheduleOut, {"unit": "unit_id"}))


def _told(shape: type[Schema], other: dict[str, str]) -> Any:
    """The attributes of a row by the names of that shape."""
    return lambda row: {name: getattr(row, other.get(name, name)) for name in shape.model_fields}
