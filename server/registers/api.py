"""What programs read of the registers, each as far as the caller sees it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from server.errors import Refused
from server.programs.access import Reader, reader
from server.programs.asking import NO, Code, fits, under
from server.programs.listing import CSV, PageIn, page, page_of
from server.registers import installed, models, systems
from server.registers.belonging import judged
from server.registers.books import BOOKS, Book, whole
from server.registers.views import HISTORY, narrowed

router = Router(tags=["programs"])


def _words(choices: list[tuple[str, Any]]) -> str:
    """A pattern: one of these, or nothing."""
    return "^(" + "|".join(["", *(code for code, _word in choices)]) + ")$"


class RegisterChangeOut(Schema):
    at: datetime
    by: str
    kind: str = Field(description="created · typed · imported · facts · linked · noted")
    field: str = Field(description="Empty: the entry itself")
    old: str
    new: str


class RegisterEntryOut(Schema):
    id: int = Field(description="Number in the register; never changes")
    edition: int = Field(description="One more after each change")
    unit: int
    unit_name: str
    unit_code: str
    name: str
    note: str
    created_at: datetime
    created_by: str


class RegisterIn(PageIn):
    unit: Code = ""
    q: str = Field("", max_length=200, description="Part of the name, or of what else the register's page searches")


def _entry(one: Any) -> dict[str, Any]:
    return {
        "id": one.pk, "edition": one.version, "unit": one.unit_id, "unit_name": one.unit.name, "unit_code": one.unit.code,
        "name": one.shown("name").value, "note": one.note, "created_at": one.created_at, "created_by": one.created_by,
    }  # fmt: skip


def _rows(who: Reader, book: Book, asked: RegisterIn) -> Any:
    rows = under(who, whole(who.rows(book.model)), asked.unit, "unit__path")
    return narrowed(book, rows, asked.model_dump())


def _one(request: HttpRequest, name: str, pk: int) -> tuple[Any, list[dict[str, Any]]]:
    """The entry and its newest changes. Raises Refused(404)."""
    who, book = reader(request, "registers"), BOOKS[name]
    found = whole(who.rows(book.model)).filter(pk=fits(pk)).first()
    if found is None:
        raise Refused(404, "not-found", "no such entry here")
    changes = book.change.objects.filter(**{book.owner: found})[:HISTORY]
    same = ("at", "by", "kind", "field", "old", "new")
    return found, [{field: getattr(change, field) for field in same} for change in changes]


# --- equipment -----------------------------------------------------------------------------------------------------------


class EquipmentOut(RegisterEntryOut):
    device_class: str
    serial: str
    configuration: str
    equipped: date | None
    supplier: str
    warranty_until: date | None
    warranty_place: str
    warranty_terms: str
    support_until: date | None
    person: str
    tag: str
    state: str
    machine: int | None = Field(description="The linked machine; null: none is")
    seen_at: datetime | None = Field(description="Its last report; null: it never reported, or no machine is linked")
    read: str = Field(description="Fields that the machine tells itself, with commas; what was typed stands behind them")


class EquipmentEntryOut(EquipmentOut):
    changes: list[RegisterChangeOut] = Field(description=f"The newest first, at most {HISTORY}")


class EquipmentPage(Schema):
    items: list[EquipmentOut]
    next: int | None


class EquipmentIn(RegisterIn):
    device_class: str = Field("", pattern=_words(models.CLASSES))
    state: str = Field("", pattern=_words(models.STATES))


@router.get("registers/equipment", openapi_extra=CSV, response={200: EquipmentPage, **NO}, summary="The register of equipment")
def equipment(request: HttpRequest, asked: Query[EquipmentIn]) -> Any:
    who = reader(request, "registers")
    return page(request, _rows(who, BOOKS["equipment"], asked), asked, EquipmentOut, _equipment)


@router.get("registers/equipment/{int:pk}", response={200: EquipmentEntryOut, **NO}, summary="One device with its history of use")
def one_device(request: HttpRequest, pk: int) -> Any:
    found, changes = _one(request, "equipment", pk)
    return _equipment(found) | {"changes": changes}


def _equipment(item: Any) -> dict[str, Any]:
    shown = {name: item.shown(name) for name in models.READ}
    typed = (
        "device_class", "equipped", "supplier", "warranty_until", "warranty_place", "warranty_terms", "support_until", "person", "tag",
        "state",
    )  # fmt: skip
    return {
        **_entry(item), **{name: getattr(item, name) for name in typed}, **{name: one.value for name, one in shown.items()},
        "machine": item.reads.pk if item.reads else None, "seen_at": item.seen_at,
        "read": ",".join(name for name, one in shown.items() if one.read),
    }  # fmt: skip


# --- software ------------------------------------------------------------------------------------------------------------


class SoftwareOut(RegisterEntryOut):
    function: str
    kind: str
    maker: str
    supplier: str
    used_since: date | None
    installer: str
    state: str
    licence_number: str
    licence_count: int | None
    licence_until: date | None
    approval: str
    rules: str = Field(description="What it is called on machines, a line for each")
    servers: int | None = Field(description="Servers that have it; null: nothing is counted, no rule says its name on machines")
    workstations: int | None
    unseen: int | None = Field(description="Machines whose programs were not seen: they may have it as well")


class SoftwareEntryOut(SoftwareOut):
    changes: list[RegisterChangeOut]


class SoftwarePage(Schema):
    items: list[SoftwareOut]
    next: int | None


class SoftwareIn(RegisterIn):
    kind: str = Field("", pattern=_words(installed.KINDS))
    state: str = Field("", pattern=_words(installed.STATES))


@router.get("registers/software", openapi_extra=CSV, response={200: SoftwarePage, **NO}, summary="The register of software")
def software(request: HttpRequest, asked: Query[SoftwareIn]) -> Any:
    who = reader(request, "registers")
    return page_of(request, _rows(who, BOOKS["software"], asked), asked, SoftwareOut, _programs)


@router.get("registers/software/{int:pk}", response={200: SoftwareEntryOut, **NO}, summary="One program with its history")
def one_program(request: HttpRequest, pk: int) -> Any:
    found, changes = _one(request, "software", pk)
    return next(_programs([found])) | {"changes": changes}


def _programs(several: list[Any]) -> Iterator[dict[str, Any]]:
    typed = (
        "function", "kind", "maker", "supplier", "used_since", "installer", "state", "licence_number", "licence_count", "licence_until",
        "approval", "rules",
    )  # fmt: skip
    named = [one for one in several if one.rules]
    copies, unseen = installed.copies_of(named), installed.unseen_of(named)
    for one in several:
        found = copies.get(one.pk)
        yield {
            **_entry(one), **{name: getattr(one, name) for name in typed},
            "servers": found["servers"] if found else None, "workstations": found["stations"] if found else None,
            "unseen": unseen.get(one.pk),
        }  # fmt: skip


# --- information systems -------------------------------------------------------------------------------------------------


class ZoneOut(Schema):
    name: str
    inside: list[str]
    public: list[str]


class SystemOut(RegisterEntryOut):
    code: str
    owner: str
    operator: str
    place: str
    appraiser: str
    approver: str
    kind: str
    information: str
    scope: str
    users: str
    hosted: str
    level_proposed: int | None
    basis: str
    approval: str = Field(description="draft · sent · appraised · approved; empty: not written down")
    approval_expected: date | None
    level_approved: int | None
    decision_number: str
    decision_date: date | None
    regulation: str
    standard: str
    plan: str = Field(description="none · partly · whole; empty: not written down")
    plan_expected: date | None
    checked: str = Field(description="before · regular · both; empty: not written down")
    checked_on: date | None
    state: str
    used_since: date | None
    zones: list[ZoneOut]
    machines: int = Field(description="Machines in service that belong to it")
    other_level: int | None = Field(
        description="Of these so many are judged at another level than the system's; null: it has none"
    )
    warnings: list[str] = Field(description="What should not be so: whoever operates also appraises or approves ...")


class BelongsOut(Schema):
    machine: int | None
    item: int | None = Field(description="Number in the register of equipment")
    name: str
    main: bool = Field(description="A main network device")


class StandingOut(Schema):
    machine: int
    name: str
    level: int | None = Field(description="At which its newest report was judged; null: it was not, as the numbers")
    fail: int | None
    unknown: int | None
    passed: int | None


class SystemEntryOut(SystemOut):
    members: list[BelongsOut]
    standing: list[StandingOut] = Field(description="How its machines in service stand")
    changes: list[RegisterChangeOut]


class SystemPage(Schema):
    items: list[SystemOut]
    next: int | None


class SystemsIn(RegisterIn):
    kind: str = Field("", pattern=_words(systems.KINDS))
    state: str = Field("", pattern=_words(systems.STATES))
    approval: str = Field("", pattern=_words(systems.APPROVAL))
    level_approved: str = Field("", pattern="^[1-5]?$")


@router.get(
    "registers/systems", openapi_extra=CSV, response={200: SystemPage, **NO}, summary="The register of information systems"
)
def information_systems(request: HttpRequest, asked: Query[SystemsIn]) -> Any:
    who = reader(request, "registers")
    return page_of(request, _rows(who, BOOKS["systems"], asked), asked, SystemOut, _systems)


@router.get(
    "registers/systems/{int:pk}", response={200: SystemEntryOut, **NO}, summary="One system with its machines and its history"
)
def one_system(request: HttpRequest, pk: int) -> Any:
    found, changes = _one(request, "systems", pk)
    members = found.here.select_related("machine", "item__machine__unit", "item__unit")
    return next(_systems([found])) | {
        "members": [{"machine": one.machine_id, "item": one.item_id, "name": one.name, "main": one.main} for one in members],
        "standing": [_standing(machine) for machine in judged(found.machines)], "changes": changes,
    }  # fmt: skip


def _standing(machine: Any) -> dict[str, Any]:
    assessment = getattr(machine.latest, "assessment", None)
    return {
        "machine": machine.pk, "name": machine.name,
        **{name: getattr(assessment, name) if assessment else None for name in ("level", "fail", "unknown", "passed")},
    }  # fmt: skip


def _systems(several: list[Any]) -> Iterator[dict[str, Any]]:
    typed = (
        "code", "owner", "operator", "place", "appraiser", "approver", "kind", "information", "scope", "users", "hosted", "basis",
        "approval", "approval_expected", "decision_number", "decision_date", "regulation", "standard", "plan", "plan_expected", "checked",
        "checked_on", "state", "used_since",
    )  # fmt: skip
    machines = systems.machines_of(several)
    for one in several:
        yield {
            **_entry(one), **{name: getattr(one, name) for name in typed},
            "level_proposed": int(one.level_proposed) if one.level_proposed else None,
            "level_approved": int(one.level_approved) if one.level_approved else None,
            "zones": [{"name": zone.name, "inside": list(zone.inside), "public": list(zone.public)} for zone in one.zones_told],
            "machines": machines[one.pk][0], "other_level": machines[one.pk][1], "warnings": one.warnings,
        }  # fmt: skip
