"""What programs read. Everything is filtered by the caller's part of the tree; nothing here changes anything."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Query, Router, Schema
from pydantic import AwareDatetime, BeforeValidator

from collectors.model import MACHINES
from server.assess.models import Alarm
from server.coverage import numbers
from server.errors import ErrorOut, Refused
from server.findings import queries
from server.findings.codes import FAIL, SEVERITY_WORDS, UNKNOWN, WORDS
from server.findings.models import Rule, Standing
from server.ingest.models import IN_SERVICE, Machine
from server.journal.models import Entry
from server.programs.access import Reader, reader
from server.programs.listing import CSV, PageIn, page
from server.units.models import Unit, by_code, resolve
from server.units.rights import JOURNAL

router = Router(tags=["programs"])
NO = {(401, 403, 404, 422, 429): ErrorOut}
Code = Annotated[str, Field(max_length=200, description="Code or number of a unit: it and all below")]


def _no_number(told: Any) -> Any:
    """A time is written as such; a bare number would be taken for seconds since 1970."""
    if isinstance(told, str) and "T" not in told.upper():
        raise ValueError("write it as 2026-11-29T08:00:00+07:00")
    return told


Moment = Annotated[AwareDatetime, BeforeValidator(_no_number)]
VERDICTS = {"fail": FAIL, "unknown": UNKNOWN}


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
    return page(who.rows(Unit), asked, lambda unit: _unit(unit, every))


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
    kind: str = Field("", pattern="^(" + "|".join(["", *MACHINES]) + ")$")
    q: str = Field("", max_length=200, description="Part of name, host name or operating system")
    retired: bool = Field(False, description="Those out of service instead of those in service")


@router.get(
    "assets", openapi_extra=CSV, response={200: AssetPage, **NO}, summary="Machines, with the counts of their newest report"
)
def assets(request: HttpRequest, asked: Query[AssetsIn]) -> Any:
    who = reader(request, "assets")
    rows = _under(who, who.rows(Machine), asked.unit, "unit__path")
    rows = rows.exclude(IN_SERVICE) if asked.retired else rows.filter(IN_SERVICE)
    if asked.kind:
        rows = rows.filter(kind=asked.kind)
    if asked.q:
        rows = rows.filter(Q(name__icontains=asked.q) | Q(hostname__icontains=asked.q) | Q(os_name__icontains=asked.q))
    return page(_with_counts(rows), asked, _asset)


@router.get("assets/{int:pk}", response={200: AssetOut, **NO}, summary="One machine")
def asset(request: HttpRequest, pk: int) -> Any:
    who = reader(request, "assets")
    found = _with_counts(who.rows(Machine)).filter(pk=_fits(pk)).first()
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


@router.get("assets/{int:pk}/verdicts", response={200: list[VerdictOut], **NO}, summary="How a machine stands now, by rule")
def verdicts(request: HttpRequest, pk: int) -> Any:
    who = reader(request, "assets")
    if not who.rows(Machine).filter(pk=_fits(pk)).exists():
        raise Refused(404, "not-found", "no such machine here")
    held = {one.rule_id: one for one in Standing.objects.filter(machine=pk)}
    rules = Rule.objects.in_bulk(list(held))
    return [_verdict(rules[number], one) for number, one in sorted(held.items()) if number in rules]


def _verdict(rule: Rule, held: Standing) -> dict[str, Any]:
    return {
        "rule": rule.pk, "requirement": rule.requirement, "check": rule.check_id, "severity": SEVERITY_WORDS.get(rule.severity, ""),
        "verdict": WORDS[held.verdict], "since": held.since, "failing_since": held.failing_since,
    }  # fmt: skip


class RuleOut(Schema):
    rule: int
    baseline: str
    requirement: str
    check: str
    fail: int
    unknown: int
    passed: int


class WorstOut(Schema):
    items: list[RuleOut]
    waiting: int = Field(description="Reports not counted in yet")


class WorstIn(Schema):
    unit: Code = ""
    kind: str = Field("", pattern="^(" + "|".join(["", *MACHINES]) + ")$")
    limit: int = Field(50, ge=1, le=1000)


@router.get("findings", response={200: WorstOut, **NO}, summary="Rules that machines of a unit fail, the gravest first")
def findings(request: HttpRequest, asked: Query[WorstIn]) -> Any:
    who = reader(request, "findings")
    worst = queries.worst_rules(who.user, _unit_of(who, asked.unit), asked.kind, asked.limit)
    items = [
        {"rule": one.rule.pk, "baseline": one.rule.baseline, "requirement": one.rule.requirement, "check": one.rule.check_id,
         "fail": one.fail, "unknown": one.unknown, "passed": one.passed}
        for one in worst.rules
    ]  # fmt: skip
    return {"items": items, "waiting": worst.waiting}


class FailingOut(Schema):
    machine: int
    name: str
    unit: str
    since: datetime
    failing_since: datetime | None


class FailingIn(Schema):
    unit: Code = ""
    verdict: str = Field("fail", pattern="^(fail|unknown)$")
    after_since: Moment | None = Field(None, description="`since` and `machine` of the last row of the page before")
    after_machine: int = Field(0, ge=0, le=2**63 - 1)
    limit: int = Field(100, ge=1, le=1000)


@router.get(
    "findings/{int:rule}/machines", response={200: list[FailingOut], **NO}, summary="Machines that fail a rule, longest first"
)
def failing(request: HttpRequest, rule: int, asked: Query[FailingIn]) -> Any:
    who = reader(request, "findings")
    after = (asked.after_since, asked.after_machine) if asked.after_since else None
    found = queries.failing(who.user, _unit_of(who, asked.unit), _fits(rule), VERDICTS[asked.verdict], after, asked.limit)
    return [one._asdict() for one in found]


class TurnedOut(Schema):
    id: int
    machine: int
    name: str
    requirement: str
    check: str
    was: str
    now: str
    at: datetime = Field(description="Seen then")
    known_at: datetime = Field(description="Known here since then")
    cause: str = Field(description="machine: the machine changed · rules: pack, level or tailoring did")


class TurnedIn(Schema):
    unit: Code = ""
    since: Moment | None = Field(None, description="Known after that moment; without it, the last day")
    before_known: Moment | None = Field(None, description="`known_at` and `id` of the last row of the page before")
    before_id: int = Field(0, ge=0, le=2**63 - 1)
    limit: int = Field(100, ge=1, le=1000)


@router.get("changes", response={200: list[TurnedOut], **NO}, summary="Verdicts that turned, newest first")
def changes(request: HttpRequest, asked: Query[TurnedIn]) -> Any:
    who = reader(request, "findings")
    moment = asked.since or timezone.now() - timedelta(days=1)
    before = (asked.before_known, asked.before_id) if asked.before_known else None
    found = queries.changed_since(who.user, _unit_of(who, asked.unit), moment, before=before, limit=asked.limit)
    return [one._asdict() for one in found]


class CoverageOut(Schema):
    unit: int
    name: str
    expected: int
    seen: int
    fresh: int
    judged: int
    excused: int


class CoverageIn(Schema):
    unit: Code = ""


@router.get(
    "coverage", response={200: list[CoverageOut], **NO}, summary="Expected, seen, fresh, judged: a unit and those right below it"
)
def coverage(request: HttpRequest, asked: Query[CoverageIn]) -> Any:
    who = reader(request, "coverage")
    unit = _unit_of(who, asked.unit)
    total, branches = numbers.branches(who.user, unit, timezone.now())
    rows = [(unit, total), *((branch.unit, branch.numbers) for branch in branches)]
    return [{"unit": one.pk, "name": one.name, **vars(counted)} for one, counted in rows]


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
    rows = _under(who, who.rows(Alarm), asked.unit, "machine__unit__path").select_related("machine")
    return page(rows.filter(closed_at=None) if asked.open else rows, asked, _alarm)


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
    return page(who.rows(Entry, JOURNAL), asked, lambda one: {"id": one.pk, **{name: getattr(one, name) for name in fields}})


def _unit_of(who: Reader, word: str) -> Unit:
    """The unit of that code or number; without one the highest the caller sees. Raises Refused(404)."""
    mine = who.rows(Unit)
    if not word:
        found = mine.order_by("path").first()
    else:
        by_number = Q(pk=int(word)) if word.isascii() and word.isdecimal() and len(word) < 10 else Q(pk__in=[])
        found = mine.filter(by_number | Q(pk__in=[unit.pk for unit in by_code(word)])).first()
    if found is None:
        raise Refused(404, "not-found", "no such unit here")
    return found


def _under(who: Reader, rows: QuerySet[Any], word: str, path: str) -> QuerySet[Any]:
    return rows.filter(**{f"{path}__under": _unit_of(who, word).path}) if word else rows


def _fits(number: int) -> int:
    """An id the database can hold."""
    return number if 0 <= number < 2**63 else 0
