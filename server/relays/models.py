"""Relays: who they are, what they last said of themselves, and which agents come through them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.ingest.models import Agent
from server.journal import models as journal
from server.relays.keys import fingerprint
from server.units.models import Unit
from server.units.scope import Scoped

SILENT_AFTER = timedelta(hours=1)
"""A relay speaks every five minutes while it has a line."""
OLD_AFTER = timedelta(days=1)
INVITED_FOR = timedelta(days=7)


def new_relay_id() -> str:
    return str(uuid.uuid4())


class Relay(models.Model):
    """A program at a site that takes snapshots in and passes them on. It has a key of its own, and no right to read or judge."""

    REACHED_BY = "unit__path"
    FOLLOWS_UNIT = True
    TROUBLE = {
        "silent": _("nothing was heard of it for more than an hour"),
        "backlog": _("something waits there for more than a day"),
        "dropped": _("it had to drop snapshots for want of room; their agents keep them"),
    }

    id = models.CharField(primary_key=True, max_length=36, default=new_relay_id)
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT)
    name = models.CharField(max_length=100)
    secret_sha256 = models.CharField(max_length=64, blank=True, help_text="Of the invitation")
    invited_until = models.DateTimeField()
    public_key = models.BinaryField(max_length=32, unique=True, null=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.CharField(max_length=200)
    enrolled_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    contact_at = models.DateTimeField(null=True)
    report = models.JSONField(default=dict, help_text="What it last said of itself")

    objects: ClassVar[Scoped[Relay]] = Scoped()

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def invite(cls, unit: Unit, name: str, by: str) -> tuple[Relay, str]:
        """A relay to be, and the text with which it enrols, once. That cannot be had again."""
        secret = secrets.token_hex(20)
        relay = cls.objects.create(
            unit=unit, name=name, secret_sha256=_sha256(secret), invited_until=timezone.now() + INVITED_FOR, created_by=by
        )
        return relay, f"rr1.{relay.pk}.{secret}.{fingerprint()}"

    @classmethod
    def of_invitation(cls, text: str, key: bytes) -> Relay | None:
        """Whose invitation that is; None when it is nobody's. The same key may come twice: an answer can get lost."""
        words = text.strip().split(".")
        if len(words) < 3 or words[0] != "rr1":
            return None
        relay = cls.objects.select_related("unit").filter(pk=words[1][:36], revoked_at=None).first()
        if relay is None:
            return None
        right = hmac.compare_digest(relay.secret_sha256, _sha256(words[2]))
        if not right or relay.invited_until <= timezone.now():
            return None
        return relay if relay.public_key is None or bytes(relay.public_key) == key else None

    def revoke(self, by: str, address: str) -> None:
        """Nothing it passes on is taken any more."""
        if self.revoked_at is None:
            self.revoked_at = timezone.now()
            self.save(update_fields=["revoked_at"])
            journal.write("relay.revoked", by, unit_path=self.unit.path, subject=self.name, address=address, relay=self.pk)

    def trouble(self, now: datetime) -> list[str]:
        """What a person should look at: keys of TROUBLE. Nothing for one that was taken out of service or never came."""
        if self.revoked_at or self.enrolled_at is None:
            return []
        heard = self.contact_at or self.enrolled_at
        found = ["silent"] if now - heard > SILENT_AFTER else []
        if (oldest := self._time("oldest")) and now - oldest > OLD_AFTER:
            found.append("backlog")
        if (dropped := self._time("dropped_at")) and now - dropped < OLD_AFTER:
            found.append("dropped")
        return found

    @property
    def oldest(self) -> datetime | None:
        """Since when the oldest snapshot there waits, by the relay's own word."""
        return self._time("oldest")

    def _time(self, name: str) -> datetime | None:
        try:
            return datetime.fromtimestamp(float(self.report[name]), timezone.get_current_timezone())
        except (KeyError, TypeError, ValueError, OverflowError, OSError):
            return None

    @property
    def waiting(self) -> int | None:
        """Snapshots that wait there, by the relay's own word; None: it has not said."""
        found = self.report.get("waiting")
        return found if isinstance(found, int) else None


class Behind(models.Model):
    """An agent that came through a relay: which one, and when last."""

    REACHED_BY = "agent__unit__path"

    agent = models.OneToOneField(Agent, on_delete=models.CASCADE, primary_key=True, related_name="behind")
    relay = models.ForeignKey(Relay, on_delete=models.CASCADE, related_name="agents")
    at = models.DateTimeField()

    objects: ClassVar[Scoped[Behind]] = Scoped()

    def __str__(self) -> str:
        return f"{self.agent} ← {self.relay}"


def in_trouble() -> int:
    """How many relays a person should look at."""
    now = timezone.now()
    return sum(bool(relay.trouble(now)) for relay in Relay.objects.filter(revoked_at=None))


def passed(agent: Agent, relay: Relay) -> None:
    """Note through whom it came, at most once a minute."""
    now = timezone.now()
    known = Behind.objects.filter(agent=agent).first()
    if known is None or known.relay_id != relay.pk or now - known.at > timedelta(minutes=1):
        Behind.objects.update_or_create(agent=agent, defaults={"relay": relay, "at": now})


def heard(relay: Relay, report: dict[str, Any]) -> None:
    Relay.objects.filter(pk=relay.pk).update(contact_at=timezone.now(), report=report)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
