"""Outlets, how far each has got, and the list of what turned that they read from."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.ingest.models import Machine
from server.outlets import sealed
from server.units.models import Unit
from server.units.scope import Scoped

SYSLOG, WEBHOOK, MAIL = "syslog", "webhook", "mail"
WORSE, BOTH = "worse", "both"


class Outlet(models.Model):
    """A receiver outside, and how far it has been told.

    It belongs to its unit, not to a person: it goes on when whoever made it has left (the check of the collector names it then).
    `entry` and `number` are what was delivered last of the journal and of what turned; they move only once the receiver has
    taken a slice, so a slice may come twice and none is left out. One job at a time moves them (tasks.py).
    """

    REACHED_BY = "unit__path"
    KINDS = [(SYSLOG, _("syslog")), (WEBHOOK, _("webhook")), (MAIL, _("e-mail"))]
    DIRECTIONS = [(WORSE, _("only what got worse")), (BOTH, _("what got worse and what got better"))]

    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, help_text="It tells of this unit and all below")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=KINDS)
    address = models.CharField(max_length=500, help_text="tls://host:6514, https://…, starttls://host:587; never with a secret")
    options = models.JSONField(default=dict, help_text="What its kind has besides (making.py)")
    ca = models.TextField(blank=True, help_text="PEM of the authorities it trusts; empty: those of the system")
    sealed = models.BinaryField(null=True, help_text="Signing key, password, or client certificate with key (sealed.py)")
    language = models.CharField(max_length=5, default="vi")
    alarms = models.BooleanField(default=True)
    verdicts = models.BooleanField(default=False)
    journal = models.BooleanField(default=False)
    severity = models.PositiveSmallIntegerField(default=3, help_text="Of verdicts: of rules at least that grave")
    direction = models.CharField(max_length=10, choices=DIRECTIONS, default=WORSE)
    rule_changes = models.BooleanField(default=False, help_text="Also verdicts that turned because other rules hold")
    made_at = models.DateTimeField(default=timezone.now)
    made_by = models.CharField(max_length=200, help_text="Who answers for it: made it, or let it go on last")
    paused_at = models.DateTimeField(null=True)

    entry = models.BigIntegerField(default=0)
    number = models.BigIntegerField(default=0)
    kept = models.JSONField(default=dict, help_text="What is under way: counts of what was skipped, a digest half sent")
    failures = models.PositiveIntegerField(default=0, help_text="In a row")
    failing_since = models.DateTimeField(null=True)
    alarmed_at = models.DateTimeField(null=True, help_text="People were told that it fails")
    next_at = models.DateTimeField(null=True, help_text="Not tried before")
    error = models.CharField(max_length=300, blank=True)
    sent = models.BigIntegerField(default=0, help_text="Messages taken by the receiver")
    sent_at = models.DateTimeField(null=True)

    objects: ClassVar[Scoped[Outlet]] = Scoped()

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def secret(self) -> str:
        """Empty where there is none. Raises sealed.Lost."""
        return sealed.open_(bytes(self.sealed), self.pk) if self.sealed is not None else ""

    @property
    def tells(self) -> list[str]:
        """In people's words."""
        words = ((self.alarms, _("alarms")), (self.verdicts, _("verdicts")), (self.journal, _("journal")))
        return [str(word) for wanted, word in words if wanted]

    def option(self, name: str, otherwise: Any = "") -> Any:
        return self.options.get(name, otherwise)


class Turned(models.Model):
    """What one report turned, to be told. Written together with the transitions, whole, so that nothing changes it later.

    Rows are committed in another order than their ids were drawn: whoever remembers an id would pass one that comes late.
    So outlets read by `number`, which one process at a time gives to what is committed (news.sort).
    """

    REACHED_BY = "machine__unit__path"

    uid = models.UUIDField(default=uuid.uuid4, help_text="In the ids of its messages, the same whatever becomes of the database")
    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, db_constraint=False, related_name="+")
    at = models.DateTimeField()
    written_at = models.DateTimeField()
    cause = models.PositiveSmallIntegerField()
    packed = models.BinaryField(help_text="findings.changes.pack")
    number = models.BigIntegerField(null=True, unique=True)

    objects: ClassVar[Scoped[Turned]] = Scoped()

    def __str__(self) -> str:
        return f"{self.machine_id}: {len(self.packed) // 4}"


class Order(models.Model):
    """One row: the last number that was given. It never goes back, whatever is removed."""

    last = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.last)
