"""When the machines of a unit report, which sites are silent, and how far a new pack has come."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.units.models import Unit
from server.units.scope import Scoped

KINDS = [
    ("", _("every kind")),
    ("server", _("servers")),
    ("workstation", _("workstations")),
    ("network", _("network devices of scan stations")),
]
GROUPS = {"router": "network", "switch": "network", "firewall": "network"}
"""Kind of a machine -> kind of a schedule. `other` goes by what is said for every kind."""


class Schedule(models.Model):
    """What a unit says of one kind of its machines. What is null it inherits: resolve.py says from where."""

    REACHED_BY = "unit__path"

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="schedules")
    kind = models.CharField(max_length=20, blank=True, choices=KINDS)
    interval_seconds = models.PositiveIntegerField(null=True)
    jitter_seconds = models.PositiveIntegerField(null=True)
    hours = models.JSONField(null=True, help_text="[{days, from, to}]; empty: at any time")
    freezes = models.JSONField(null=True, help_text="[[first day, last day]]; added to those from above")
    zone = models.CharField(max_length=60, blank=True)
    overdue_after = models.PositiveSmallIntegerField(null=True)
    scans_per_minute = models.PositiveIntegerField(null=True, help_text="Handed out to one site, when people ask for scans now")
    bytes_per_second = models.PositiveIntegerField(null=True, help_text="Most that one sender of a site may send")
    poll_seconds = models.PositiveIntegerField(null=True)

    objects: ClassVar[Scoped[Schedule]] = Scoped()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["unit", "kind"], name="one_schedule_per_unit_and_kind")]

    def __str__(self) -> str:
        return f"{self.unit}: {self.get_kind_display()}"


class Attendance(models.Model):
    """How the machines of a unit itself, without those below it, kept their schedules when it was last looked, and when they report next."""

    REACHED_BY = "unit__path"

    unit = models.OneToOneField(Unit, on_delete=models.CASCADE, primary_key=True, related_name="attendance")
    at = models.DateTimeField(help_text="Looked then, in all units at once")
    on_time = models.PositiveIntegerField()
    late = models.PositiveIntegerField()
    missed = models.PositiveIntegerField()
    never = models.PositiveIntegerField()
    hours = models.JSONField(help_text="How many report in each full hour, from that of `at` on")
    worst = models.JSONField(help_text="[[missed, machine]]: those that missed most, no more than a page shows")

    objects: ClassVar[Scoped[Attendance]] = Scoped()

    def __str__(self) -> str:
        return f"{self.unit_id} ({self.at:%Y-%m-%d %H:%M})"


class Silence(models.Model):
    """A site, or a scan station with all its targets, from which reports are missing: one line, however many machines it has."""

    REACHED_BY = "unit__path"
    SILENT, GAPS = "silent", "gaps"
    STATES = [(SILENT, _("silent")), (GAPS, _("reports are missing"))]

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="silences")
    station = models.ForeignKey("ingest.Agent", null=True, on_delete=models.CASCADE, help_text="Null: the site's own machines")
    state = models.CharField(max_length=10, choices=STATES)
    machines = models.PositiveIntegerField()
    missing = models.PositiveIntegerField()
    heard_at = models.DateTimeField(null=True, help_text="The last report of all of them")
    first_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True)

    objects: ClassVar[Scoped[Silence]] = Scoped()

    class Meta:
        ordering = ["closed_at", "-last_at"]
        constraints = [
            models.UniqueConstraint(fields=["unit"], condition=Q(closed_at=None, station=None), name="one_open_silence_per_site"),
            models.UniqueConstraint(
                fields=["unit", "station"], condition=Q(closed_at=None) & ~Q(station=None), name="one_open_silence_per_station"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit}: {self.state}"


class Rollout(models.Model):
    """Something new that reaches the machines of a unit in rings: a pack and its stricter values, or the version of the agent.

    Which machines come first is drawn from their ids and the rollout's own, so it is not always the same ones.
    """

    REACHED_BY = "unit__path"
    PACK, VERSION = "pack", "version"
    RINGS = (1, 5, 100)

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="rollouts")
    what = models.CharField(max_length=10, choices=[(PACK, _("pack")), (VERSION, _("version of the agent"))])
    baseline = models.CharField(max_length=100, blank=True, help_text="Empty: the unit's own stays")
    digest = models.CharField(max_length=64, blank=True, help_text="Of the pack when it began: another one is another rollout")
    tailoring = models.TextField(null=True, help_text="Null: the unit's own stays")
    version = models.CharField(max_length=50, blank=True)
    former_baseline = models.CharField(max_length=100, blank=True)
    former_tailoring = models.TextField(blank=True)
    """What was in force when it began: a unit below that is held to something else is not part of it."""
    percents = models.JSONField(default=list)
    ring = models.PositiveSmallIntegerField(default=0)
    ring_since = models.DateTimeField(default=timezone.now)
    bad_percent = models.PositiveSmallIntegerField(default=2, help_text="It halts by itself above so many")
    started_by = models.CharField(max_length=200)
    approved_by = models.CharField(max_length=200, blank=True, help_text="The second person, where one is asked for")
    started_at = models.DateTimeField(default=timezone.now)
    halted_at = models.DateTimeField(null=True)
    halted_why = models.CharField(max_length=300, blank=True)
    ended_at = models.DateTimeField(null=True, help_text="In force for all, or given up")

    objects: ClassVar[Scoped[Rollout]] = Scoped()

    class Meta:
        ordering = ["ended_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["unit", "what"], condition=Q(ended_at=None), name="one_rollout_at_a_time")]

    def __str__(self) -> str:
        return f"{self.unit}: {self.baseline or self.version or self.what}"

    @property
    def percent(self) -> int:
        """How many of a hundred machines it has reached; none while it is halted."""
        return 0 if self.halted_at else int(self.percents[self.ring])
