"""The registers there are: which table each one is, and what its fields may hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from server.registers.columns import TYPED, Column, columns
from server.registers.installed import Program, ProgramChange
from server.registers.models import Item, ItemChange
from server.registers.record import Change, Record
from server.registers.systems import System, SystemChange
from server.units.models import Unit, User
from server.units.rights import SEE


class Book(NamedTuple):
    """A register."""

    name: str
    title: Any
    model: type[Any]
    change: type[Any]
    owner: str
    """Name of the field of a change that holds its entry."""

    @property
    def columns(self) -> Mapping[str, Column]:
        return columns(self.name)

    @property
    def fields(self) -> list[Column]:
        """Those that a person types, each a field of the table."""
        return [column for column in self.columns.values() if column.kind in TYPED]

    @property
    def choices(self) -> dict[str, dict[str, Any]]:
        chosen = (column.id for column in self.fields if column.kind == "choice")
        return {name: dict(self.model._meta.get_field(name).flatchoices) for name in chosen}

    def rows(self, user: User, action: str = SEE) -> QuerySet[Any]:
        """Entries of the part of the tree where this person may do that."""
        return whole(self.model.objects.visible_to(user, action))

    @property
    def derived(self) -> tuple[str, ...]:
        """Fields that follow from what is typed."""
        return ("serial_key",) if self.model is Item else ()

    def turned(self, record: Record, by: str, kind: str, field: str = "", old: str = "", new: str = "") -> Change:
        """A change, to be stored."""
        return self.change(**{self.owner: record}, by=by[:200], kind=kind, field=field, old=old[:2000], new=new[:2000])  # type: ignore[no-any-return]


def whole(rows: QuerySet[Any]) -> QuerySet[Any]:
    """With what pages show beside the entry."""
    return rows.select_related("unit", "machine__unit", "machine__told") if rows.model is Item else rows.select_related("unit")


def filed(rows: QuerySet[Any]) -> QuerySet[Any]:
    """With what files write, and no more. The units of devices are not among it (`lend_units`)."""
    if rows.model is not Item:
        return rows.select_related("unit")
    own = ("version", "unit", "machine", *(column.id for column in BOOKS["equipment"].fields))
    machine = (f"machine__{name}" for name in ("name", "hostname", "serial", "unit", "latest", "reported_at"))
    told = (f"machine__told__{name}" for name in ("maker", "model", "cpu", "memory_gib", "disks"))
    return rows.select_related(None).select_related("machine__told").only(*own, *machine, *told)


def lend_units(records: Iterable[Any]) -> None:
    """Read the units of these, which hundreds of them have in common, once: a join makes one for each row."""
    held = list(records)
    units = Unit.objects.in_bulk({one.unit_id for one in held})
    for one in held:
        one.unit = units[one.unit_id]


BOOKS = {
    "equipment": Book("equipment", _("Equipment"), Item, ItemChange, "item"),
    "software": Book("software", _("Software"), Program, ProgramChange, "program"),
    "systems": Book("systems", _("Information systems"), System, SystemChange, "system"),
}
