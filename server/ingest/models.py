"""Agents, the tokens that let them in, the machines they speak of, and every snapshot as it was received."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from baselines.evaluate import Judgeable, judgeable, judged_before
from collectors.model import Kind, Snapshot, facts_digest
from collectors.seal import Sealed, pack, parse, unpack
from collectors.seal_delta import read, restore
from server.relays.keys import fingerprint
from server.units.models import Unit
from server.units.scope import Scoped

KINDS = [
    (Kind.SERVER.value, _("server")),
    (Kind.WORKSTATION.value, _("workstation")),
    (Kind.ROUTER.value, _("router")),
    (Kind.SWITCH.value, _("switch")),
    (Kind.FIREWALL.value, _("firewall")),
    (Kind.OTHER.value, _("other")),
]
_KIND_WORDS = dict(KINDS)


class EnrolmentToken(models.Model):
    """Lets machines into one unit, so many times, until then. The secret itself is never stored."""

    REACHED_BY = "unit__path"
    FOLLOWS_UNIT = True

    public = models.CharField(max_length=16, unique=True, help_text="The part that may be shown")
    secret_sha256 = models.CharField(max_length=64)
    unit = models.ForeignKey(Unit, on_delete=models.CASCADE)
    note = models.CharField(max_length=200, blank=True)
    uses = models.PositiveIntegerField()
    uses_left = models.PositiveIntegerField()
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.CharField(max_length=200)
    revoked_at = models.DateTimeField(null=True)
    approval = models.BooleanField(default=False, help_text="Whoever comes in by it waits until a person agrees")
    replaces = models.ForeignKey(
        "Machine",
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Whoever comes in by it is this machine, installed anew",
    )

    objects: ClassVar[Scoped[EnrolmentToken]] = Scoped()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.public} ({self.unit})"

    @classmethod
    def issue(cls, unit: Unit, uses: int, hours: float, by: str, note: str = "", approval: bool = False, replaces: Machine | None = None) -> tuple[EnrolmentToken, str]:  # fmt: skip
        """A new token and its text, which cannot be had again. One that replaces a machine lets one in, and no more."""
        public, secret = secrets.token_hex(4), secrets.token_hex(20)
        token = cls.objects.create(
            public=public, secret_sha256=_sha256(secret), unit=unit, uses=1 if replaces else uses, uses_left=1 if replaces else uses,
            note=note, expires_at=timezone.now() + timedelta(hours=hours), created_by=by, approval=approval, replaces=replaces,
        )  # fmt: skip
        # the centre's fingerprint at its end: by it the machine knows the centre, whoever stands between
        return token, f"rs1.{public}.{secret}" + (f".{own}" if (own := fingerprint()) else "")

    @classmethod
    def find(cls, text: str) -> EnrolmentToken | None:
        """The token of that text, usable or not. The secret is compared in constant time, also when there is none."""
        _scheme, _dot, rest = text.strip().partition(".")
        public, _dot, secret = rest.partition(".")
        secret = secret.partition(".")[0]  # what follows is for the machine
        token = cls.objects.select_related("unit").filter(public=public[:16]).first()
        expected = token.secret_sha256 if token else "0" * 64
        same = hmac.compare_digest(_sha256(secret), expected)
        return token if same else None

    def consume(self, now: datetime) -> bool:
        """Take one use. False when it ended, was revoked, or another machine took the last one a moment ago."""
        usable = Q(pk=self.pk, expires_at__gt=now, revoked_at=None, uses_left__gt=0)
        return EnrolmentToken.objects.filter(usable).update(uses_left=F("uses_left") - 1) == 1

    @property
    def state(self) -> str:
        """active · used · expired · revoked"""
        if self.revoked_at:
            return "revoked"
        if self.expires_at <= timezone.now():
            return "expired"
        return "active" if self.uses_left else "used"


IN_SERVICE = Q(retired_at=None)
"""Condition on a Machine."""


def new_agent_id() -> str:
    """Random: whoever does not know it cannot even be told apart from noise."""
    return str(uuid.uuid4())


class Agent(models.Model):
    """A program that scans and uploads, known by its key."""

    REACHED_BY = "unit__path"
    FOLLOWS_UNIT = True

    id = models.CharField(primary_key=True, max_length=36, default=new_agent_id)
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT)
    name = models.CharField(max_length=253)
    public_key = models.BinaryField(max_length=32, unique=True)
    token = models.ForeignKey(EnrolmentToken, null=True, on_delete=models.SET_NULL, help_text="By which it came in")
    enrolled_at = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(null=True)
    waiting = models.BooleanField(default=False, help_text="A person has not agreed yet; until then nothing of it is taken")
    contact_at = models.DateTimeField(null=True, help_text="Last time it asked or uploaded, to the minute")

    objects: ClassVar[Scoped[Agent]] = Scoped()

    def __str__(self) -> str:
        return self.name


class Machine(models.Model):
    """A target an agent reports on: the machine it runs on, or one it reaches."""

    REACHED_BY = "unit__path"
    FOLLOWS_UNIT = True

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT)
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="machines")
    own = models.BooleanField(help_text="The agent runs on it")
    name = models.CharField(max_length=253)
    kind = models.CharField(max_length=20, choices=KINDS)
    hostname = models.CharField(max_length=253, blank=True)
    machine_id = models.CharField(max_length=64, blank=True, db_index=True)
    serial = models.CharField(
        max_length=128, blank=True, db_index=True, help_text="Of the hardware; empty: not known, or a maker's filler"
    )
    os_name = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    retired_at = models.DateTimeField(null=True, help_text="No longer in service; what it sent stays")
    retired_why = models.CharField(max_length=300, blank=True)
    latest = models.ForeignKey("StoredSnapshot", null=True, on_delete=models.SET_NULL, related_name="+")
    # of `latest`, repeated here: pages count a whole country by them, and snapshots and assessments of a month lie in between
    reported_at = models.DateTimeField(null=True, help_text="orders_at of `latest`")
    fails = models.PositiveIntegerField(null=True, help_text="Of its assessment; null: not judged")
    unknowns = models.PositiveIntegerField(null=True)
    passes = models.PositiveIntegerField(null=True)
    weight = models.PositiveIntegerField(null=True)

    objects: ClassVar[Scoped[Machine]] = Scoped()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["agent"], condition=Q(own=True), name="one_own_machine_per_agent"),
            models.UniqueConstraint(fields=["agent", "name"], condition=Q(own=False), name="reached_machine_once"),
        ]
        indexes = [models.Index(fields=["id"], condition=Q(retired_at__isnull=False), name="machine_out_of_service")]

    def __str__(self) -> str:
        return self.name

    def get_kind_display(self) -> str:  # type: ignore[no-redef]
        """Django's own makes all choices anew for each row of a list."""
        return str(_KIND_WORDS.get(self.kind, self.kind))

    def follow(self, newest: StoredSnapshot | None, judged: Mapping[str, int] | None) -> None:
        """`newest` is the latest from now on; `judged`: the columns of its assessment, None where it was not judged. Not saved."""
        self.latest, self.reported_at = newest, newest.orders_at if newest else None
        for name, column in OUTCOME.items():
            setattr(self, name, judged[column] if judged else None)


