"""Requests, and the files that go with them."""

from __future__ import annotations

import hashlib
import json
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.approvals.kinds import KINDS
from server.units.models import Unit, User
from server.units.scope import Scoped

WAITING, APPROVED, REFUSED, WITHDRAWN, EXPIRED = "waiting", "approved", "refused", "withdrawn", "expired"


class Attachment(models.Model):
    """A file by its content: the same scan attached to ten waivers is kept once, and nobody can exchange it."""

    sha256 = models.CharField(primary_key=True, max_length=64)
    size = models.PositiveIntegerField()
    type = models.CharField(max_length=20, help_text="By its content: files.TYPES")
    content = models.BinaryField()

    def __str__(self) -> str:
        return self.sha256[:12]


class Request(models.Model):
    """Somebody wants something done that a second person must agree to.

    The row is what is decided about: `digest` binds all that the second person reads, and what is carried out is read from
    the row whose digest was agreed to.
    """

    REACHED_BY = "unit__path"
    FOLLOWS_UNIT = True
    WAITING, APPROVED, REFUSED, WITHDRAWN, EXPIRED = WAITING, APPROVED, REFUSED, WITHDRAWN, EXPIRED
    STATES = [
        (WAITING, _("waits for a second person")),
        (APPROVED, _("approved and carried out")),
        (REFUSED, _("refused")),
        (WITHDRAWN, _("withdrawn")),
        (EXPIRED, _("expired unanswered")),
    ]

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="requests", help_text="Approved there or above")
    kind = models.CharField(max_length=30, help_text="One of kinds.KINDS")
    subject = models.CharField(max_length=300)
    payload = models.JSONField(help_text="All that carrying it out needs, and nothing is taken from elsewhere")
    reason = models.CharField(max_length=2000)
    attachment = models.ForeignKey(Attachment, null=True, on_delete=models.PROTECT, related_name="+")
    file_name = models.CharField(max_length=200, blank=True)
    digest = models.CharField(max_length=64)
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="requests")
    asked_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=STATES, default=WAITING)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=2000, blank=True, help_text="Why it was refused or withdrawn")
    alone = models.BooleanField(default=False, help_text="The asker agreed, as one_person_for of settings.toml allows")

    objects: ClassVar[Scoped[Request]] = Scoped()

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["expires_at"], name="request_waiting", condition=Q(state=WAITING))]

    def __str__(self) -> str:
        return f"{self.kind}: {self.subject}"

    def seal(self) -> str:
        """sha256 over what the second person agrees to."""
        bound: list[Any] = [self.kind, self.subject, self.payload, self.reason, self.attachment_id or "", self.asked_by_id]
        return hashlib.sha256(json.dumps(bound, sort_keys=True, ensure_ascii=False).encode("utf-8", "replace")).hexdigest()

    @property
    def open(self) -> bool:
        """It can still be decided. What has run out is over that very second, noted or not."""
        return self.state == WAITING and timezone.now() < self.expires_at

    @property
    def state_word(self) -> str:
        return str(dict(self.STATES)[EXPIRED if self.state == WAITING and not self.open else self.state])

    @property
    def title(self) -> str:
        """In people's words; a kind that a newer version no longer has keeps its name."""
        return str(KINDS[self.kind].title) if self.kind in KINDS else self.kind

    @property
    def told(self) -> list[tuple[str, str]]:
        """(name, value) of everything that would change, for the page."""
        return KINDS[self.kind].told(self) if self.kind in KINDS else []
