"""What was found of lists and letters. Lists and letters stand here apart from the rows of their feed, which go when another generation comes."""

from __future__ import annotations

import json
import zlib
from datetime import datetime
from typing import Any, ClassVar, NamedTuple

from django.db import models

from server.ingest.models import Machine
from server.sweeps.codes import (
    ABSENT,
    CANNOT_TELL,
    CLOSED,
    GROUNDS,
    KINDS,
    LOOKED_IN,
    NOT_AFFECTED,
    NOTES,
    REASONS,
    SOURCES,
    STATE_TITLES,
    STATE_WORDS,
    STATES,
)
from server.units.scope import Scoped

# --- indicators -----------------------------------------------------------------------------------------------------


class Sheet(models.Model):
    """A list of indicators: who issued it, when, and how many of each kind it holds. Of its feed the generation looked for now."""

    feed = models.CharField(max_length=100, unique=True)
    generation = models.BigIntegerField(null=True, help_text="Of the feed, as it was opened last")
    number = models.CharField(max_length=100)
    dated = models.DateField()
    issuer = models.CharField(max_length=200, blank=True)
    title = models.CharField(max_length=300, blank=True)
    kinds = models.JSONField(default=dict, help_text="Kind of indicator -> how many")
    since = models.DateTimeField(help_text="Looked for since then, in any edition")

    class Meta:
        ordering = ["-dated", "number"]

    def __str__(self) -> str:
        return self.number

    @property
    def count(self) -> int:
        return sum(self.kinds.values())

    @property
    def of_kinds(self) -> list[tuple[str, int]]:
        """(what people call the kind, how many)."""
        return [(str(KINDS[kind]), self.kinds[kind]) for kind in KINDS if self.kinds.get(kind)]


class Sighting(models.Model):
    """An indicator was seen on a machine. The row stays: that a later report does not show it takes nothing back."""

    REACHED_BY = "machine__unit__path"

    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="sightings")
    sheet = models.ForeignKey(Sheet, on_delete=models.CASCADE, related_name="sightings")
    key = models.BigIntegerField(help_text="Of list, kind, value and source: keep.key_of")
    kind = models.CharField(max_length=10)
    value = models.CharField(max_length=500)
    note = models.CharField(max_length=200, blank=True, help_text="Of the list")
    source = models.CharField(max_length=20, help_text="codes.SOURCES")
    place = models.CharField(max_length=300, help_text="Where in it, as the newest report that showed it told")
    exact = models.BooleanField(help_text="false: only a part of the indicator was seen, such as the host of a web address")
    first = models.DateTimeField(help_text="Time of the first report that showed it")
    last = models.DateTimeField(help_text="Time of the newest one")
    first_snapshot = models.CharField(max_length=36)
    last_snapshot = models.CharField(max_length=36)
    current = models.BooleanField(help_text="The newest report of the machine shows it")
    listed = models.BooleanField(default=True, help_text="The list still holds it")

    objects: ClassVar[Scoped[Sighting]] = Scoped()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["machine", "key"], name="sighting_once")]
        indexes = [models.Index(fields=["sheet", "listed", "exact"], name="sighting_of_list")]

    def __str__(self) -> str:
        return f"{self.machine_id}: {self.kind} {self.value}"

    @property
    def source_title(self) -> str:
        return str(SOURCES.get(self.source, self.source))


class Missing(NamedTuple):
    """A source that could not be looked at."""

    source: str
    reason: str

    @property
    def title(self) -> str:
        return str(SOURCES[self.source])

    @property
    def why(self) -> str:
        return str(REASONS.get(self.reason or ABSENT, self.reason))


class Looked(models.Model):
    """How far the sweep of a machine reaches: which report, by which lists, and which sources could be looked at in it."""

    REACHED_BY = "machine__unit__path"

    machine = models.OneToOneField(Machine, on_delete=models.CASCADE, primary_key=True, related_name="looked")
    snapshot = models.CharField(max_length=36)
    reported_at = models.DateTimeField(help_text="Time of that report")
    received_at = models.DateTimeField(help_text="Reports that came later were not looked at")
    book = models.CharField(max_length=64, help_text="Of the lists it was held against")
    at = models.DateTimeField()
    ip = models.BooleanField(help_text="All sources of LOOKED_IN could be looked at")
    domain = models.BooleanField()
    process = models.BooleanField()
    sources = models.JSONField(default=list, help_text="Sources that were looked at")
    missing = models.JSONField(default=list, help_text="Those that were not, each with the reason")

    objects: ClassVar[Scoped[Looked]] = Scoped()

    def __str__(self) -> str:
        return f"{self.machine_id} in {self.snapshot}"

    def missing_for(self, kinds: Any) -> list[Missing]:
        """What could not be looked at, of the sources that these kinds need."""
        wanted = {source for kind in kinds for source in LOOKED_IN[kind]}
        return [Missing(*row) for row in self.missing if row[0] in wanted]

    def looked_for(self, kinds: Any) -> list[str]:
        wanted = {source for kind in kinds for source in LOOKED_IN[kind]}
        return [str(SOURCES[source]) for source in self.sources if source in wanted]


