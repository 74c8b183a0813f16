"""A campaign, the units that take part in it, and its account: one row for each machine, frozen when it starts.

Rows hold names as they were on the day. Links to machines and lines of lists may break later; the row stays, and a closed
campaign is read from its rows alone.
"""

from __future__ import annotations

from datetime import date as Day
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.approvals.models import Request
from server.campaigns.states import BECAME, BEFORE, NEVER, STATES, TONES, UNSEEN, WHYS
from server.coverage.models import Expected
from server.ingest.models import KINDS, Machine
from server.units.models import Unit
from server.units.rights import ADMINISTER, SEE
from server.units.scope import Scoped

if TYPE_CHECKING:
    from server.units.models import User

SCOPE, LATER, LEFT_OUT = "scope", "later", "left-out"
PLACES = [(SCOPE, _("in the scope")), (LATER, _("came later")), (LEFT_OUT, _("left out at the start"))]


class Campaigns(Scoped["Campaign"]):
    """A campaign is seen where it is held, and by every unit that takes part in it."""

    def condition(self, user: User, action: str) -> Q:
        held = super().condition(user, action)
        if action != SEE:
            return held
        return held | Q(pk__in=Part.objects.visible_to(user).order_by().values("campaign"))


class Campaign(models.Model):
    """What a letter asks. A draft may be changed; from its start on only what does not touch the account."""

    REACHED_BY = "unit__path"
    DRAFT, STARTING, RUNNING, CLOSING, CLOSED = "draft", "starting", "running", "closing", "closed"
    PHASES = [
        (DRAFT, _("being prepared")),
        (STARTING, _("being started")),
        (RUNNING, _("running")),
        (CLOSING, _("being closed")),
        (CLOSED, _("closed")),
    ]

    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+", help_text="Holds it; its administrators lead it")
    pattern = models.CharField(max_length=40, help_text="One of patterns.yaml")
    number = models.CharField(max_length=100, help_text="Of the letter")
    date = models.DateField(help_text="Of the letter")
    subject = models.CharField(max_length=300)
    issuer = models.CharField(max_length=200)
    deadline = models.DateField(help_text="Last day, to its end")
    grace_days = models.PositiveSmallIntegerField(
        null=True, help_text="So long after it closes by itself; null: a person closes it"
    )
    remind_days = models.JSONField(default=list, help_text="Days before the deadline at which units are reminded")
    kinds = models.JSONField(default=list)
    checks = models.JSONField(default=list, help_text="Ids of checks; they count wherever a unit's pack asks them of a machine")
    units = models.JSONField(default=list, help_text="Numbers of units below, each with all below it; empty: the whole of `unit`")
    contacts = models.JSONField(default=list, help_text="[{name, email, phones}]")
    roster = models.JSONField(default=list, help_text="[{name, phone, begin, end}]")
    lists = models.JSONField(default=list, help_text="Numbers of lists that machines are matched against (lists.py)")
    note = models.CharField(max_length=4000, blank=True)
    state = models.CharField(max_length=10, choices=PHASES, default=DRAFT, db_index=True)
    version = models.PositiveIntegerField(default=1, help_text="Counts changes: who saves an older one is told")
    made_by = models.CharField(max_length=200)
    made_at = models.DateTimeField(default=timezone.now)
    changed_by = models.CharField(max_length=200)
    changed_at = models.DateTimeField(default=timezone.now)
    started_by = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField(null=True, help_text="Only what was collected after it counts")
    frozen_at = models.DateTimeField(null=True, help_text="The account was complete")
    looked_at = models.DateTimeField(null=True, help_text="The states are those of then")
    packs = models.JSONField(
        null=True, help_text="proof.packs_used of then: [{baseline, version, digest, level, machines}]; null: not noted then"
    )
    closed_by = models.CharField(max_length=200, blank=True)
    closed_at = models.DateTimeField(null=True, help_text="The last look began")
    sealed_at = models.DateTimeField(null=True, help_text="The last look was over; nothing changes any more")
    result = models.JSONField(default=dict, help_text="Packs, feeds and lists on the day it was closed")

    objects: ClassVar[Campaigns] = Campaigns()

    class Meta:
        ordering = ["-date", "-pk"]

    def __str__(self) -> str:
        return self.number

    @classmethod
    def led_by(cls, user: User) -> QuerySet[Campaign]:
        """Those this person may change, start and close."""
        return cls.objects.visible_to(user, ADMINISTER)

    @property
    def is_draft(self) -> bool:
        return self.state == self.DRAFT

    @property
    def has_account(self) -> bool:
        """It was written down who is in it. Until then nothing is known, and nothing is 0."""
        return self.frozen_at is not None

    @property
    def is_closed(self) -> bool:
        return self.state == self.CLOSED

    @property
    def changeable(self) -> bool:
        return self.state in (self.DRAFT, self.RUNNING)

    @property
    def closes_on(self) -> Day | None:
        """First day on which it closes by itself."""
        return None if self.grace_days is None else self.deadline + timedelta(days=self.grace_days + 1)

    def left(self, now: datetime | None = None) -> int:
        """Days to the deadline: 0 on that day, less after it."""
        return (self.deadline - timezone.localdate(now)).days

    @property
    def days(self) -> int:
        return self.left()

    @property
    def late(self) -> int:
        return -self.left()

    @property
    def kind_words(self) -> list[str]:
        words = dict(KINDS)
        return [str(words.get(kind, kind)) for kind in self.kinds]


