"""What entries of all registers have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Shown(NamedTuple):
    """A field as it is shown: what the machine told, else what was typed."""

    value: str
    read: bool
    """A machine told it."""


class Record(models.Model):
    """What entries of all registers have in common."""

    version = models.PositiveIntegerField(default=1, help_text="Counts each change: who edits an older one is refused")
    note = models.CharField(max_length=2000, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.CharField(max_length=200)

    class Meta:
        abstract = True

    read_fields: ClassVar[tuple[str, ...]] = ()

    @property
    def shown_name(self) -> Shown:
        return self.shown("name")

    def shown(self, field: str) -> Shown:
        """Fields that a machine tells say so; here none does."""
        return Shown(getattr(self, field), False)

    @classmethod
    def told_texts(cls, records: Sequence[Any]) -> dict[int, dict[str, str]]:
        """Of the columns that are written only: number -> column -> text, asked for all these entries at once."""
        raise NotImplementedError


class Change(models.Model):
    """One field of an entry, turned. Rows are only added."""

    CREATED, TYPED, IMPORTED, FACTS, LINKED, NOTED = "created", "typed", "imported", "facts", "linked", "noted"
    KINDS: ClassVar = [
        (CREATED, _("entered")),
        (TYPED, _("changed")),
        (IMPORTED, _("changed by a file")),
        (FACTS, _("seen by a report")),
        (LINKED, _("linked")),
        (NOTED, _("noted")),
    ]

    at = models.DateTimeField(default=timezone.now)
    by = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=KINDS)
    field = models.CharField(max_length=40, blank=True, help_text="Of columns.yaml; empty: the entry itself")
    old = models.CharField(max_length=2000, blank=True)
    new = models.CharField(max_length=2000, blank=True)

    class Meta:
        abstract = True
