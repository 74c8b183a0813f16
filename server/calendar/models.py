"""What units say of deadlines: which they answer for, how long before they want to hear of them, and what they did in time."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.approvals.models import Attachment
from server.ingest.models import Machine
from server.units.models import Unit
from server.units.scope import Scoped

LEAD = [30, 7, 1]
"""Days before a last day at which people are told, where no unit says otherwise."""


class Setting(models.Model):
    """What a unit says for itself; its lead days hold below too, until a unit there says others."""

    REACHED_BY = "unit__path"

    unit = models.OneToOneField(Unit, on_delete=models.CASCADE, primary_key=True, related_name="calendar")
    lead_days = models.JSONField(null=True, help_text="Null: as the unit above says")
    on = models.JSONField(default=list, help_text="Ids of dates.yaml that this unit answers for beside those it would anyway")
    off = models.JSONField(default=dict, help_text="id -> why it does not")
    version = models.PositiveIntegerField(default=0)
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.CharField(max_length=200)

    objects: ClassVar[Scoped[Setting]] = Scoped()

    def __str__(self) -> str:
        return str(self.unit_id)


class OwnDate(models.Model):
    """A day that a unit set itself, or that a paper of its own names: a dossier's renewal, a contract's end."""

    REACHED_BY = "unit__path"

    NEVER, MONTH, QUARTER, HALF, YEAR = "never", "month", "quarter", "half", "year"
    REPEATS = [
        (NEVER, _("once")),
        (MONTH, _("every month")),
        (QUARTER, _("every quarter")),
        (HALF, _("every half year")),
        (YEAR, _("every year")),
    ]
    MONTHS = {MONTH: 1, QUARTER: 3, HALF: 6, YEAR: 12}

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="own_dates")
    title = models.CharField(max_length=300)
    who = models.CharField(max_length=200, help_text="Who answers for it")
    source = models.CharField(max_length=300, help_text="Clause or paper it rests on")
    day = models.DateField(help_text="The first one")
    repeats = models.CharField(max_length=10, choices=REPEATS, default=NEVER)
    until = models.DateField(null=True, help_text="Last day on which it may fall; null: without end")
    version = models.PositiveIntegerField(default=0)
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.CharField(max_length=200)

    objects: ClassVar[Scoped[OwnDate]] = Scoped()

    class Meta:
        ordering = ["day", "pk"]

    def __str__(self) -> str:
        return self.title

    def between(self, first: date, last: date) -> Iterator[date]:
        """Its days of that span. The 31st falls on the last day of a shorter month."""
        last = min(last, self.until or date.max)
        step, count = self.MONTHS.get(self.repeats, 0), 0
        day = self.day
        while day <= last:
            if day >= first:
                yield day
            if not step:
                return
            count += step
            day = _months_after(self.day, count)

    @property
    def period(self) -> int:
        return self.MONTHS.get(self.repeats, 24) * 30


def _months_after(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


class Done(models.Model):
    """Somebody says that what a day asks was done, with the paper that proves it."""

    REACHED_BY = "unit__path"

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=100, help_text="events.Event.key")
    day = models.DateField()
    title = models.CharField(max_length=300, help_text="As it was called then")
    on = models.DateField(help_text="It was done that day")
    by = models.CharField(max_length=200, help_text="User name of whoever says so")
    at = models.DateTimeField(default=timezone.now)
    document = models.CharField(max_length=300, help_text="Number and date of the paper")
    note = models.CharField(max_length=2000, blank=True)
    attachment = models.ForeignKey(Attachment, null=True, on_delete=models.PROTECT, related_name="+")
    file_name = models.CharField(max_length=200, blank=True)
    taken_back_at = models.DateTimeField(null=True)
    taken_back_by = models.CharField(max_length=200, blank=True)

    objects: ClassVar[Scoped[Done]] = Scoped()

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["unit", "key", "day"], condition=Q(taken_back_at=None), name="done_once"),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.day})"


class Reminder(models.Model):
    """A unit was told of a day, so many days before; each once."""

    REACHED_BY = "unit__path"

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=100)
    day = models.DateField()
    step = models.SmallIntegerField(help_text="One of the lead days; -1: it is over")
    at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[Scoped[Reminder]] = Scoped()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["unit", "key", "day", "step"], name="told_once")]
        indexes = [models.Index(fields=["day"], name="reminder_day")]

    def __str__(self) -> str:
        return f"{self.unit_id} {self.key} {self.day}"


class Certificate(models.Model):
    """A certificate that a machine's server shows, as the newest report says that saw any: read once a day (certificates.py)."""

    REACHED_BY = "machine__unit__path"

    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="+")
    path = models.CharField(max_length=500)
    subject = models.CharField(max_length=500, blank=True)
    not_after = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="orders_at of that report")

    objects: ClassVar[Scoped[Certificate]] = Scoped()

    class Meta:
        indexes = [models.Index(fields=["not_after"], name="certificate_end")]

    def __str__(self) -> str:
        return self.subject or self.path


class CertificatesRead(models.Model):
    """Which facts of a machine were read last: the same ones are not read again."""

    REACHED_BY = "machine__unit__path"

    machine = models.OneToOneField(Machine, on_delete=models.CASCADE, primary_key=True, related_name="certificates_read")
    digest = models.CharField(max_length=64)

    objects: ClassVar[Scoped[CertificatesRead]] = Scoped()

    def __str__(self) -> str:
        return f"{self.machine_id}"
