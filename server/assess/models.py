"""Kept verdicts and alarms."""

from __future__ import annotations

import json
import zlib
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.ingest.models import Machine, StoredSnapshot
from server.journal.models import described
from server.units.scope import Scoped

COUNTS = ("fail", "unknown", "pass", "manual", "not_applicable")


class StoredAssessment(models.Model):
    """How a snapshot was judged when it came in, or by the last `rejudge`."""

    REACHED_BY = "machine__unit__path"

    AGREES, DIFFERS, OTHER_PACK, NOT_JUDGED = "agrees", "differs", "other-pack", "not-judged"
    AGENT = [
        (AGREES, _("same verdicts as the machine itself")),
        (DIFFERS, _("other verdicts than the machine itself")),
        (OTHER_PACK, _("the machine judged with another pack")),
        (NOT_JUDGED, _("the machine did not judge")),
    ]

    snapshot = models.OneToOneField(StoredSnapshot, on_delete=models.CASCADE, related_name="assessment")
    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="assessments")
    judged_at = models.DateTimeField(default=timezone.now)
    baseline = models.CharField(max_length=100)
    version = models.CharField(max_length=50)
    digest = models.CharField(max_length=64, help_text="Of the pack")
    tailoring = models.CharField(max_length=64, blank=True, help_text="Digest; empty when there is none")
    level = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=20, blank=True, help_text="Judged as; empty: kept before that was noted")
    fail = models.PositiveIntegerField()
    unknown = models.PositiveIntegerField()
    passed = models.PositiveIntegerField()
    manual = models.PositiveIntegerField()
    not_applicable = models.PositiveIntegerField()
    weight = models.PositiveIntegerField(help_text="Fails by severity, for worst first", db_index=True)
    verdicts = models.CharField(max_length=64, help_text="verdicts_digest of the assessment")
    agent = models.CharField(max_length=20, choices=AGENT)
    centre = models.CharField(
        max_length=64,
        blank=True,
        default="",
        help_text="Digest of the fact that was laid in here (KeptFact); empty: none was asked",
    )
    agent_judged = models.JSONField(null=True, help_text="What the machine said it judged with")
    packed = models.BinaryField(
        null=True,
        help_text="The results, as earlier versions kept them; null: they follow from the facts (server/assess/kept.py)",
    )

    objects: ClassVar[Scoped[StoredAssessment]] = Scoped()

    def __str__(self) -> str:
        return f"{self.snapshot_id} at level {self.level}"

    @property
    def results(self) -> list[dict[str, Any]] | None:
        """The results as they were judged then, where they were kept whole."""
        if self.packed is None:
            return None
        unpacked: list[dict[str, Any]] = json.loads(zlib.decompress(self.packed))
        return unpacked


class KeptPack(models.Model):
    """A pack with which something was judged, by its content: what was judged with it can be judged so again."""

    digest = models.CharField(primary_key=True, max_length=64)
    baseline = models.CharField(max_length=100)
    packed = models.BinaryField(help_text="zlib of its files as JSON: name -> text")
    kept_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.baseline} {self.digest}"


class KeptTailoring(models.Model):
    """A tailoring with which something was judged."""

    digest = models.CharField(primary_key=True, max_length=64)
    text = models.TextField()
    kept_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.digest


class KeptFact(models.Model):
    """A fact made here with which something was judged, by what it says: what was judged with it can be judged so again."""

    digest = models.CharField(primary_key=True, max_length=64)
    packed = models.BinaryField(help_text="zlib of the record as JSON")
    kept_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.digest


class CentreFact(models.Model):
    """What is known here of a machine that it cannot know itself, ready to be laid into its facts (feeds/matching/fact.py)."""

    REACHED_BY = "machine__unit__path"

    machine = models.OneToOneField(Machine, on_delete=models.CASCADE, primary_key=True, related_name="centre_fact")
    host = models.CharField(max_length=64, help_text="Of the facts that were matched")
    stamp = models.CharField(max_length=64, help_text="Of the data it rests on; another: to be put together anew")
    matched_at = models.DateTimeField(help_text="The matching it was made from")
    packed = models.BinaryField(help_text="zlib of fact.Prepared as JSON")

    objects: ClassVar[Scoped[CentreFact]] = Scoped()

    def __str__(self) -> str:
        return f"{self.machine_id}"


class Alarm(models.Model):
    """Something a person must look at. While it is open, the same again only counts up."""

    REACHED_BY = "machine__unit__path"
    KINDS = {
        "verdicts-differ": _("The machine judged the same facts by the same pack and came to other verdicts"),
        "forged": _("Somebody uploaded in this machine's name without its key"),
        "altered": _("Something sealed in this machine's name was altered on its way, or sent by somebody else"),
        "id-reused": _("A snapshot's id came a second time with other contents"),
        "clock-ahead": _("The machine's clock is ahead of the collector's"),
        "not-judged": _("The collector could not judge a snapshot"),
        "not-kept": _("The collector could not keep the configuration that a snapshot holds"),
        "hardware-changed": _(
            "The machine's key reports from other hardware than before: a new board, a restored image, or a copy"
        ),
        "two-machines": _("Two machines report with one key: the agent was copied with its machine"),
        "same-id": _("Another machine has the same system id: one is a copy of the other's disk"),
        "installed-anew": _("Another machine in service has this hardware: it was installed anew and enrolled a second time"),
        "agent-stopped": _("A look of the agent was cut short: it went beyond the agent's limits on this machine, or was killed"),
        "waiver-ends": _("A waiver that bears fails of this machine ends soon"),
        "same-device": _(
            "Another target has the same serial number: renamed, listed twice, scanned by two stations, or a part of the same device"
        ),
    }

    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="alarms")
    kind = models.CharField(max_length=40)
    snapshot = models.CharField(max_length=36, blank=True)
    detail = models.JSONField(default=dict)
    times = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=200, blank=True)

    objects: ClassVar[Scoped[Alarm]] = Scoped()

    class Meta:
        ordering = ["closed_at", "-last_at"]
        constraints = [
            models.UniqueConstraint(fields=["machine", "kind"], condition=Q(closed_at=None), name="one_open_alarm_per_kind")
        ]

    def __str__(self) -> str:
        return f"{self.machine}: {self.kind}"

    @property
    def title(self) -> str:
        return str(self.KINDS.get(self.kind, self.kind))

    @property
    def details(self) -> list[tuple[str, str, str]]:
        return described(self.detail)
