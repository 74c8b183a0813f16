"""What a unit was called, where it lay, what became of it, and where each machine was: rows for what is over.

What holds today stands on the unit and on the machine themselves. A row is written when something ends, with its last day.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from server.units.scope import Scoped

_SINCE = "First day; null: from its beginning"


class UnitName(models.Model):
    """A name and a code that a unit had."""

    REACHED_BY = "unit__path"

    unit = models.ForeignKey("units.Unit", on_delete=models.CASCADE, related_name="names")
    name = models.CharField(max_length=200)
    code = models.CharField(max_length=40, blank=True, db_index=True)
    since = models.DateField(null=True, help_text=_SINCE)
    until = models.DateField(help_text="Last day")

    objects: ClassVar[Scoped[UnitName]] = Scoped()

    class Meta:
        ordering = ["until"]

    def __str__(self) -> str:
        return f"{self.name} ({self.until})"


class UnitPlace(models.Model):
    """A unit that a unit lay under. The path is the one it had, which older rows of the journal carry."""

    REACHED_BY = "unit__path"

    unit = models.ForeignKey("units.Unit", on_delete=models.CASCADE, related_name="places")
    parent = models.ForeignKey("units.Unit", null=True, on_delete=models.CASCADE, related_name="+")
    path = models.CharField(max_length=400, db_index=True)
    since = models.DateField(null=True, help_text=_SINCE)
    until = models.DateField(help_text="Last day")

    objects: ClassVar[Scoped[UnitPlace]] = Scoped()

    class Meta:
        ordering = ["until"]

    def __str__(self) -> str:
        return f"{self.path} ({self.until})"


class UnitSuccession(models.Model):
    """A unit went over into another one. Several of one old unit: it was split; several of one new: merged."""

    REACHED_BY = "new__path"

    old = models.ForeignKey("units.Unit", on_delete=models.CASCADE, related_name="successions")
    new = models.ForeignKey("units.Unit", on_delete=models.CASCADE, related_name="predecessions")
    date = models.DateField(help_text="First day of the new one's duty")
    decision = models.CharField(max_length=300, blank=True, help_text="Number and title of the decision")

    objects: ClassVar[Scoped[UnitSuccession]] = Scoped()

    class Meta:
        ordering = ["date", "pk"]
        constraints = [models.UniqueConstraint(fields=["old", "new"], name="each_succession_once")]

    def __str__(self) -> str:
        return f"{self.old_id} → {self.new_id} ({self.date})"


class MachinePlacement(models.Model):
    """A unit that a machine was in."""

    REACHED_BY = "machine__unit__path"

    machine = models.ForeignKey("ingest.Machine", on_delete=models.CASCADE, related_name="placements")
    unit = models.ForeignKey("units.Unit", on_delete=models.PROTECT, related_name="+")
    since = models.DateField(help_text="First day")
    until = models.DateField(help_text="Last day")

    objects: ClassVar[Scoped[MachinePlacement]] = Scoped()

    class Meta:
        ordering = ["until"]

    def __str__(self) -> str:
        return f"{self.machine_id}: {self.unit_id} ({self.until})"
