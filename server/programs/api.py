"""What programs read. Everything is filtered by the caller's part of the tree; nothing here changes anything."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from server.assess.models import Alarm
from server.errors import Refused
from server.findings.codes import SEVERITY_WORDS, WORDS
from server.findings.models import Rule, Standing
from server.ingest.models import IN_SERVICE, Machine
from server.journal.models import Entry
from server.programs import api_findings, api_work
from server.programs.access import reader
from server.programs.asking import KIND, NO, Code, fits, under
from server.programs.listing import CSV, ListIn, PageIn, page, table, wants_csv
from server.units.models import Unit, resolve
from server.units.rights import JOURNAL

router = Router(tags=["programs"])
router.add_router("", api_findings.router)
router.add_router("", api_work.router)


class UnitOut(Schema):
    id: int
    name: str
    code: str
    kind: str
    parent: int | None
    level: int = Field(description="That its machines are held to")
    valid_from: date | None
    valid_until: date | None


class UnitPage(Schema):
    items: list[UnitOut]
    next: int | None


@router.get("units", openapi_extra=CSV, response={200: UnitPage, **NO}, summary="The tree, as far as the caller sees it")
def units(request: HttpRequest, asked: Query[PageIn]) -> Any:
    who = reader(request, "units")
    every = {unit.pk: unit for unit in Unit.objects.all()}
    return page(request, who.rows(Unit), asked, UnitOut, lambda unit: _unit(unit, every))


def _unit(unit: Unit, every: dict[int, Unit]) -> dict[str, Any]:
    return {
        "id": unit.pk, "name": unit.name, "code": unit.code, "kind": unit.kind, "parent": unit.parent_id,
        "level": resolve(unit, every).level, "valid_from": unit.valid_from, "valid_until": unit.valid_until,
    }  # fmt: skip


class AssetOut(Schema):
    id: int
    name: str
    kind: str
    unit: int
    unit_name: str
    hostname: str
    os_name: str
    serial: str
    agent: str
    enrolled_at: datetime
    retired_at: datetime | None
    reported_at: datetime | None = Field(description="When its newest facts were seen; null: it never reported")
    level: int | None
    fail: int | None
    unknown: int | None
    passed: int | None = Field(description="Verdicts of the newest report; null where it was not judged")
    snapshot: str | None


class AssetPage(Schema):
    items: list[AssetOut]
    next: int | None


class AssetsIn(PageIn):
    unit: Code = ""
    kind: str = Field("", pattern=KIND)
    q: str = Field("", max_length=200, description="Part of name, host name or operating system")
    retired: bool = Field(False, description="Those out of service instead of those in service")


@router.get(
    "assets", openapi_extra=CSV, response={200: AssetPage, **NO}, summary="Machines, with the counts of their newest report"
)
def assets(request: HttpRequest, asked: Query[AssetsIn]) -> Any:
    who = reader(request, "assets")
    rows = under(who, who.rows(Machine), asked.unit, "unit__path")
    rows = rows.exclude(IN_SERVICE) if asked.retired else rows.filter(IN_SERVICE)
    if asked.kind:
        rows = rows.filter(kind=asked.kind)
    if asked.q:
        rows = rows.filter(Q(name__icontains=asked.q) | Q(hostname__icontains=asked.q) | Q(os_name__icontains=asked.q))
    return page(request, _with_counts(rows), asked, AssetOut, _asset)


@router.get("assets/{int:pk}", response={200: AssetOut, **NO}, summary="One machine")
def asset(request: HttpRequest, pk: int) -> Any:
    who = reader(request, "assets")
    found = _with_counts(who.rows(Machine)).filter(pk=fits(pk)).first()
    if found is None:
        raise Refused(404, "not-found", "no such machine here")
    return _asset(found)


def _with_counts(rows: QuerySet[Machine]) -> QuerySet[Machine]:
    return rows.select_related("unit", "agent", "latest__assessment").defer("latest__sealed", "latest__assessment__packed")


def _asset(machine: Machine) -> dict[str, Any]:
    latest = machine.latest
    judged = getattr(latest, "assessment", None)
    return {
        "id": machine.pk, "name": machine.name, "kind": machine.kind, "unit": machine.unit_id, "unit_name": machine.unit.name,
        "hostname": machine.hostname, "os_name": machine.os_name, "serial": machine.serial, "agent": machine.agent_id,
        "enrolled_at": machine.created_at, "retired_at": machine.retired_at, "reported_at": latest.orders_at if latest else None,
        "level": judged.level if judged else None, "fail": judged.fail if judged else None,
        "unknown": judged.unknown if judged else None, "passed": judged.passed if judged else None,
        "snapshot": latest.pk if latest else None,
    }  # fmt: skip


class VerdictOut(Schema):
    rule: int
    requirement: str
    check: str
    severity: str
    verdict: str = Field(description="fail · unknown · pass")
    since: datetime
    failing_since: datetime | None


@router.get(
    "assets/{int:pk}/verdicts",
    openapi_extra=CSV,
    response={200: list[VerdictOut], **NO},
    summary="How a machine stands now, by rule",
)
def verdicts(request: HttpRequest, pk: int, asked: Query[ListIn]) -> Any:
    who = reader(request, "assets")
    if not who.rows(Machine).filter(pk=fits(pk)).exists():
        raise Refused(404, "not-found", "no such machine here")
    held = {one.rule_id: one for one in Standing.objects.filter(machine=pk)}
    rules = Rule.objects.in_bulk(list(held))
    found = [_verdict(rules[number], one) for number, one in sorted(held.items()) if number in rules]
    return table(asked, VerdictOut, found) if wants_csv(request, asked) else found


def _verdict(rule: Rule, held: Standing) -> dict[str, Any]:
    return {
        "rule": rule.pk, "requirement": rule.requirement, "check": rule.check_id, "severity": SEVERITY_WORDS.get(rule.severity, ""),
        "verdict": WORDS[held.verdict], "since": held.since, "failing_since": held.failing_since,
    }  # fmt: skip


class AlarmOut(Schema):
    id: int
    machine: int
    name: str
    kind: str
    title: str
    times: int
    first_at: datetime
    last_at: datetime
    closed_at: datetime | None
    closed_by: str


class AlarmPage(Schema):
    items: list[AlarmOut]
    next: int | None


class AlarmsIn(PageIn):
    unit: Code = ""
    open: bool = Field(True, description="Only those nobody closed")


@router.get("alarms", openapi_extra=CSV, response={200: AlarmPage, **NO}, summary="Alarms")
def alarms(request: HttpRequest, asked: Query[AlarmsIn]) -> Any:
    who = reader(request, "alarms")
    rows = under(who, who.rows(Alarm), asked.unit, "machine__unit__path").select_related("machine")
    return page(request, rows.filter(closed_at=None) if asked.open else rows, asked, AlarmOut, _alarm)


def _alarm(alarm: Alarm) -> dict[str, Any]:
    return {
        "id": alarm.pk, "machine": alarm.machine_id, "name": alarm.machine.name, "kind": alarm.kind, "title": alarm.title,
        "times": alarm.times, "first_at": alarm.first_at, "last_at": alarm.last_at, "closed_at": alarm.closed_at,
        "closed_by": alarm.closed_by,
    }  # fmt: skip


class EntryOut(Schema):
    id: int
    at: datetime
    action: str
    actor: str
    subject: str
    address: str
    detail: dict[str, Any]


class EntryPage(Schema):
    items: list[EntryOut]
    next: int | None


@router.get("journal", openapi_extra=CSV, response={200: EntryPage, **NO}, summary="The journal, oldest first")
def journal(request: HttpRequest, asked: Query[PageIn]) -> Any:
    who = reader(request, "journal")
    fields = ("at", "action", "actor", "subject", "address", "detail")
    rows = who.rows(Entry, JOURNAL)
    return page(request, rows, asked, EntryOut, lambda one: {"id": one.pk, **{name: getattr(one, name) for name in fields}})
