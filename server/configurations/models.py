"""Versions of configurations, each text once, and per device where it stands.

A text is the one the fact `configuration` carries: redacted, without clocks and counters. What is needed for a restore is
never here; it stays encrypted at the station (docs/decisions.md).
"""

from __future__ import annotations

import zlib
from typing import ClassVar

from django.db import models

from server.ingest.models import Machine
from server.units.scope import Scoped


class Text(models.Model):
    """One redacted configuration, by its digest: a hundred switches from one template share it."""

    digest = models.CharField(primary_key=True, max_length=64, help_text="sha256 of the text")
    lines = models.PositiveIntegerField()
    packed = models.BinaryField(null=True, help_text="zlib; null where the device's text was too long to be sent")

    def __str__(self) -> str:
        return self.digest[:12]

    @property
    def text(self) -> str | None:
        return None if self.packed is None else zlib.decompress(self.packed).decode("utf-8", "surrogatepass")

    @staticmethod
    def pack(text: str) -> bytes:
        return zlib.compress(text.encode("utf-8", "surrogatepass"))


class Version(models.Model):
    """A stretch of time in which a device ran one configuration. A text that comes back is a version of its own."""

    REACHED_BY = "machine__unit__path"

    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="configurations")
    text = models.ForeignKey(Text, on_delete=models.PROTECT, related_name="versions")
    first_at = models.DateTimeField(help_text="When it was first seen")
    last_at = models.DateTimeField(help_text="When it was last seen")
    first_snapshot = models.CharField(max_length=36)
    last_snapshot = models.CharField(max_length=36)
    changed_at = models.DateTimeField(null=True, help_text="By the device's own word")
    changed_by = models.CharField(max_length=200, blank=True, help_text="By the device's own word")

    objects: ClassVar[Scoped[Version]] = Scoped()

    class Meta:
        ordering = ["-first_at", "-pk"]
        indexes = [models.Index(fields=["machine", "-first_at"], name="configuration_history")]

    def __str__(self) -> str:
        return f"{self.machine_id}: {self.text_id[:12]}"


class MonthEnd(models.Model):
    """The last copy of a month, which is kept whatever else is forgotten."""

    REACHED_BY = "machine__unit__path"

    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="month_ends")
    month = models.DateField(help_text="Its first day, local time")
    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="month_ends")
    seen_at = models.DateTimeField()

    objects: ClassVar[Scoped[MonthEnd]] = Scoped()

    class Meta:
        ordering = ["-month"]
        constraints = [models.UniqueConstraint(fields=["machine", "month"], name="one_last_copy_per_month")]

    def __str__(self) -> str:
        return f"{self.machine_id}: {self.month:%Y-%m}"


class Standing(models.Model):
    """Where one device stands, so that a list costs no walk through its history."""

    REACHED_BY = "machine__unit__path"

    machine = models.OneToOneField(Machine, on_delete=models.CASCADE, related_name="configuration")
    current = models.ForeignKey(Version, null=True, on_delete=models.SET_NULL, related_name="+")
    seen_at = models.DateTimeField(null=True, help_text="When a configuration was last had")
    changed_at = models.DateTimeField(null=True, help_text="When the current one was first seen in place of another")
    saved = models.BooleanField(null=True, help_text="What runs is what starts; null: not known")
    tried_at = models.DateTimeField(help_text="When it was last asked for")
    outcome = models.CharField(max_length=20)
    reason = models.TextField(blank=True, help_text="Why the last try brought none")
    serial = models.CharField(max_length=100, blank=True, db_index=True)

    objects: ClassVar[Scoped[Standing]] = Scoped()

    def __str__(self) -> str:
        return f"{self.machine_id}: {self.outcome}"
