"""What lists say is there: a directory, DHCP leases, a register, a look at the network. Who enrolled is expected without any list.

A line that no longer stands in the newest list of its kind stops being expected by that list, and stays as history. One that
a person excused (a printer, a machine that was scrapped) is counted apart and never disappears.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.ingest.models import KINDS, Machine
from server.units.models import Unit
from server.units.scope import Scoped

DIRECTORY, DHCP, REGISTER, NETWORK = "ad", "dhcp", "csv", "discovery"
SOURCES = [
    (DIRECTORY, _("directory (Active Directory)")),
    (DHCP, _("DHCP leases")),
    (REGISTER, _("register (CSV)")),
    (NETWORK, _("look at the network (rasoat discover)")),
]
TWICE = "twice"
EXCUSES = [
    ("scrapped", _("scrapped or handed over")),
    ("repair", _("in repair or in store")),
    ("no-machine", _("cannot be scanned: printer, telephone, camera")),
    (TWICE, _("listed twice")),
    ("other", _("another reason")),
]


class Listing(models.Model):
    """One list, as it was taken over."""

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT)
    source = models.CharField(max_length=20, choices=SOURCES)
    file_name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    rows = models.PositiveIntegerField()
    new = models.PositiveIntegerField()
    gone = models.PositiveIntegerField()
    at = models.DateTimeField(default=timezone.now)
    by = models.CharField(max_length=200)

    REACHED_BY: ClassVar[str] = "unit__path"
    objects: ClassVar[Scoped[Listing]] = Scoped()

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.source} {self.file_name}"


class Expected(models.Model):
    """Something that some list says is there."""

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT)
    name = models.CharField(max_length=253, help_text="As the list writes it; the address where it has none")
    hostname = models.CharField(max_length=253, blank=True, db_index=True, help_text="First label, lower case: what is compared")
    mac = models.CharField(max_length=17, blank=True, db_index=True)
    address = models.CharField(max_length=45, blank=True)
    kind = models.CharField(max_length=20, choices=KINDS, blank=True)
    machine = models.ForeignKey(Machine, null=True, on_delete=models.SET_NULL, related_name="expectations")
    matched_by = models.CharField(max_length=10, blank=True, help_text="mac · name · ambiguous · empty")
    listed = models.BooleanField(default=True, help_text="Some list still holds it")
    first_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now)
    excuse = models.CharField(max_length=20, choices=EXCUSES, blank=True)
    excuse_note = models.CharField(max_length=300, blank=True)
    excused_until = models.DateField(null=True, help_text="Last day; empty: for good")
    excused_by = models.CharField(max_length=200, blank=True)

    REACHED_BY: ClassVar[str] = "unit__path"
    FOLLOWS_UNIT: ClassVar[bool] = True
    objects: ClassVar[Scoped[Expected]] = Scoped()

    class Meta:
        ordering = ["name", "pk"]
        indexes = [models.Index(fields=["unit", "listed"], name="expected_of_unit")]

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def excused(today: object) -> Q:
        """Condition: a person's excuse holds today."""
        return ~Q(excuse="") & (Q(excused_until=None) | Q(excused_until__gte=today))


class Mention(models.Model):
    """A list of that kind holds it, or held it until then."""

    expected = models.ForeignKey(Expected, on_delete=models.CASCADE, related_name="mentions")
    source = models.CharField(max_length=20, choices=SOURCES)
    listing = models.ForeignKey(Listing, on_delete=models.PROTECT, help_text="The newest that held it")
    gone_at = models.DateTimeField(null=True)

    REACHED_BY: ClassVar[str] = "expected__unit__path"
    objects: ClassVar[Scoped[Mention]] = Scoped()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["expected", "source"], name="one_mention_per_source")]

    def __str__(self) -> str:
        return f"{self.expected_id}: {self.source}"


class Card(models.Model):
    """A hardware address that a machine told of itself."""

    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="cards")
    mac = models.CharField(max_length=17, db_index=True)

    REACHED_BY: ClassVar[str] = "machine__unit__path"
    objects: ClassVar[Scoped[Card]] = Scoped()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["machine", "mac"], name="card_once_per_machine")]

    def __str__(self) -> str:
        return self.mac