class Part(models.Model):
    """A unit that takes part: what it was called and held to at the start, and what its people said.

    Their words (received, handed in) are kept beside the account and change no state.
    """

    REACHED_BY = "unit__path"

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="parts")
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    code = models.CharField(max_length=40, blank=True)
    path = models.CharField(max_length=400, help_text="Where it lay at the start")
    answers = models.BooleanField(help_text="It is asked to confirm and to hand in, for itself and all below")
    level = models.PositiveSmallIntegerField(help_text="Its machines were held to at the start, as the next three")
    baseline = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, blank=True, help_text="Of the pack; empty: it could not be read")
    tailoring = models.CharField(
        max_length=64, null=True, blank=True, help_text="Digest of the stricter values; empty: there were none; null: not known"
    )
    checks = models.JSONField(
        default=dict, help_text="Check -> machines that failed, were unknown, passed: at the start, then now"
    )
    roster = models.JSONField(default=list, help_text="Its own people on duty, as those of the campaign")
    roster_version = models.PositiveIntegerField(default=0, help_text="Counts savings: who saves over an older one is told")
    roster_by = models.CharField(max_length=200, blank=True)
    roster_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField(null=True)
    received_by = models.CharField(max_length=200, blank=True)
    received_note = models.CharField(max_length=1000, blank=True)
    handed_version = models.PositiveIntegerField(default=0, help_text="As that of the roster")
    handed_at = models.DateTimeField(null=True)
    handed_by = models.CharField(max_length=200, blank=True)
    handed_name = models.CharField(max_length=200, blank=True, help_text="Who answers for it")
    handed_role = models.CharField(max_length=200, blank=True)
    handed_note = models.CharField(max_length=2000, blank=True)

    objects: ClassVar[Scoped[Part]] = Scoped()

    class Meta:
        ordering = ["path"]
        constraints = [models.UniqueConstraint(fields=["campaign", "unit"], name="unit_once_per_campaign")]

    def __str__(self) -> str:
        return self.name


