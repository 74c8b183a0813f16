"""What fails, what turned, how it goes, and who is missing."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Query, Router, Schema

from server.coverage import numbers
from server.coverage.models import Expected
from server.errors import Refused
from server.findings import queries
from server.findings.codes import FAIL, UNKNOWN
from server.ingest.models import Machine
from server.programs.access import reader
from server.programs.asking import KIND, NO, Code, Day, Moment, fits, unit_of
from server.programs.listing import CSV, MOST, ListIn, PageIn, page, table, walk, wants_csv

router = Router(tags=["programs"])
WAITING = "Rasoat-Waiting"
"""Header of a CSV of counts, which has no room for it: reports not counted in yet."""
VERDICTS = {"fail": FAIL, "unknown": UNKNOWN}
MANY = 1_000_000
"""Rules: all of them."""


class RuleOut(Schema):
    rule: int
    baseline: str
    requirement: str
    check: str
    fail: int
    accepted: int = Field(description="Of the fails: borne by a waiver now")
    unknown: int
    passed: int


class WorstOut(Schema):
    items: list[RuleOut]
    waiting: int = Field(description="Reports not counted in yet")


class WorstIn(ListIn):
    unit: Code = ""
    kind: str = Field("", pattern=KIND)
    limit: int = Field(50, ge=1, le=1000)


@router.get(
    "findings", openapi_extra=CSV, response={200: WorstOut, **NO}, summary="Rules that machines of a unit fail, the gravest first"
)
def findings(request: HttpRequest, asked: Query[WorstIn]) -> Any:
    who = reader(request, "findings")
    whole = wants_csv(request, asked)
    worst = queries.worst_rules(who.user, unit_of(who, asked.unit), asked.kind, MANY if whole else asked.limit)
    items = [
        {"rule": one.rule.pk, "baseline": one.rule.baseline, "requirement": one.rule.requirement, "check": one.rule.check_id,
         "fail": one.fail, "accepted": one.accepted, "unknown": one.unknown, "passed": one.passed}
        for one in worst.rules
    ]  # fmt: skip
    if not whole:
        return {"items": items, "waiting": worst.waiting}
    answer = table(asked, RuleOut, items)
    answer[WAITING] = str(worst.waiting)
    return answer


class FailingOut(Schema):
    machine: int
    name: str
    unit: str
    since: datetime
    failing_since: datetime | None


class FailingIn(ListIn):
    unit: Code = ""
    verdict: str = Field("fail", pattern="^(fail|unknown)$")
    after_since: Moment | None = Field(None, description="`since` and `machine` of the last row of the page before")
    after_machine: int = Field(0, ge=0, le=2**63 - 1)
    limit: int = Field(100, ge=1, le=1000)


@router.get(
    "findings/{int:rule}/machines",
    openapi_extra=CSV,
    response={200: list[FailingOut], **NO},
    summary="Machines that fail a rule, longest first",
)
def failing(request: HttpRequest, rule: int, asked: Query[FailingIn]) -> Any:
    who = reader(request, "findings")
    unit, verdict = unit_of(who, asked.unit), VERDICTS[asked.verdict]

    def ask(after: tuple[datetime, int] | None, limit: int = MOST) -> list[queries.Failing]:
        return queries.failing(who.user, unit, fits(rule), verdict, after, limit)

    if wants_csv(request, asked):
        return table(asked, FailingOut, (one._asdict() for one in walk(ask, lambda last: (last.since, last.machine))))
    after = (asked.after_since, asked.after_machine) if asked.after_since else None
    return [one._asdict() for one in ask(after, asked.limit)]


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
    cause: str = Field(
        description="machine: the machine changed · rules: pack, level or tailoring did · data: what publishers say did, or is over its age limit"
    )


class TurnedIn(ListIn):
    unit: Code = ""
    since: Moment | None = Field(None, description="Known after that moment; without it, the last day")
    before_known: Moment | None = Field(None, description="`known_at` and `id` of the last row of the page before")
    before_id: int = Field(0, ge=0, le=2**63 - 1)
    limit: int = Field(100, ge=1, le=1000)


@router.get("changes", openapi_extra=CSV, response={200: list[TurnedOut], **NO}, summary="Verdicts that turned, newest first")
def changes(request: HttpRequest, asked: Query[TurnedIn]) -> Any:
    who = reader(request, "findings")
    unit, moment = unit_of(who, asked.unit), asked.since or timezone.now() - timedelta(days=1)

    def ask(before: tuple[datetime, int] | None, limit: int = MOST) -> list[queries.Turned]:
        return queries.changed_since(who.user, unit, moment, before=before, limit=limit)

    if wants_csv(request, asked):
        return table(asked, TurnedOut, (one._asdict() for one in walk(ask, lambda last: (last.known_at, last.id))))
    before = (asked.before_known, asked.before_id) if asked.before_known else None
    return [one._asdict() for one in ask(before, asked.limit)]


class DayOut(Schema):
    date: date
    machines: int
    fail: int
    unknown: int
    passed: int
    critical: int = Field(description="Of the fails")
    high: int
    medium: int
    low: int


class TrendIn(ListIn):
    unit: Code = ""
    kind: str = Field("", pattern=KIND)
    days: int = Field(30, ge=1, le=3660)
    until: Day | None = Field(None, description="Last day; without it, yesterday")


@router.get(
    "trend",
    openapi_extra=CSV,
    response={200: list[DayOut], **NO},
    summary="Each day's end, oldest first; none where none was kept",
)
def trend(request: HttpRequest, asked: Query[TrendIn]) -> Any:
    who = reader(request, "findings")
    until = asked.until or timezone.localdate() - timedelta(days=1)
    if until.toordinal() <= asked.days:
        raise Refused(422, "invalid", "until: too long ago")
    found = queries.trend(who.user, unit_of(who, asked.unit), until, asked.days, asked.kind)
    rows = [
        {
            "date": one.date,
            "machines": one.machines,
            "fail": one.fail,
            "unknown": one.unknown,
            "passed": one.passed,
            **one.severities,
        }
        for one in found
    ]
    return table(asked, DayOut, rows) if wants_csv(request, asked) else rows


class CoverageOut(Schema):
    unit: int
    name: str
    expected: int
    seen: int
    fresh: int
    judged: int
    excused: int


class CoverageIn(ListIn):
    unit: Code = ""


@router.get(
    "coverage",
    openapi_extra=CSV,
    response={200: list[CoverageOut], **NO},
    summary="Expected, seen, fresh, judged: a unit and those right below it",
)
def coverage(request: HttpRequest, asked: Query[CoverageIn]) -> Any:
    who = reader(request, "coverage")
    unit = unit_of(who, asked.unit)
    total, branches = numbers.branches(who.user, unit, timezone.now())
    rows = [(unit, total), *((branch.unit, branch.numbers) for branch in branches)]
    found = [{"unit": one.pk, "name": one.name, **vars(counted)} for one, counted in rows]
    return table(asked, CoverageOut, found) if wants_csv(request, asked) else found


class MissingOut(Schema):
    id: int = Field(description="Of the machine, or of the line of a list where `listed`")
    listed: bool = Field(description="A line of a list without a machine of its own")
    name: str
    kind: str
    unit: int
    unit_name: str
    mac: str
    address: str
    sources: list[str] = Field(description="Kinds of lists that hold it")
    seen_at: datetime | None
    excuse: str


class MissingPage(Schema):
    items: list[MissingOut]
    next: int | None


class MissingIn(PageIn):
    unit: Code = ""


@router.get(
    "coverage/{slug:gap}",
    openapi_extra=CSV,
    response={200: MissingPage, **NO},
    summary="The list behind a gap: " + " · ".join(numbers.GAPS),
)
def missing(request: HttpRequest, gap: str, asked: Query[MissingIn]) -> Any:
    who = reader(request, "coverage")
    if gap not in numbers.GAPS:
        raise Refused(404, "not-found", "no such gap; there are: " + ", ".join(numbers.GAPS))
    rows = numbers.gap(who.user, gap, unit_of(who, asked.unit), timezone.now())
    return page(request, rows, asked, MissingOut, _missing)


def _missing(row: Expected | Machine) -> dict[str, Any]:
    found = {"id": row.pk, "name": row.name, "kind": row.kind, "unit": row.unit_id, "unit_name": row.unit.name}
    if isinstance(row, Expected):
        held = sorted(mention.source for mention in row.mentions.all() if mention.gone_at is None)
        rest = {
            "listed": True,
            "mac": row.mac,
            "address": row.address,
            "sources": held,
            "seen_at": row.last_at,
            "excuse": row.excuse,
        }
    else:
        at = row.latest.orders_at if row.latest else None
        rest = {"listed": False, "mac": "", "address": "", "sources": [], "seen_at": at, "excuse": ""}
    return found | rest
