"""The register of software, which programs machines have, and what of it is in no register."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from operator import itemgetter
from typing import ClassVar

from django.db import models
from django.db.models import Count, F, Q
from django.utils.translation import gettext_lazy as _

from server.ingest.models import Machine
from server.registers.record import Change, Record
from server.units.models import Unit
from server.units.paths import outermost
from server.units.scope import Scoped

KINDS = [("system", _("system software")), ("sector", _("sector-wide application")), ("local", _("local application"))]
STATES = [("in_use", _("in use")), ("trial", _("on trial")), ("stopped", _("no longer used"))]
NAMED = 20
UNCOUNTED = Q(told=None) | Q(told__programs=None) | Q(told__counted="")
"""Condition on a Machine: its programs were not seen, or not counted yet."""


class Listing(models.Model):
    """The programs of a machine, as a report tells them. Machines that are alike share one."""

    digest = models.CharField(primary_key=True, max_length=64)
    packed = models.BinaryField(help_text="[name, version, maker] of each, sorted, as zlib of JSON")

    def __str__(self) -> str:
        return self.digest

    @property
    def programs(self) -> list[tuple[str, str, str]]:
        return [(name, version, maker) for name, version, maker in json.loads(zlib.decompress(self.packed))]


class Program(Record):
    """An entry of the software register (Sổ theo dõi phần mềm). It speaks for its unit and everything below."""

    REACHED_BY = "unit__path"
    FOLLOWS_UNIT = True

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="programs")
    name = models.CharField(max_length=253)
    function = models.CharField(max_length=1000, blank=True)
    kind = models.CharField(max_length=10, choices=KINDS, default="system")
    maker = models.CharField(max_length=200, blank=True)
    supplier = models.CharField(max_length=200, blank=True)
    used_since = models.DateField(null=True)
    installer = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=STATES, default="in_use")
    licence_number = models.CharField(max_length=200, blank=True)
    licence_count = models.PositiveIntegerField(null=True)
    licence_until = models.DateField(null=True)
    approval = models.CharField(max_length=300, blank=True, help_text="Number and date of the paper that allows it")
    rules = models.CharField(max_length=4000, blank=True, help_text="What it is called on machines: a line for each name, prefix* or @maker")  # fmt: skip

    objects: ClassVar[Scoped[Program]] = Scoped()

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def copies(self) -> dict[str, int]:
        """Machines that have it: servers, workstations, all."""
        return copies_of([self])[self.pk]

    @property
    def unseen(self) -> int:
        """Machines there whose programs were not seen, or not counted yet: they may have it as well."""
        return unseen_of([self])[self.pk]

    @property
    def over(self) -> int:
        """So many more machines have it than the licence allows; 0: none, or no number was written down."""
        return 0 if self.licence_count is None else self.beyond(self.copies["all"])

    def beyond(self, machines: int) -> int:
        """`over`, where so many machines have it."""
        return 0 if self.licence_count is None else max(0, machines - self.licence_count)

    @property
    def servers(self) -> list[str]:
        return [name for _pk, name in _servers([self])]

    @property
    def versions(self) -> list[tuple[str, int]]:
        """Version and on how many machines, the most frequent first."""
        return [(version, many) for _pk, version, many in _versions([self])]

    @classmethod
    def told_texts(cls, records: Sequence[Program]) -> dict[int, dict[str, str]]:
        """Nothing where no rule says what it is called on machines."""
        found = {one.pk: dict.fromkeys(("servers", "copies", "versions"), "") for one in records}
        named = [one for one in records if one.rules]
        copies, unseen = copies_of(named), unseen_of(named)
        for one in named:
            found[one.pk]["copies"] = f"{'≥ ' if unseen[one.pk] else ''}{copies[one.pk]['stations']}"
        for pk, servers in groupby(_servers(named), key=itemgetter(0)):
            found[pk]["servers"] = ", ".join(name for _pk, name in servers)
        for pk, versions in groupby(_versions(named), key=itemgetter(0)):
            found[pk]["versions"] = ", ".join(f"{version} ({many})" for _pk, version, many in islice(versions, NAMED))
        return found


class ProgramChange(Change):
    """History of a program (diễn biến cập nhật)."""

    REACHED_BY = "program__unit__path"

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="changes")

    objects: ClassVar[Scoped[ProgramChange]] = Scoped()

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.program_id} {self.field}"


class Use(models.Model):
    """A machine has a version of a program of the register."""

    REACHED_BY = "machine__unit__path"

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="+")
    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="+")
    version = models.CharField(max_length=200, blank=True, help_text="Empty: matched by its maker alone")

    objects: ClassVar[Scoped[Use]] = Scoped()

    def __str__(self) -> str:
        return f"{self.program_id} {self.machine_id}"


class Outside(models.Model):
    """A program that machines of a unit have and no entry that speaks there names (phần mềm ngoài quy định)."""

    REACHED_BY = "unit__path"
    FOLLOWS_UNIT = True

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=253)
    maker = models.CharField(max_length=200, blank=True)
    machines = models.PositiveIntegerField()

    objects: ClassVar[Scoped[Outside]] = Scoped()

    class Meta:
        ordering = ["-machines", "name"]

    def __str__(self) -> str:
        return self.name


# --- of several entries at once ------------------------------------------------------------------------------------------


def copies_of(programs: Sequence[Program]) -> dict[int, dict[str, int]]:
    """`copies` of each."""
    counts = {
        "servers": Count("machine", distinct=True, filter=Q(machine__kind="server")),
        "stations": Count("machine", distinct=True, filter=Q(machine__kind="workstation")),
        "all": Count("machine", distinct=True),
    }
    found = {one.pk: dict.fromkeys(counts, 0) for one in programs}
    for pk, *many in _uses(programs).values_list("program").annotate(**counts):
        found[pk] = dict(zip(counts, many, strict=True))
    return found


def _uses(programs: Sequence[Program]) -> models.QuerySet[Use]:
    """On machines in service that lie where the entry speaks."""
    there = Use.objects.filter(program__in=[one.pk for one in programs], machine__retired_at=None)
    return there.filter(machine__unit__path__startswith=F("program__unit__path")).order_by()


def _servers(programs: Sequence[Program]) -> Iterator[tuple[int, str]]:
    """(entry, name of a server that has it), entry by entry."""
    found = _uses(programs).filter(machine__kind="server").values_list("program", "machine__name").distinct()
    yield from found.order_by("program_id", "machine__name").iterator(2000)


def _versions(programs: Sequence[Program]) -> Iterator[tuple[int, str, int]]:
    """(entry, version, on how many machines), entry by entry the most frequent first."""
    found = _uses(programs).exclude(version="").values_list("program", "version").annotate(many=Count("machine", distinct=True))
    yield from found.order_by("program_id", "-many", "version").iterator(2000)


def unseen_of(programs: Sequence[Program]) -> dict[int, int]:
    """`unseen` of each."""
    units = {one.unit_id: one.unit.path for one in programs}
    there = Q(*(Q(unit__path__under=path) for path in outermost(units.values())), _connector=Q.OR)
    machines = (
        Machine.objects.filter(there, UNCOUNTED, retired_at=None, kind__in=("server", "workstation"))
        if units
        else Machine.objects.none()
    )
    counts = list(machines.order_by().values_list("unit__path").annotate(Count("pk")))
    found = {pk: sum(many for below, many in counts if below.startswith(path)) for pk, path in units.items()}
    return {one.pk: found[one.unit_id] for one in programs}