OUTCOME = {"fails": "fail", "unknowns": "unknown", "passes": "passed", "weight": "weight"}
"""Columns of a Machine, and of the StoredAssessment of its latest snapshot that they repeat."""


class StoredSnapshot(models.Model):
    """A snapshot as it was signed, byte for byte. The columns only repeat what pages sort and filter by."""

    REACHED_BY = "machine__unit__path"

    id = models.CharField(primary_key=True, max_length=36)
    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="snapshots")
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="+")
    received_at = models.DateTimeField()
    collected_at = models.DateTimeField()
    orders_at = models.DateTimeField(
        help_text="collected_at, but never later than received_at: a clock that runs ahead must not stay newest for ever"
    )
    clock_ahead = models.BooleanField(default=False)
    privileged = models.BooleanField()
    seconds = models.FloatField()
    collector = models.CharField(max_length=50)
    digest = models.CharField(max_length=64, help_text="Of the facts alone, as the machine says")
    deciding = models.CharField(
        max_length=64,
        blank=True,
        default="",
        help_text="feeds.matching.host.deciding, worked out here; empty: before it was noted",
    )
    sealed_sha256 = models.CharField(
        max_length=64,
        help_text="Of header line, newline and snapshot; of what came before differences were kept: of the sealed file",
    )
    sound_for = models.CharField(
        max_length=64, blank=True, help_text="facts_digest of the program that found every fact of its own type; empty: none did"
    )
    base = models.ForeignKey(
        "self",
        null=True,
        on_delete=models.RESTRICT,
        related_name="differences",
        help_text="Whole snapshot of the same machine to which this one is kept as a difference; null: this one is whole",
    )
    # Last: SQLite reads a row from its beginning, and the blob fills pages of its own.
    sealed = models.BinaryField(help_text="collectors/seal.py where whole, collectors/seal_delta.py where a difference")

    objects: ClassVar[Scoped[StoredSnapshot]] = Scoped()

    class Meta:
        indexes = [models.Index(fields=["machine", "-orders_at"], name="snapshot_history")]
        ordering = ["-orders_at", "-id"]

    def __str__(self) -> str:
        return self.id

    def plain(self) -> bytes:
        """Header line, newline, snapshot: exactly the bytes that came. Raises SealError when they are damaged."""
        if self.base is None:
            return unpack(bytes(self.sealed))
        return restore(read(bytes(self.sealed)), self.base.open().snapshot)

    def open(self) -> Sealed:
        """The seal, opened again."""
        return parse(self.plain())

    def whole(self) -> bytes:
        """A sealed file, for whoever wants to check the signature without us."""
        return bytes(self.sealed) if self.base_id is None else pack(self.plain())

    def snapshot(self) -> Snapshot:
        """What was seen."""
        return Snapshot.from_bytes(self.open().snapshot)

    def to_judge(self) -> tuple[Sealed, Judgeable]:
        """The seal and what judging needs; facts that were found sound by a program of the same facts are not checked again."""
        sealed = self.open()
        if self.sound_for == facts_digest():
            return sealed, judged_before(sealed.snapshot)
        return sealed, judgeable(Snapshot.from_bytes(sealed.snapshot))


class Refusal(models.Model):
    """Something that was not let in, for the rate limit and the metrics. Kept for a day."""

    at = models.DateTimeField(default=timezone.now, db_index=True)
    address = models.CharField(max_length=45)
    code = models.CharField(max_length=40)

    def __str__(self) -> str:
        return f"{self.address}: {self.code}"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
