"""Lists and letters, for programs."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from server.errors import Refused
from server.ingest.models import IN_SERVICE, Machine
from server.programs.access import Reader, reader
from server.programs.asking import NO, Code, fits, under
from server.programs.listing import CSV, ListIn, PageIn, page, table, wants_csv
from server.sweeps import book, rows, state
from server.sweeps.codes import CANNOT_TELL, STATES, VERDICTS
from server.sweeps.models import Concern, Letter, Sheet, Sighting

router = Router(tags=["programs"])
SCOPE = "sweeps"


def _machines(who: Reader, unit: str) -> QuerySet[Machine]:
    return under(who, who.rows(Machine), unit, "unit__path").filter(IN_SERVICE)


def _number(text: str) -> int:
    """0 for what is none: lists and letters are the same for everybody, and their numbers stand in addresses as words do."""
    return fits(int(text)) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


class SheetOut(Schema):
    id: int
    number: str
    dated: date
    issuer: str
    title: str
    indicators: int
    seen: int = Field(description="Machines that showed one of them, however long ago")
    not_seen: int = Field(
        description="Machines whose newest report shows none, every source having been looked at; that is not 'clean'"
    )
    not_known: int


class SweepsIn(ListIn):
    unit: Code = ""


@router.get(
    "sweeps",
    openapi_extra=CSV,
    response={200: list[SheetOut], **NO},
    summary="Lists of indicators and on how many machines they were seen",
)
def sweeps(request: HttpRequest, asked: Query[SweepsIn]) -> Any:
    who = reader(request, SCOPE)
    mine = _machines(who, asked.unit)
    kept = list(Sheet.objects.all())
    counted = state.numbers(mine, kept)
    found = [_sheet(one, counted[one.pk]) for one in kept]
    return table(asked, SheetOut, found) if wants_csv(request, asked) else found


def _sheet(one: Sheet, numbers: dict[str, int]) -> dict[str, Any]:
    return {
        "id": one.pk, "number": one.number, "dated": one.dated, "issuer": one.issuer, "title": one.title, "indicators": one.count,
        **{word.replace("-", "_"): numbers[word] for word in VERDICTS},
    }  # fmt: skip


class SweptOut(Schema):
    id: int = Field(description="Of the machine")
    name: str
    unit: int
    unit_name: str
    verdict: str = Field(description=" · ".join(VERDICTS))
    reported_at: datetime | None = Field(description="Of the report it rests on; null: not held against this list yet")
    looked_at: list[str]
    missing: list[dict[str, str]] = Field(description="Sources that could not be looked at, each with the reason")


class SweptPage(Schema):
    items: list[SweptOut]
    next: int | None


class SweptIn(PageIn):
    unit: Code = ""
    verdict: str = Field("", pattern="^(" + "|".join(["", *VERDICTS]) + ")$")


@router.get(
    "sweeps/{slug:sheet}/machines",
    openapi_extra=CSV,
    response={200: SweptPage, **NO},
    summary="Machines and what a list means for them",
)
def swept(request: HttpRequest, sheet: str, asked: Query[SweptIn]) -> Any:
    who = reader(request, SCOPE)
    found = Sheet.objects.filter(pk=_number(sheet)).first()
    if found is None:
        raise Refused(404, "not-found", "no such list here")
    judged = state.judged(_machines(who, asked.unit), found).select_related("unit", "looked")
    stamp = book.stamp()
    chosen = judged.filter(verdict=asked.verdict) if asked.verdict else judged
    return page(request, chosen, asked, SweptOut, lambda one: _swept(one, found, stamp))


def _swept(machine: Any, sheet: Sheet, stamp: str) -> dict[str, Any]:
    looked, sources, missing = rows.of_list(machine, sheet, stamp)
    return {
        "id": machine.pk, "name": machine.name, "unit": machine.unit_id, "unit_name": machine.unit.name,
        "verdict": machine.verdict,
        "reported_at": looked.reported_at if looked else None, "looked_at": sources,
        "missing": [{"source": one.source, "reason": one.reason} for one in missing],
    }  # fmt: skip


class SightingOut(Schema):
    id: int
    machine: int
    name: str
    list: str
    kind: str
    indicator: str
    source: str
    place: str
    exact: bool = Field(description="false: only a part of it was seen, such as the host of a web address")
    first: datetime = Field(description="Time of the first report that showed it")
    last: datetime
    current: bool = Field(description="The newest report shows it")
    listed: bool = Field(description="The list still holds it")


class SightingPage(Schema):
    items: list[SightingOut]
    next: int | None


class SightingsIn(PageIn):
    unit: Code = ""
    machine: int = Field(0, ge=0, le=2**63 - 1)


@router.get(
    "sightings", openapi_extra=CSV, response={200: SightingPage, **NO}, summary="Indicators that were seen: where, first and last"
)
def sightings(request: HttpRequest, asked: Query[SightingsIn]) -> Any:
    who = reader(request, SCOPE)
    found = under(who, who.rows(Sighting), asked.unit, "machine__unit__path").filter(machine__retired_at=None)
    if asked.machine:
        found = found.filter(machine=asked.machine)
    return page(request, found.select_related("machine", "sheet"), asked, SightingOut, _sighting)


def _sighting(one: Sighting) -> dict[str, Any]:
    same = ("kind", "source", "place", "exact", "first", "last", "current", "listed")
    return {
        "id": one.pk, "machine": one.machine_id, "name": one.machine.name, "list": one.sheet.number, "indicator": one.value,
        **{name: getattr(one, name) for name in same},
    }  # fmt: skip


class LetterOut(Schema):
    id: int
    number: str
    dated: date
    issuer: str
    title: str
    open: int = Field(description="Machines")
    cannot_tell: int
    closed: int = Field(description="By a newer report that proved it")
    not_affected: int


@router.get("letters", openapi_extra=CSV, response={200: list[LetterOut], **NO}, summary="Warnings by letter and how they stand")
def letters(request: HttpRequest, asked: Query[SweepsIn]) -> Any:
    who = reader(request, SCOPE)
    mine = _machines(who, asked.unit)
    kept = list(Letter.objects.all())
    stands = state.letter_numbers(mine, kept)
    found = [
        {"id": one.pk, "number": one.number, "dated": one.dated, "issuer": one.issuer, "title": one.title,
         **{word.replace("-", "_"): count for word, count in stands[one.pk].items()}}
        for one in kept
    ]  # fmt: skip
    return table(asked, LetterOut, found) if wants_csv(request, asked) else found


class ConcernOut(Schema):
    id: int = Field(description="Of the machine")
    name: str
    unit: int
    unit_name: str
    state: str = Field(description=" · ".join(STATES))
    since: datetime | None = Field(
        description="Time of the report that first showed it so; null: not held against this letter yet"
    )
    closed_by: str = Field(description="Snapshot that proved it; empty: not closed")
    closed_at: datetime | None
    items: list[dict[str, str]]


class ConcernPage(Schema):
    items: list[ConcernOut]
    next: int | None


class ConcernsIn(PageIn):
    unit: Code = ""
    state: str = Field("", pattern="^(" + "|".join(["", *STATES]) + ")$")


@router.get(
    "letters/{slug:letter}/machines",
    openapi_extra=CSV,
    response={200: ConcernPage, **NO},
    summary="Machines and how a letter stands on them",
)
def concerned(request: HttpRequest, letter: str, asked: Query[ConcernsIn]) -> Any:
    who = reader(request, SCOPE)
    warning = Letter.objects.filter(pk=_number(letter)).first()
    if warning is None:
        raise Refused(404, "not-found", "no such letter here")
    items = {item.key: item for item in warning.items.all()}
    stand = state.with_concern(state.concerned(_machines(who, asked.unit), warning), warning).select_related("unit")
    chosen = stand.filter(state=asked.state) if asked.state else stand

    def row(machine: Any) -> dict[str, Any]:
        held: Concern | None = next(iter(machine.held), None)
        told = [] if held is None else [one for one in held.standings if one.key in items]
        return {
            "id": machine.pk, "name": machine.name, "unit": machine.unit_id, "unit_name": machine.unit.name,
            "state": held.state_word if held else CANNOT_TELL, "since": held.since if held else None,
            "closed_by": held.closed_by if held else "", "closed_at": held.closed_at if held else None,
            "items": [
                {"cve": items[one.key].cve, "product": items[one.key].product, "kb": items[one.key].kb, "state": one.state,
                 "ground": one.ground, "detail": one.detail, "since": one.since}
                for one in told
            ],
        }  # fmt: skip

    return page(request, chosen, asked, ConcernOut, row)
