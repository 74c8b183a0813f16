"""The register of software, which programs machines have, and what of it is in no register."""

from __future__ import annotations

import json
import zlib
from typing import ClassVar

from django.db import models
from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from server.ingest.models import Machine
from server.registers.record import Change, Record
from server.units.models import Unit
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
    def uses(self) -> models.QuerySet[Use]:
        """On machines in service that lie where the entry speaks."""
        return Use.objects.filter(program=self, machine__retired_at=None, machine__unit__path__under=self.unit.path)

    @property
    def copies(self) -> dict[str, int]:
        """Machines that have it: servers, workstations, all."""
        servers = Count("machine", distinct=True, filter=Q(machine__kind="server"))
        stations = Count("machine", distinct=True, filter=Q(machine__kind="workstation"))
        return self.uses.aggregate(servers=servers, stations=stations, all=Count("machine", distinct=True))

    @property
    def unseen(self) -> int:
        """Machines there whose programs were not seen, or not counted yet: they may have it as well."""
        here = Machine.objects.filter(retired_at=None, kind__in=("server", "workstation"), unit__path__under=self.unit.path)
        return here.filter(UNCOUNTED).count()

    @property
    def over(self) -> int:
        """So many more machines have it than the licence allows; 0: none, or no number was written down."""
        return 0 if self.licence_count is None else max(0, self.copies["all"] - self.licence_count)

    @property
    def servers(self) -> list[str]:
        found = self.uses.filter(machine__kind="server").values_list("machine__name", flat=True)
        return list(found.distinct().order_by("machine__name"))

    @property
    def versions(self) -> list[tuple[str, int]]:
        """Version and on how many machines, the most frequent first."""
        found = self.uses.exclude(version="").values_list("version").annotate(many=Count("machine", distinct=True))
        return [(version, many) for version, many in found.order_by("-many", "version")]

    def told_text(self, name: str) -> str:
        """Of the columns that are written only; nothing where no rule says what it is called on machines."""
        if not self.rules:
            return ""
        if name == "servers":
            return ", ".join(self.servers)
        if name == "versions":
            return ", ".join(f"{version} ({many})" for version, many in self.versions[:NAMED])
        return f"{'≥ ' if self.unseen else ''}{self.copies['stations']}"


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
