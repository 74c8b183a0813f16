"""What there is much of, and by which of its columns it is found. Numbers are in databases: add, never change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from server.ingest.models import IN_SERVICE, Machine
from server.registers.installed import Program
from server.registers.models import Item
from server.registers.systems import System
from server.units.history import UnitName
from server.units.models import Unit


@dataclass(frozen=True)
class Source:
    """A table whose rows are found by words."""

    code: int
    title: str | Promise
    model: type[Any]
    fields: tuple[str, ...]
    unit: str
    """The column that says in which unit it is."""
    url: Callable[[Any], str]
    detail: Callable[[Any], str]
    more: str = ""
    """Name of the page that lists them and takes the same words as `q`."""

    def rows(self, refs: Iterable[int] | None = None) -> Iterator[tuple[int, int, list[str]]]:
        """(number, unit, texts) of all, or of these."""
        found = self.model.objects.all() if refs is None else self.model.objects.filter(pk__in=list(refs))
        former = _former(refs) if self.model is Unit else {}
        for pk, unit, *texts in found.order_by("pk").values_list("pk", self.unit, *self.fields).iterator(chunk_size=2000):
            yield pk, unit, [*texts, *former.get(pk, ())]


def _former(refs: Iterable[int] | None) -> dict[int, list[str]]:
    """What units were called before: people go on saying it for years."""
    names = UnitName.objects.all() if refs is None else UnitName.objects.filter(unit__in=list(refs))
    found: dict[int, list[str]] = {}
    for unit, name, code in names.values_list("unit_id", "name", "code"):
        found.setdefault(unit, []).extend((name, code))
    return found


def _of_unit(row: Any) -> str:
    return str(row.unit.name)


def _machine(row: Machine) -> str:
    return " · ".join(filter(None, (row.unit.name, row.os_name)))


SOURCES = (
    Source(1, _("Machines"), Machine, ("name", "hostname", "serial"), "unit_id", lambda row: reverse("machine", args=[row.pk]), _machine, "machines"),
    Source(2, _("Units"), Unit, ("name", "code"), "pk", lambda row: reverse("unit-overview", args=[row.pk]), lambda row: str(row.code), "units"),
    Source(3, _("Register of equipment"), Item, ("name", "serial"), "unit_id", lambda row: reverse("equipment-entry", args=[row.pk]), _of_unit),
    Source(4, _("Register of software"), Program, ("name", "maker"), "unit_id", lambda row: reverse("software-entry", args=[row.pk]), _of_unit),
    Source(5, _("Information systems"), System, ("name",), "unit_id", lambda row: reverse("systems-entry", args=[row.pk]), _of_unit),
)  # fmt: skip
BY_CODE = {source.code: source for source in SOURCES}
BY_MODEL = {source.model: source for source in SOURCES}
SHOWN_ONLY = {Machine: IN_SERVICE}
"""Rows that are looked for only while this holds."""
