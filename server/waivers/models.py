"""Waivers that two people agreed to, and people's words on what no machine decides."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from baselines.evidence import form
from baselines.systems import register
from server.approvals.models import Attachment, Request
from server.ingest.models import Machine
from server.units.models import Unit
from server.units.scope import Scoped

COMPENSATING, ACCEPTED = "compensating", "accepted"
TYPES = [(COMPENSATING, _("another measure does as much")), (ACCEPTED, _("the risk is borne for a time"))]
STATES = [("met", _("met")), ("partly", _("partly met")), ("not_met", _("not met"))]
WARNINGS = (30, 7)
"""Days before the last one at which people are told."""


def in_force(now: datetime) -> Q:
    """Condition on a waiver or an attestation: it counts at that moment. Days are those of the collector's clock here."""
    today = timezone.localdate(now)
    return Q(on__lte=today, until__gte=today) & (Q(ended_at=None) | Q(ended_at__gt=now))


class Word(models.Model):
    """What a waiver and an attestation have in common: a term, a document, a file."""

    baseline = models.CharField(max_length=100)
    requirement = models.CharField(max_length=200)
    level = models.PositiveSmallIntegerField(help_text="Highest level it was given for")
    document = models.CharField(max_length=300, help_text="Number and date of the paper it rests on")
    attachment = models.ForeignKey(Attachment, null=True, on_delete=models.PROTECT, related_name="+")
    file_name = models.CharField(max_length=200, blank=True)
    on = models.DateField(help_text="First day")
    until = models.DateField(help_text="Last day, to its end")
    ended_at = models.DateTimeField(null=True, help_text="A person ended it before; from then on it counts for nothing")
    ended_by = models.CharField(max_length=200, blank=True)
    warned = models.PositiveSmallIntegerField(default=0, help_text="Days of the last warning given; 0: none yet")
    over = models.BooleanField(default=False, help_text="Its end is in the journal")

    class Meta:
        abstract = True

    def counts(self, now: datetime) -> bool:
        """As `in_force` says it to the database."""
        return self.on <= timezone.localdate(now) <= self.until and (self.ended_at is None or self.ended_at > now)

    def left(self, now: datetime) -> int:
        """Days that are left, the last one included; 0: it has ended."""
        return 0 if self.ended_at else max(0, (self.until - timezone.localdate(now)).days + 1)

    def ending(self, now: datetime) -> bool:
        """So soon that a person should do something."""
        return self.counts(now) and self.left(now) <= WARNINGS[0]

    @property
    def stands(self) -> str:
        """ending · active · later · ended"""
        now = timezone.now()
        if self.ending(now):
            return "ending"
        if self.counts(now):
            return "active"
        return "later" if self.ended_at is None and self.on > timezone.localdate(now) else "ended"


class Waiver(Word):
    """Fails that are borne until a day. It changes no verdict: it is laid over them when they are read (overlay.py).

    It holds for the machines it names (a single one, or those of an information system) while they lie in `unit`, or for
    `unit` with everything below. A machine that is moved elsewhere leaves it behind: nobody there agreed to it.
    """

    REACHED_BY = "unit__path"
    FOLLOWS_UNIT = True

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="waivers")
    whole = models.BooleanField(help_text="All machines of the unit and below; else those named")
    system = models.CharField(max_length=253, blank=True, help_text="Name of the information system whose machines are named")
    check_id = models.CharField(
        max_length=200, blank=True, help_text="Only this check; every check of the requirement when empty"
    )
    type = models.CharField(max_length=20, choices=TYPES)
    reason = models.CharField(max_length=2000)
    measure = models.CharField(max_length=2000, help_text="What protects instead")
    asked_by = models.CharField(max_length=200)
    approved_by = models.CharField(max_length=200)
    request = models.OneToOneField(Request, on_delete=models.PROTECT, related_name="waiver")

    objects: ClassVar[Scoped[Waiver]] = Scoped()

    class Meta:
        ordering = ["until", "pk"]
        indexes = [models.Index(fields=["until"], name="waiver_until", condition=Q(ended_at=None))]

    def __str__(self) -> str:
        return f"{self.requirement} {self.check_id}".rstrip()

    def word(self, asset: str) -> register.Waiver:
        """The same as a system's own file would say it of that machine: what baselines/systems understands."""
        return register.Waiver(
            id=f"w{self.pk}", requirement=self.requirement, check=self.check_id or None, assets=(asset,),
            type="compensating" if self.type == COMPENSATING else "accepted", measure=self.measure,
            approved_by=self.approved_by, second=self.asked_by, on=self.on, until=self.until, level=self.level,
        )  # fmt: skip


class Cover(models.Model):
    """A machine that a waiver names."""

    REACHED_BY = "waiver__unit__path"

    waiver = models.ForeignKey(Waiver, on_delete=models.CASCADE, related_name="covers")
    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="covers")

    objects: ClassVar[Scoped[Cover]] = Scoped()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["waiver", "machine"], name="machine_once_per_waiver")]

    def __str__(self) -> str:
        return f"{self.waiver_id}: {self.machine_id}"


class Attestation(Word):
    """A person's word on the part of a requirement that no machine decides. It never takes back what a machine saw."""

    REACHED_BY = "unit__path"

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="attestations", help_text="With everything below")
    machine = models.ForeignKey(
        Machine, null=True, on_delete=models.CASCADE, related_name="attestations", help_text="Of it alone"
    )
    system = models.CharField(max_length=253, blank=True, help_text="Name of the information system it speaks of")
    state = models.CharField(max_length=10, choices=STATES)
    by = models.CharField(max_length=200, help_text="User name")
    role = models.CharField(max_length=200, help_text="Position of that person")
    note = models.CharField(max_length=2000, blank=True)
    said_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[Scoped[Attestation]] = Scoped()

    class Meta:
        ordering = ["until", "pk"]

    def __str__(self) -> str:
        return f"{self.requirement}: {self.state}"

    @property
    def digest(self) -> str:
        """Of what it says: the journal names it, so that another text or another machine is seen (baselines/evidence/people.py)."""
        said = {
            name: getattr(self, name)
            for name in ("baseline", "requirement", "level", "state", "by", "role", "document", "system", "note")
        }
        days = {"on": self.on.isoformat(), "until": self.until.isoformat()}
        return form.word_digest(said | days | {"machine": self.machine_id, "file": self.attachment_id or ""})

    def word(self) -> register.Attestation:
        """The same as a system's own file would say it."""
        return register.Attestation.model_validate(
            {
                "requirement": self.requirement, "state": self.state, "by": self.by, "role": self.role, "on": self.on,
                "until": self.until, "document": self.document, "level": self.level, "note": self.note,
            }
        )  # fmt: skip
