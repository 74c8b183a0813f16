"""Keys with which a person's programs read. A key never reaches further than its owner does now."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.units.models import Unit, User
from server.units.scope import Scoped

SCOPES = {
    "units": _("units"),
    "assets": _("machines and their verdicts"),
    "findings": _("what fails, and what turned"),
    "coverage": _("coverage"),
    "alarms": _("alarms"),
    "journal": _("journal"),
    "feeds": _("feeds, their dates, and vulnerabilities of machines"),
    "sweeps": _("indicators that were seen, and warnings by letter"),
    "waivers": _("waivers"),
    "campaigns": _("campaigns"),
    "documents": _("documents and their files"),
    "assignments": _("findings that are worked on"),
    "calendar": _("deadlines, as a calendar"),
    "registers": _("registers"),
    "evidence": _("evidence bundles, with the journal and people's words of their part"),
    "work": _("background work, relays and schedules"),
    "metrics": _("numbers for monitoring (a key of the root)"),
}
LONGEST = timedelta(days=366)
PREFIX = "rsk1"


class Key(models.Model):
    """Lets one program read, in one part of the tree, until a day. The secret itself is never stored."""

    REACHED_BY = "unit__path"
    FOLLOWS_UNIT = True

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="keys")
    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, help_text="It reads this unit and all below, where its owner does")
    name = models.CharField(max_length=200)
    public = models.CharField(max_length=16, unique=True)
    secret_sha256 = models.CharField(max_length=64)
    scopes = models.JSONField(help_text="Words of SCOPES")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True, help_text="To the minute")
    used_from = models.CharField(max_length=45, blank=True)

    objects: ClassVar[Scoped[Key]] = Scoped()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.name} ({self.public})"

    @classmethod
    def issue(cls, user: User, unit: Unit, name: str, scopes: list[str], until: datetime) -> tuple[Key, str]:
        """A new key and its text, which cannot be had again. Raises ValueError."""
        if not scopes or not set(scopes) <= set(SCOPES):
            raise ValueError(f"scopes: some of {', '.join(SCOPES)}")
        now = timezone.now()
        if not now < until <= now + LONGEST:
            raise ValueError("until: later than now, at most a year away")
        public, secret = secrets.token_hex(4), secrets.token_hex(24)
        key = cls.objects.create(
            user=user,
            unit=unit,
            name=name,
            public=public,
            secret_sha256=_sha256(secret),
            scopes=sorted(set(scopes)),
            expires_at=until,
        )
        return key, f"{PREFIX}.{public}.{secret}"

    @classmethod
    def find(cls, text: str) -> Key | None:
        """The key of that text while it counts. Compared in constant time, also when there is none."""
        prefix, _dot, rest = text.strip().partition(".")
        public, _dot, secret = rest.partition(".")
        key = cls.objects.select_related("user", "unit").filter(public=public[:16]).first()
        same = hmac.compare_digest(_sha256(secret), key.secret_sha256 if key else "0" * 64)
        if key is None or not same or prefix != PREFIX:
            return None
        return key if key.counts(timezone.now()) else None

    def counts(self, now: datetime) -> bool:
        """Not ended, not revoked, and its owner may still log on."""
        return self.revoked_at is None and self.expires_at > now and self.user.is_active and not self.user.must_change

    def touch(self, address: str) -> None:
        """Note the use, at most once a minute: reading must not cost a write each time."""
        now = timezone.now()
        if self.used_at is None or now - self.used_at > timedelta(minutes=1) or self.used_from != address:
            Key.objects.filter(pk=self.pk).update(used_at=now, used_from=address[:45])


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
