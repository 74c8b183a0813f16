"""What a worker added up beforehand."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from server.units.models import Unit
from server.units.scope import Scoped


class Summed(models.Model):
    """What turned in a large unit, with everything below it, between the ends of two days, as it stood at a moment."""

    REACHED_BY = "unit__path"

    unit = models.OneToOneField(Unit, on_delete=models.CASCADE, primary_key=True, related_name="+")
    first = models.DateField()
    second = models.DateField()
    at = models.DateTimeField(help_text="What became known later is not in it")
    known = models.JSONField(help_text="units.Known of both days: [reported, before, never]")
    turned = models.JSONField(help_text="units.count: [[rule, before, after, machines]]")

    objects: ClassVar[Scoped[Summed]] = Scoped()

    def __str__(self) -> str:
        return f"{self.unit_id}: {self.first} – {self.second}"
