"""Tables of stock-takes; what becomes of them is in stocktake.py."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy

from server.ingest.models import Machine
from server.units.models import Unit
from server.units.scope import Scoped

OPEN_LINE, FOUND, MISSING, ELSEWHERE, SURPLUS = "", "found", "missing", "elsewhere", "surplus"
OUTCOMES = [
    (FOUND, gettext_lazy("found")),
    (MISSING, gettext_lazy("not found")),
    (ELSEWHERE, gettext_lazy("found elsewhere")),
    (SURPLUS, gettext_lazy("surplus: in no register")),
]


class Stocktake(models.Model):
    """A stock-take of a unit and everything below it."""

    REACHED_BY = "unit__path"
    FOLLOWS_UNIT = True
    PREPARING, OPEN, CLOSED = "preparing", "open", "closed"
    STATES: ClassVar = [
        (PREPARING, gettext_lazy("being written down")),
        (OPEN, gettext_lazy("under way")),
        (CLOSED, gettext_lazy("closed")),
    ]

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="stocktakes")
    unit_name = models.CharField(max_length=200, help_text="As it was called on that day")
    name = models.CharField(max_length=200)
    on = models.DateField()
    decision = models.CharField(max_length=200, blank=True, help_text="Number and date of the paper that asks for it")
    people = models.CharField(max_length=2000, blank=True, help_text="Who takes part, a line for each")
    words = models.CharField(max_length=2000, blank=True, help_text="What those say who closed it")
    state = models.CharField(max_length=10, choices=STATES, default=PREPARING)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.CharField(max_length=200)
    frozen_at = models.DateTimeField(null=True, help_text="The last line was written down then")
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=200, blank=True)

    objects: ClassVar[Scoped[Stocktake]] = Scoped()

    class Meta:
        ordering = ["-on", "-pk"]

    def __str__(self) -> str:
        return self.name


class Line(models.Model):
    """A device as the register said it, or one that is in no register; and what a person found."""

    REACHED_BY = "stocktake__unit__path"

    stocktake = models.ForeignKey(Stocktake, on_delete=models.CASCADE, related_name="lines")
    number = models.PositiveBigIntegerField(null=True, help_text="In the register; null: surplus")
    name = models.CharField(max_length=253)
    device_class = models.CharField(max_length=20, blank=True)
    serial = models.CharField(max_length=128, blank=True)
    tag = models.CharField(max_length=60, blank=True)
    person = models.CharField(max_length=200, blank=True)
    unit_name = models.CharField(max_length=200, blank=True)
    item_state = models.CharField(max_length=20, blank=True, help_text="In the register, of that day")
    machine = models.ForeignKey(Machine, null=True, on_delete=models.SET_NULL, related_name="+")
    machine_name = models.CharField(max_length=253, blank=True)
    seen_at = models.DateTimeField(null=True, help_text="Its last report when the line was written down; null: none")
    last_at = models.DateTimeField(
        null=True, help_text="Its last report when the stock-take was closed; null: none, or still open"
    )
    outcome = models.CharField(max_length=10, choices=OUTCOMES, blank=True, help_text="Empty: nobody has decided")
    place = models.CharField(max_length=300, blank=True, help_text="Where it was found")
    note = models.CharField(max_length=500, blank=True)
    by = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    objects: ClassVar[Scoped[Line]] = Scoped()

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["stocktake", "number"], name="line_once_in_a_stocktake")]
        indexes = [models.Index(fields=["stocktake", "outcome"], name="line_outcome")]

    def __str__(self) -> str:
        return f"{self.stocktake_id} {self.name}"

    @property
    def evidence(self) -> Machine | None:
        """The machine, while whoever sees the stock-take sees it."""
        machine = self.machine
        return machine if machine is not None and machine.unit.path.startswith(self.stocktake.unit.path) else None

    @property
    def told_at(self) -> object:
        """Its last report: now, or as it was when the stock-take was closed."""
        if self.stocktake.state == Stocktake.CLOSED:
            return self.last_at
        machine = self.evidence
        return machine.reported_at if machine is not None and machine.latest_id is not None else None
