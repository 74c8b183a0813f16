"""Rows of background work: what people see, and what decides who may go on with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.background.declare import TASKS
from server.journal.models import described
from server.units.models import Unit
from server.units.scope import Scoped

if TYPE_CHECKING:
    from server.units.models import User

WAITING, RUNNING, DONE, FAILED, CANCELLED = "waiting", "running", "done", "failed", "cancelled"
ERROR_MAX = 500


class Jobs(Scoped["Job"]):
    """What concerns no unit is seen by those who may do that in the root."""

    def condition(self, user: User, action: str) -> Q:
        reached = super().condition(user, action)
        return reached | Q(unit=None) if any(path.count("/") == 2 for path in user.parts(action)) else reached


class Job(models.Model):
    """One piece of background work.

    This row is the truth; what lies in the queue is a message that it may be begun. `delivery` names the one message that
    counts: whoever holds another one (taken for dead, overtaken, cancelled) changes no row any more.
    """

    REACHED_BY = "unit__path"
    WAITING, RUNNING, DONE, FAILED, CANCELLED = WAITING, RUNNING, DONE, FAILED, CANCELLED
    STATES = [
        (WAITING, _("waiting")),
        (RUNNING, _("running")),
        (DONE, _("done")),
        (FAILED, _("failed")),
        (CANCELLED, _("cancelled")),
    ]

    name = models.CharField(max_length=60, help_text="Of a declared task")
    subject = models.CharField(max_length=300, blank=True, help_text="What it is done to")
    unit = models.ForeignKey(Unit, null=True, on_delete=models.SET_NULL, related_name="+", help_text="Whose business it is")
    asked_by = models.CharField(max_length=200, help_text="User name, `console`, or `collector`")
    asked_at = models.DateTimeField(default=timezone.now)
    arguments = models.JSONField(default=dict)
    key = models.CharField(max_length=200, blank=True, help_text="Only one job of it waits")
    lock = models.CharField(max_length=100, blank=True, help_text="Only one job of it runs")
    priority = models.SmallIntegerField(default=0)
    state = models.CharField(max_length=12, choices=STATES, default=WAITING, db_index=True)
    due_at = models.DateTimeField(null=True, help_text="Not before; null: at once")
    delivery = models.UUIDField(null=True)
    worker = models.CharField(max_length=100, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Begun so often since it last got ahead")
    done = models.PositiveIntegerField(default=0)
    of = models.PositiveIntegerField(null=True)
    kept = models.JSONField(default=dict, help_text="What the task needs to continue where it was")
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True, help_text="By the clock of the database")
    finished_at = models.DateTimeField(null=True)
    cancel_asked = models.BooleanField(default=False)
    outcome = models.JSONField(default=dict)
    error = models.CharField(max_length=ERROR_MAX, blank=True, help_text="Why it failed, or why it is tried again")

    objects: ClassVar[Jobs] = Jobs()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=Q(state=WAITING) & ~Q(key=""), name="one_waiting_job_per_key"),
            models.UniqueConstraint(fields=["lock"], condition=Q(state=RUNNING) & ~Q(lock=""), name="one_running_job_per_lock"),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.name} {self.subject}".rstrip()

    @property
    def title(self) -> str:
        """In people's words; a task that a newer version no longer has keeps its name."""
        return str(TASKS[self.name].title) if self.name in TASKS else self.name

    @property
    def state_word(self) -> str:
        return str(dict(self.STATES)[self.state])

    @property
    def ended(self) -> bool:
        return self.state in (DONE, FAILED, CANCELLED)

    @property
    def outcomes(self) -> list[tuple[str, str, str]]:
        return described(self.outcome)


class Routine(models.Model):
    """When an entry of the table of periodic work is due next (periodic.py)."""

    name = models.CharField(primary_key=True, max_length=60)
    due_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name

    @classmethod
    def taken(cls, name: str, due: Any, following: Any) -> bool:
        """Move it on. False when another worker was faster."""
        return cls.objects.filter(name=name, due_at=due).update(due_at=following) == 1
