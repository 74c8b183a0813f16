"""Vulnerabilities for programs: of a unit, and of a machine. What could not be assessed is told with them, never left away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from itertools import chain
from typing import Any, Final

from django.db.models import Count, Min, OuterRef, Q, Subquery
from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Query, Router, Schema

from server.errors import Refused
from server.feeds.matching.models import Carried, Matched, Weakness
from server.feeds.matching.views import LIKELY, numbers
from server.feeds.models import Feed
from server.findings.codes import SEVERITY_WORDS
from server.ingest.models import Machine, StoredSnapshot
from server.programs.access import reader
from server.programs.asking import NO, Code, fits, under
from server.programs.listing import CSV, MOST, PageIn, page, table, wants_csv

router = Router(tags=["programs"])
BLIND: Final = "Rasoat-Not-Assessed"
"""Header of a CSV of counts, which has no room for it: machines of which nothing is known, or not all."""
NOT_ASSESSED: Final = "not-assessed"


class WeaknessOut(Schema):
    id: int
    identifier: str
    title: str
    severity: str = Field(description="The gravest a feed says; empty: none says one")
    exploited: bool | None = Field(description="Known to be exploited; null: no list of those within its limit is in force")
    due: date | None = Field(description="Day the list of exploited ones sets")
    ransomware: bool | None = Field(description="Known to be used so; null: not known")
    epss: float | None
    machines: int
    since: datetime = Field(description="Known here since then, of the first machine")


class NumbersOut(Schema):
    machines: int
    blind: int = Field(description="Nothing known of: not matched, or nothing could be assessed")
    partly: int = Field(description="Assessed in part")
    old: int = Field(description="By data over their limit")
    exploited: int | None = Field(description="Have an exploited one; null: none known, and of some it is not told")


class WeaknessPage(Schema):
    items: list[WeaknessOut]
    next: int | None
    of: NumbersOut = Field(description="The machines asked about: those that are not listed are not thereby safe")


class WeaknessesIn(PageIn):
    unit: Code = ""
    shown: str = Field(
        "all", pattern="^(all|exploited|likely)$", description="likely: exploited ones, and those of EPSS 0.1 or more"
    )


@router.get(
    "vulnerabilities", openapi_extra=CSV, response={200: WeaknessPage, **NO}, summary="Vulnerabilities of a unit's machines"
)
def vulnerabilities(request: HttpRequest, asked: Query[WeaknessesIn]) -> Any:
    who = reader(request, "feeds")
    carried = under(who, who.rows(Carried).filter(machine__retired_at=None), asked.unit, "machine__unit__path")
    machines = under(who, who.rows(Machine).filter(retired_at=None), asked.unit, "unit__path")
    matched = under(who, who.rows(Matched).filter(machine__retired_at=None), asked.unit, "machine__unit__path")
    mine = carried.filter(ground__weakness=OuterRef("pk")).order_by().values("ground__weakness")
    rows = Weakness.objects.annotate(
        machines=Subquery(mine.annotate(n=Count("machine", distinct=True)).values("n")),
        since=Subquery(mine.annotate(n=Min("since")).values("n")),
    ).filter(machines__gt=0)
    if asked.shown != "all":
        rows = rows.filter(Q(exploited=True) if asked.shown == "exploited" else Q(exploited=True) | Q(epss__gte=LIKELY))
    says = _says_what_is_exploited()
    answer = page(
        request, rows, asked, WeaknessOut, lambda one: _weakness(one, says) | {"machines": one.machines, "since": one.since}
    )
    told = numbers(matched, machines.count())
    if isinstance(answer, dict):
        return answer | {"of": told}
    answer[BLIND] = f"{(told['blind'] or 0) + (told['partly'] or 0)} of {told['machines']}"
    return answer


class CarriedOut(Schema):
    identifier: str = Field(description="Empty in csv's rows of what was not assessed")
    title: str
    severity: str
    exploited: bool | None
    epss: float | None
    package: str
    installed: str
    fixed: str = Field(description="First version without it; empty: none")
    answer: str = Field(
        description="fix · not-yet · will-not-fix · undetermined; in csv also not-assessed, with the reason as note"
    )
    note: str
    advisory: str
    decided_by: str
    since: datetime | None


class LeftOut(Schema):
    package: str
    version: str
    why: str
    detail: str


class MatchedOut(Schema):
    matched_at: datetime
    facts_at: datetime | None = Field(description="When the facts were collected; null: they are kept no longer")
    newest: bool = Field(description="They are the newest the machine sent")
    reason: str = Field(description="Nothing was assessed, and why; empty: something was")
    detail: str
    carries_until: date | None = Field(description="Last day its data count; null: without end, or no data")
    old: bool = Field(description="Data over their limit: what they do not name means nothing")
    assessed: int
    fixable: int
    exploited: int | None
    others: int
    undetermined: int
    left: list[LeftOut] = Field(description="Not assessed, or not wholly")


class CarriedPage(Schema):
    items: list[CarriedOut]
    next: int | None
    matched: MatchedOut | None = Field(description="null: not matched yet")


@router.get(
    "assets/{int:pk}/vulnerabilities",
    openapi_extra=CSV,
    response={200: CarriedPage, **NO},
    summary="Vulnerabilities of a machine, and what of it could not be assessed",
)
def of_machine(request: HttpRequest, pk: int, asked: Query[PageIn]) -> Any:
    who = reader(request, "feeds")
    machine = who.rows(Machine).filter(pk=fits(pk)).first()
    if machine is None:
        raise Refused(404, "not-found", "no such machine here")
    stands = Matched.objects.filter(machine=machine).first()
    rows = Carried.objects.filter(machine=machine).select_related("ground__weakness").order_by("ground_id")
    says = _says_what_is_exploited()
    if wants_csv(request, asked):
        told = (_carried(one, says) for one in rows.iterator(chunk_size=MOST))
        return table(asked, CarriedOut, chain(told, _unassessed(stands)))
    found = list(rows.filter(ground_id__gt=asked.after)[: asked.limit + 1])
    kept = found[: asked.limit]
    return {
        "items": [_carried(one, says) for one in kept],
        "next": kept[-1].ground_id if len(found) > asked.limit else None,
        "matched": _matched(machine, stands) if stands else None,
    }


def _says_what_is_exploited() -> bool:
    """A list of exploited ones within its limit is in force."""
    return any(not feed.is_old() for feed in Feed.objects.filter(kind="kev").select_related("generation"))


def _weakness(one: Weakness, says: bool) -> dict[str, Any]:
    return {
        "id": one.pk, "identifier": one.identifier, "title": one.title, "severity": SEVERITY_WORDS.get(one.severity, ""),
        "exploited": one.exploited or (False if says and one.exploited is False else None), "due": one.due,
        "ransomware": one.ransomware, "epss": one.epss,
    }  # fmt: skip


def _carried(one: Carried, says: bool) -> dict[str, Any]:
    ground, weakness = one.ground, _weakness(one.ground.weakness, says)
    return {
        **{word: weakness[word] for word in ("identifier", "title", "severity", "exploited", "epss")},
        "package": ground.package, "installed": ground.installed, "fixed": ground.fixed, "answer": ground.answer_word, "note": ground.note,
        "advisory": ground.advisory, "decided_by": ground.decided_word, "since": one.since,
    }  # fmt: skip


def _unassessed(stands: Matched | None) -> Iterator[dict[str, Any]]:
    """A table without a row would read as "none": what was not assessed has rows of its own."""
    empty = dict.fromkeys(CarriedOut.model_fields, "") | {"exploited": None, "epss": None, "since": None, "answer": NOT_ASSESSED}
    if stands is None or stands.reason:
        yield empty | ({"note": stands.reason, "decided_by": stands.detail} if stands else {"note": "not-matched"})
    for left in stands.left if stands else ():
        yield empty | {"package": left.package, "installed": left.version, "note": left.why, "decided_by": left.detail}


def _matched(machine: Machine, stands: Matched) -> dict[str, Any]:
    seen = StoredSnapshot.objects.filter(pk=stands.snapshot).values_list("collected_at", flat=True).first()
    return {
        "matched_at": stands.at, "facts_at": seen, "newest": stands.snapshot == machine.latest_id, "reason": stands.reason,
        "detail": stands.detail, "carries_until": stands.carries_until,
        "old": bool(stands.carries_until and stands.carries_until < timezone.localdate()), "assessed": stands.assessed,
        "fixable": stands.fixable, "exploited": stands.attacked, "others": stands.others, "undetermined": stands.undetermined,
        "left": [one._asdict() for one in stands.left],
    }  # fmt: skip
