"""What was matched, as it stands. Of one vulnerability in one version many machines have the same to say: that stands once."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable
from datetime import date
from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from server.feeds.codes import NOT_SAID, SEVERITY_WORDS
from server.feeds.matching.codes import ANSWER_TITLES, ANSWER_WORDS, DECIDED_TITLES, DECIDED_WORDS, NOTE_TITLES, REASON_TITLES
from server.feeds.matching.outcome import Left
from server.ingest.models import Machine
from server.units.scope import Scoped


class Weakness(models.Model):
    """A vulnerability that some machine has or had. What feeds say of it is repeated here, to sort by, after each swap."""

    identifier = models.CharField(max_length=60, unique=True)
    title = models.CharField(max_length=300, blank=True)
    severity = models.PositiveSmallIntegerField(default=NOT_SAID, help_text="The highest any feed says; 0: none says one")
    exploited = models.BooleanField(
        null=True,
        db_index=True,
        help_text="Known to be exploited (KEV, advisories of network systems); null: no KEV in force says",
    )
    due = models.DateField(null=True, help_text="Day the KEV sets")
    ransomware = models.BooleanField(null=True)
    epss = models.FloatField(null=True, help_text="null: not in the data")

    def __str__(self) -> str:
        return self.identifier

    @property
    def address(self) -> str:
        """Its word in an address: the identifier, or the number where that holds what an address does not take."""
        return self.identifier if re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", self.identifier) else str(self.pk)

    @property
    def severity_word(self) -> str:
        return gettext(SEVERITY_WORDS[self.severity]) if self.severity in SEVERITY_WORDS else ""


class Ground(models.Model):
    """A match without its machine: this vulnerability, in this version of this package, and what is to be done."""

    key = models.BigIntegerField(unique=True, help_text="Of all columns: store.key_of")
    weakness = models.ForeignKey(Weakness, on_delete=models.PROTECT, related_name="grounds")
    package = models.CharField(max_length=120)
    installed = models.CharField(max_length=200)
    fixed = models.CharField(max_length=200, blank=True)
    answer = models.PositiveSmallIntegerField(help_text="codes.ANSWERS")
    decided_by = models.PositiveSmallIntegerField(help_text="codes.DECIDED")
    note = models.CharField(max_length=120, blank=True, help_text="Words of said.NOTES")
    advisory = models.CharField(max_length=60, blank=True)

    def __str__(self) -> str:
        return f"{self.weakness_id} {self.package} {self.installed}"

    @property
    def answer_word(self) -> str:
        return ANSWER_WORDS[self.answer]

    @property
    def answer_title(self) -> str:
        return str(ANSWER_TITLES[self.answer_word])

    @property
    def decided_word(self) -> str:
        return DECIDED_WORDS[self.decided_by]

    @property
    def decided_title(self) -> str:
        return str(DECIDED_TITLES[self.decided_word])

    @property
    def notes(self) -> list[str]:
        return [str(NOTE_TITLES[word]) for word in self.note.split()]


class Carried(models.Model):
    """A machine has that, since then. Written when it comes, removed when it goes, never because it was looked at again."""

    REACHED_BY = "machine__unit__path"

    pk = models.CompositePrimaryKey("machine_id", "ground_id")
    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="carried")
    ground = models.ForeignKey(Ground, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="carried")
    since = models.DateTimeField(help_text="When it became known here that the machine has this vulnerability in this package")

    objects: ClassVar[Scoped[Carried]] = Scoped()

    class Meta:
        # holds all that is counted of a vulnerability: a country has millions of rows, and lies spread over the table with each
        indexes = [models.Index(fields=["ground", "machine", "since"], name="carried_spread")]

    def __str__(self) -> str:
        return f"{self.machine_id} {self.ground_id}"


class Ended(models.Model):
    """A machine had that and has it no longer: its version turned, or the data did."""

    REACHED_BY = "machine__unit__path"

    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, db_constraint=False, related_name="+")
    weakness = models.ForeignKey(Weakness, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    package = models.CharField(max_length=120)
    since = models.DateTimeField()
    until = models.DateTimeField(db_index=True, help_text="When it became known here")
    by_data = models.BooleanField(help_text="The facts are the same as before: the data changed")

    objects: ClassVar[Scoped[Ended]] = Scoped()

    def __str__(self) -> str:
        return f"{self.machine_id} {self.weakness_id} until {self.until}"


class Matched(models.Model):
    """How far the matching of a machine reaches: which facts, by which data, and what was left out."""

    REACHED_BY = "machine__unit__path"

    machine = models.OneToOneField(Machine, on_delete=models.CASCADE, primary_key=True, related_name="matched")
    snapshot = models.CharField(max_length=36)
    facts = models.CharField(max_length=64, help_text="StoredSnapshot.deciding: equal means the same host")
    host = models.CharField(max_length=64, help_text="Of all that decides; equal hosts have the same vulnerabilities")
    book = models.CharField(max_length=64, help_text="Of the generations it rests on, and of the program")
    at = models.DateTimeField()
    ecosystem = models.CharField(max_length=60, blank=True)
    reason = models.CharField(max_length=30, blank=True, help_text="Nothing was assessed: outcome.py")
    detail = models.CharField(max_length=300, blank=True)
    feeds = models.JSONField(default=list, help_text="Name and day of the feeds that speak of its system")
    carries_until = models.DateField(null=True, help_text="Last day the oldest of them carries a verdict; null: no end")
    assessed = models.PositiveIntegerField(default=0)
    fixable = models.PositiveIntegerField(default=0, help_text="Vulnerabilities for which a fix exists")
    exploited = models.PositiveIntegerField(
        null=True,
        help_text="Known to be exploited, whatever the answer; null: none is, and no KEV in force says of which that is so",
    )
    exploited_until = models.DateField(null=True, help_text="Last day on which 0 exploited ones is what the KEV says")
    others = models.PositiveIntegerField(default=0, help_text="Not mended yet, or not to be mended")
    undetermined = models.PositiveIntegerField(default=0)
    left_count = models.PositiveIntegerField(default=0)
    packed = models.BinaryField(help_text="Left of outcome.py, as zlib of JSON")

    objects: ClassVar[Scoped[Matched]] = Scoped()

    def __str__(self) -> str:
        return f"{self.machine_id}: {self.fixable} at {self.at}"

    @property
    def attacked(self) -> int | None:
        """How many are known to be exploited; None: none is, and there is no KEV, or one over its limit, to say so."""
        return self.exploited or (0 if self.exploited == 0 and carries(self.exploited_until) else None)

    @property
    def left(self) -> list[Left]:
        """What was not assessed, or not wholly."""
        return [Left(*row) for row in json.loads(zlib.decompress(self.packed))]

    @property
    def reason_title(self) -> str:
        return str(REASON_TITLES.get(self.reason, _("Not matched yet.")))


def carries(until: date | None) -> bool:
    """Data may be rested on until that day."""
    return until is not None and timezone.localdate() <= until


def packed(left: Iterable[Left]) -> bytes:
    """For `Matched.packed`."""
    return zlib.compress(json.dumps([[*one] for one in left], ensure_ascii=False, separators=(",", ":")).encode())
