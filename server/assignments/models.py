"""Findings that somebody works on: whose they are, until when, what was said of them. No click closes one."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from server.findings.models import Rule
from server.ingest.models import Machine
from server.units.models import Unit, User
from server.units.scope import Scoped

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

OPEN, WORKING, WAITING, PASSED, ENDED = "open", "working", "waiting", "passed", "ended"
STATES: list[tuple[str, _StrPromise]] = [
    (OPEN, _("open")),
    (WORKING, _("being worked on")),
    (WAITING, _("waits")),
    (PASSED, _("closed: a new scan passed")),
    (ENDED, _("ended without a pass")),
]
CHOSEN = (OPEN, WORKING, WAITING)
"""What people choose from. The last two are set by what machines report (looking.py), and by nothing else."""
WHY = {
    "not-asked": _("the check is not asked any more: another pack, level or kind holds"),
    "retired": _("the machine is out of service"),
    "unit-ended": _("the unit has ended"),
}


class Assignments(Scoped["Assignment"]):
    """One that names a machine is seen by those who see the machine too: it may have been moved elsewhere."""

    def condition(self, user: User, action: str) -> Q:
        machine = Q(machine=None) | user.reach_of("machine__unit__path", action)
        return super().condition(user, action) & machine


class Assignment(models.Model):
    """A rule that a machine, or a unit with everything below, does not pass; whoever answers for it, and until when."""

    REACHED_BY = "unit__path"
    STATES = STATES

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="assignments", help_text="Of a machine: where it lies")
    machine = models.ForeignKey(
        Machine, null=True, on_delete=models.CASCADE, related_name="assignments", help_text="Null: all machines of the unit and below"
    )  # fmt: skip
    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, related_name="+")
    owner = models.ForeignKey(
        User, null=True, on_delete=models.SET_NULL, related_name="assignments", help_text="Null: nobody yet"
    )
    due = models.DateField(null=True, help_text="Last day, to its end")
    state = models.CharField(max_length=10, choices=STATES, default=OPEN)
    waits_for = models.CharField(max_length=300, blank=True, help_text="With `waiting` alone")
    why = models.CharField(max_length=20, blank=True, help_text="With `ended` alone: a word of WHY")
    made_at = models.DateTimeField(default=timezone.now)
    made_by = models.CharField(max_length=200)
    failed_at = models.DateTimeField(
        help_text="orders_at of the newest report that did not pass, when last looked; a pass must be newer"
    )
    closed_at = models.DateTimeField(null=True, help_text="Passed or ended")
    reopened = models.PositiveSmallIntegerField(default=0, help_text="How often it failed again after it was closed")
    reminded = models.SmallIntegerField(
        null=True, help_text="Days that were left at the last reminder's step; null: none for this due day"
    )
    version = models.PositiveIntegerField(default=0, help_text="Counts what people saved: the second of two is told")
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.CharField(max_length=200)

    objects: ClassVar[Assignments] = Assignments()

    class Meta:
        ordering = ["due", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["machine", "rule"], condition=Q(machine__isnull=False), name="assigned_once_machine"),
            models.UniqueConstraint(fields=["unit", "rule"], condition=Q(machine__isnull=True), name="assigned_once_unit"),
        ]
        indexes = [models.Index(fields=["owner", "due"], name="assignment_due", condition=Q(closed_at=None))]

    def __str__(self) -> str:
        return f"{self.rule.check_id} – {self.machine.name if self.machine else self.unit.name}"

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    def left(self, now: datetime) -> int | None:
        """Days until the last one; 0: it is today, less: it is over. None: no day was set."""
        return None if self.due is None else (self.due - timezone.localdate(now)).days

    @property
    def days_left(self) -> int | None:
        return self.left(timezone.now())

    @property
    def overdue(self) -> bool:
        left = self.days_left
        return self.is_open and left is not None and left < 0

    @property
    def days_over(self) -> int:
        return max(0, -(self.days_left or 0))

    @property
    def why_word(self) -> str:
        return str(WHY.get(self.why, self.why))


def overdue(today: date) -> Q:
    """Condition on an assignment, as `overdue` says it of one."""
    return Q(closed_at=None, due__lt=today)


class Notes(Scoped["Note"]):
    def condition(self, user: User, action: str) -> Q:
        return Q(assignment__in=Assignment.objects.visible_to(user, action).order_by().values("pk"))


class Note(models.Model):
    """What somebody said, or what was changed; the oldest first. Text is text: no page takes it for anything else."""

    REACHED_BY = "assignment__unit__path"

    SAID, CHANGED, PASSED, ENDED, AGAIN = "said", "changed", "passed", "ended", "again"
    KINDS = [
        (SAID, _("comment")),
        (CHANGED, _("changed")),
        (PASSED, _("closed")),
        (ENDED, _("ended")),
        (AGAIN, _("reopened")),
    ]

    assignment = models.ForeignKey(Assignment, on_delete=models.CASCADE, related_name="notes")
    at = models.DateTimeField(default=timezone.now)
    by = models.CharField(max_length=200, help_text="User name, or the collector")
    kind = models.CharField(max_length=10, choices=KINDS, default=SAID)
    text = models.CharField(max_length=4000, blank=True)
    detail = models.JSONField(default=dict, help_text="With `changed`: name -> [before, after]")

    objects: ClassVar[Notes] = Notes()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.by}: {self.text[:60]}"

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        """(what, before, after) in people's words."""
        return [(str(NAMES.get(name, name)), _shown(name, pair[0]), _shown(name, pair[1])) for name, pair in self.detail.items()]


NAMES = {"owner": _("owner"), "due": _("due day"), "state": _("state"), "waits_for": _("waits for"), "unit": _("unit")}


def _shown(name: str, value: Any) -> str:
    if name == "state":
        return str(dict(STATES).get(value, value))
    if name == "due" and value:
        return date_format(date.fromisoformat(value), "SHORT_DATE_FORMAT")
    return str(value or "–")