class Row(models.Model):
    """A machine in the account: how it stood at the start, and how it stands as of the last look."""

    REACHED_BY = "part__unit__path"

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="rows")
    part = models.ForeignKey(Part, on_delete=models.CASCADE, related_name="rows")
    place = models.CharField(max_length=10, choices=PLACES, default=SCOPE)
    machine = models.ForeignKey(Machine, null=True, on_delete=models.SET_NULL, related_name="+")
    expected = models.ForeignKey(
        Expected, null=True, on_delete=models.SET_NULL, related_name="+", help_text="It was on a list only"
    )
    listed = models.BooleanField(default=False, help_text="It came from a list; else it had enrolled")
    name = models.CharField(max_length=253)
    kind = models.CharField(max_length=20, choices=KINDS, blank=True)
    note = models.CharField(max_length=500, blank=True, help_text="Why it was left out, and who said so")

    before = models.CharField(max_length=10, default=UNSEEN, help_text="states.BEFORE")
    before_checks = models.JSONField(default=dict, help_text="Check -> verdict (findings.codes) at the start")
    before_at = models.DateTimeField(null=True, help_text="orders_at of the snapshot it rests on")
    before_snapshot = models.CharField(max_length=36, blank=True)

    state = models.CharField(max_length=10, default=NEVER, help_text="states.STATES")
    why = models.CharField(max_length=20, blank=True, help_text="states.WHYS")
    about = models.JSONField(default=list, help_text="Checks that `why` speaks of")
    checks = models.JSONField(default=dict, help_text="Check -> verdict in a report of after the start; empty: there is none")
    snapshot = models.CharField(max_length=36, blank=True, help_text="The newest")
    seen_at = models.DateTimeField(null=True, help_text="orders_at of it")
    contact_at = models.DateTimeField(null=True, help_text="Its agent was heard of")
    became = models.CharField(max_length=10, blank=True, help_text="states.BECAME")
    became_at = models.DateTimeField(null=True)
    became_where = models.CharField(max_length=200, blank=True)

    objects: ClassVar[Scoped[Row]] = Scoped()

    class Meta:
        ordering = ["part__path", "name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "machine"], name="machine_once_per_campaign"),
            models.UniqueConstraint(fields=["campaign", "expected"], name="line_once_per_campaign"),
        ]
        indexes = [models.Index(fields=["campaign", "place", "state"], name="campaign_rows_by_state")]

    def __str__(self) -> str:
        return self.name

    @property
    def word(self) -> str:
        return str(STATES[self.state])

    @property
    def tone(self) -> str:
        return TONES[self.state]

    @property
    def why_word(self) -> str:
        return str(WHYS.get(self.why, self.why))

    @property
    def before_word(self) -> str:
        return str(BEFORE[self.before])

    @property
    def became_word(self) -> str:
        return str(BECAME[self.became]) if self.became else ""

    @property
    def away(self) -> bool:
        """The machine is another unit's now, and whoever asked does not see it there. Only rows of Account.rows know it."""
        return bool(self.__dict__["elsewhere"])

    def cut(self) -> Row:
        """Without what a machine told that is another unit's now. Its state stays: the numbers are made of it."""
        if self.away:
            self.why, self.about, self.checks, self.became_where = "", [], {}, ""
            self.snapshot, self.seen_at, self.contact_at = "", None, None
        return self

    @property
    def now(self) -> Machine | None:
        """The machine it is today, where one is known."""
        return self.machine or (self.expected.machine if self.expected else None)


class Excuse(models.Model):
    """Two people agreed that a machine cannot do what is asked. It turns no verdict."""

    REACHED_BY = "row__part__unit__path"

    row = models.ForeignKey(Row, on_delete=models.CASCADE, related_name="excuses")
    reason = models.CharField(max_length=2000)
    document = models.CharField(max_length=300, blank=True)
    asked_by = models.CharField(max_length=200)
    approved_by = models.CharField(max_length=200)
    at = models.DateTimeField(default=timezone.now)
    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="+")

    objects: ClassVar[Scoped[Excuse]] = Scoped()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.row_id}: {self.reason[:60]}"


class Notice(models.Model):
    """A unit was reminded, that many days before the deadline; each once."""

    REACHED_BY = "part__unit__path"

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="notices")
    part = models.ForeignKey(Part, on_delete=models.CASCADE, related_name="notices")
    days = models.SmallIntegerField(help_text="One of remind_days")
    left = models.SmallIntegerField(help_text="Days that were left")
    count = models.PositiveIntegerField(help_text="Machines with something left to do, of it and all below")
    at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[Scoped[Notice]] = Scoped()

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["campaign", "part", "days"], name="reminded_once")]

    def __str__(self) -> str:
        return f"{self.part_id}: {self.days}"
