"""Bundles of evidence that were asked for: what of, by whom, and what became of them. The file lies beside the database."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.units.models import Unit
from server.units.scope import Scoped

UNIT, CAMPAIGN, SYSTEM = "unit", "campaign", "system"
KINDS = [(UNIT, _("a unit with everything below")), (CAMPAIGN, _("a campaign")), (SYSTEM, _("an information system"))]
WAITING, MADE, FAILED, REMOVED = "waiting", "made", "failed", "removed"
STATES = [
    (WAITING, _("being made")),
    (MADE, _("ready")),
    (FAILED, _("could not be made")),
    (REMOVED, _("removed after its time")),
]


class Bundle(models.Model):
    """A bundle. It is handed over, not kept: its file is removed after some weeks, its row and the journal stay."""

    REACHED_BY = "unit__path"
    WAITING, MADE, FAILED, REMOVED = WAITING, MADE, FAILED, REMOVED

    identity = models.UUIDField(unique=True, default=uuid.uuid4, help_text="Stands in the bundle")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+", help_text="It speaks of this unit and all below")
    kind = models.CharField(max_length=10, choices=KINDS)
    of = models.BigIntegerField(help_text="Number of the unit, the campaign or the system")
    name = models.CharField(max_length=300, help_text="What it was called then")
    reports = models.JSONField(default=list, help_text="[name, digest of the attachment] of each file that goes into it")
    asked_by = models.CharField(max_length=200)
    asked_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=10, choices=STATES, default=WAITING)
    problem = models.CharField(max_length=500, blank=True)
    made_at = models.DateTimeField(null=True)
    machines = models.PositiveIntegerField(default=0)
    size = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True, help_text="Of the file")
    place = models.CharField(max_length=253, blank=True, help_text="Name of the machine whose disk it lies on")

    objects: ClassVar[Scoped[Bundle]] = Scoped()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def path(self) -> Path:
        """Where the file lies, on the machine called `place`."""
        return Path(settings.DATA.root) / "evidence" / f"{self.identity}.zip"

    @property
    def file_name(self) -> str:
        day = timezone.localdate(self.made_at or self.asked_at).isoformat()
        return f"rasoat-evidence-{day}-{str(self.identity)[:8]}.zip"

    @property
    def state_word(self) -> str:
        return str(dict(STATES)[self.state])

    @property
    def ready(self) -> bool:
        return self.state == MADE