class Blocked(models.Model):
    """How many entries of a list stand in the configuration of a firewall. That a rule refuses them is not said by it."""

    REACHED_BY = "machine__unit__path"

    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="+")
    sheet = models.ForeignKey(Sheet, on_delete=models.CASCADE, related_name="+")
    snapshot = models.CharField(max_length=36)
    reported_at = models.DateTimeField()
    entries = models.PositiveIntegerField(help_text="Addresses, networks and domains of the list")
    held = models.PositiveIntegerField(null=True, help_text="null: the configuration was not seen")
    reason = models.CharField(max_length=300, blank=True)
    fetched = models.CharField(
        max_length=300, blank=True, help_text="Lists that the device fetches by itself; what is in them is not seen"
    )
    whole_since = models.DateTimeField(null=True, help_text="Time of the first report with all of them; null: some are missing")

    objects: ClassVar[Scoped[Blocked]] = Scoped()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["machine", "sheet"], name="blocked_once")]

    def __str__(self) -> str:
        return f"{self.machine_id}: {self.held} of {self.entries}"

    @property
    def why(self) -> str:
        """Why the configuration was not seen."""
        return str(REASONS.get(self.reason, self.reason))

    @property
    def known(self) -> bool:
        """Entries that are not in the configuration may be in a list that the device fetches."""
        return self.held is not None and (self.held == self.entries or not self.fetched)


# --- warnings -------------------------------------------------------------------------------------------------------


class Letter(models.Model):
    """A warning by letter."""

    feed = models.CharField(max_length=100, unique=True)
    generation = models.BigIntegerField(null=True)
    number = models.CharField(max_length=100)
    dated = models.DateField()
    issuer = models.CharField(max_length=200, blank=True)
    title = models.CharField(max_length=300, blank=True)
    since = models.DateTimeField(help_text="Known here since then")

    class Meta:
        ordering = ["-dated", "number"]

    def __str__(self) -> str:
        return self.number


class Item(models.Model):
    """One line of a letter and one CVE of it."""

    letter = models.ForeignKey(Letter, on_delete=models.CASCADE, related_name="items")
    key = models.CharField(max_length=32, help_text="Of all that it says: the same in the next edition of the letter")
    line = models.PositiveIntegerField()
    cve = models.CharField(max_length=60, blank=True)
    product = models.CharField(max_length=300, blank=True)
    version = models.CharField(max_length=300, blank=True)
    fixed_version = models.CharField(max_length=120, blank=True)
    kb = models.CharField(max_length=60, blank=True)
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["letter", "key"], name="item_once")]
        ordering = ["line", "pk"]

    def __str__(self) -> str:
        return f"{self.letter_id}, {self.line}: {self.cve or self.product or self.kb}"


class Standing(NamedTuple):
    """How one item stands on one machine."""

    key: str
    state: str
    since: str
    """Time of the report that first showed it so; of what is closed: of the one that proved it."""
    ground: str
    detail: str = ""
    by: str = ""
    """Snapshot: open by this one last, or closed by this one."""
    note: str = ""
    closed_by: str = ""
    closed_at: str = ""
    """Kept while it cannot be told."""

    @property
    def title(self) -> str:
        return str(STATE_TITLES[self.state])

    @property
    def ground_title(self) -> str:
        return str(GROUNDS.get(self.ground, self.ground))

    @property
    def note_title(self) -> str:
        return str(NOTES.get(self.note, ""))

    @property
    def since_at(self) -> datetime:
        return datetime.fromisoformat(self.since)


class Concern(models.Model):
    """How a letter stands on a machine: as its worst item does. Turned by reports and data alone; no person can close it."""

    REACHED_BY = "machine__unit__path"

    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="concerns")
    letter = models.ForeignKey(Letter, on_delete=models.CASCADE, related_name="concerns")
    state = models.PositiveSmallIntegerField(help_text="codes.STATES")
    since = models.DateTimeField(help_text="Time of the report that first showed it so")
    closed_by = models.CharField(max_length=36, blank=True, help_text="Snapshot that proved it")
    closed_at = models.DateTimeField(null=True, help_text="Time of that report")
    open = models.PositiveIntegerField(help_text="Items")
    untold = models.PositiveIntegerField(help_text="Items that cannot be told")
    packed = models.BinaryField(help_text="Standing of each item, as zlib of JSON")

    objects: ClassVar[Scoped[Concern]] = Scoped()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["letter", "machine"], name="concern_once")]
        indexes = [models.Index(fields=["letter", "state"], name="concern_state")]

    def __str__(self) -> str:
        return f"{self.machine_id}, {self.letter_id}: {self.state_word}"

    @property
    def state_word(self) -> str:
        return STATE_WORDS[self.state]

    @property
    def state_title(self) -> str:
        return str(STATE_TITLES[self.state_word])

    @property
    def standings(self) -> list[Standing]:
        return [Standing(*row) for row in json.loads(zlib.decompress(self.packed))]


def packed(rows: list[Standing]) -> bytes:
    """For `Concern.packed`."""
    return zlib.compress(json.dumps([[*one] for one in rows], ensure_ascii=False, separators=(",", ":")).encode())


def doubt(concerns: models.QuerySet[Concern]) -> int:
    """These cannot be told until they are weighed again; what is open stays open. How many."""
    known = concerns.filter(state__in=(STATES[CLOSED], STATES[NOT_AFFECTED]))
    return known.update(state=STATES[CANNOT_TELL], closed_by="", closed_at=None)


class Weighed(models.Model):
    """How far the letters of a machine reach: those in force were all told by this report last."""

    REACHED_BY = "machine__unit__path"

    machine = models.OneToOneField(Machine, on_delete=models.CASCADE, primary_key=True, related_name="weighed")
    snapshot = models.CharField(max_length=36)
    book = models.CharField(max_length=64, help_text="Of the letters and the data it rests on")
    matched_at = models.DateTimeField(null=True, help_text="Matched.at of then: the CVEs rest on it")
    at = models.DateTimeField()

    objects: ClassVar[Scoped[Weighed]] = Scoped()

    def __str__(self) -> str:
        return f"{self.machine_id} by {self.snapshot}"
