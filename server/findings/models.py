"""Rows of small numbers: there are millions of them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from server.findings.codes import CAUSES, UNKNOWN, WORDS
from server.ingest.models import Machine
from server.units.models import Unit
from server.units.scope import Scoped


class Rule(models.Model):
    """One check under one requirement of a pack. The number stays; a severity follows the newest pack."""

    id = models.AutoField(primary_key=True)
    baseline = models.CharField(max_length=100)
    requirement = models.CharField(max_length=200)
    check_id = models.CharField(max_length=200)
    severity = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["baseline", "requirement", "check_id"], name="rule_once")]

    def __str__(self) -> str:
        return f"{self.requirement}|{self.check_id}"


class Head(models.Model):
    """How far a machine's standing reaches: the newest snapshot in it, and what it was judged by.

    Also where the machine is counted: it may have been moved since (tally.settle).
    """

    REACHED_BY = "machine__unit__path"

    machine = models.OneToOneField(Machine, on_delete=models.CASCADE, primary_key=True, related_name="head")
    unit = models.ForeignKey(
        Unit, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+",
        help_text="Counted there; null: out of service, counted nowhere",
    )  # fmt: skip
    kind = models.PositiveSmallIntegerField(help_text="Judged as")
    snapshot = models.UUIDField()
    at = models.DateTimeField(help_text="orders_at of the snapshot: every verdict was last seen then")
    turn = models.PositiveSmallIntegerField(default=0, help_text="How often that snapshot was judged again")
    first_snapshot = models.UUIDField()
    first_at = models.DateTimeField()
    rules = models.CharField(max_length=64, help_text="Digest of pack, tailoring, level and kind")
    verdicts = models.CharField(max_length=64, help_text="verdicts_digest: equal, by equal rules, means nothing turned")
    kept_from = models.DateTimeField(null=True, help_text="Transitions before were removed; null: none was")

    objects: ClassVar[Scoped[Head]] = Scoped()

    def __str__(self) -> str:
        return f"{self.machine_id} at {self.at}"


class Standing(models.Model):
    """The present verdict of one machine under one rule. Written when it turns, never because it was looked at again."""

    REACHED_BY = "machine__unit__path"

    pk = models.CompositePrimaryKey("machine_id", "rule_id")
    # without constraints in the database: they would cost as much as the rows; rules stay, and Django removes a machine's rows
    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="+")
    rule = models.ForeignKey(Rule, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    verdict = models.PositiveSmallIntegerField()
    since = models.DateTimeField(help_text="Time of the snapshot at which it became so")
    failing_since = models.DateTimeField(
        null=True, help_text="Of the first fail that only fails and unknowns follow; null when that is not so"
    )

    objects: ClassVar[Scoped[Standing]] = Scoped()

    class Meta:
        indexes = [
            models.Index(
                fields=["rule", "verdict", "since", "machine"], name="standing_not_passed", condition=Q(verdict__lte=UNKNOWN)
            )
        ]

    def __str__(self) -> str:
        return f"{self.machine_id} {self.rule_id}: {WORDS[self.verdict]}"


class Transition(models.Model):
    """A verdict turned. The first contact of a machine writes none; of each state after it, these tell the difference.

    Their order for one machine and rule is (at, snapshot, turn).
    """

    REACHED_BY = "machine__unit__path"

    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="+")
    rule = models.ForeignKey(Rule, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    was = models.PositiveSmallIntegerField()
    now = models.PositiveSmallIntegerField()
    cause = models.PositiveSmallIntegerField()
    turn = models.PositiveSmallIntegerField(help_text="0: as the snapshot came in; then each time it was judged again")
    at = models.DateTimeField(help_text="orders_at of the snapshot")
    written_at = models.DateTimeField(help_text="When it became known here: a snapshot may be late, a pack newer than it")
    snapshot = models.UUIDField(help_text="May have been removed since")

    objects: ClassVar[Scoped[Transition]] = Scoped()

    class Meta:
        indexes = [
            # a machine has some hundred in all, so those of one rule need no index of their own
            models.Index(fields=["machine", "written_at"], name="transition_of_machine"),
            models.Index(fields=["written_at"], name="transition_news"),
        ]

    def __str__(self) -> str:
        return f"{self.machine_id} {self.rule_id}: {WORDS[self.was]} → {WORDS[self.now]} ({CAUSES[self.cause]})"


class Change(models.Model):
    """What one report changes in the tallies. Only ever added, so that writers do not wait for one another; `tally.fold` takes
    them away and counts them in."""

    REACHED_BY = "unit__path"

    unit = models.ForeignKey(Unit, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+")
    kind = models.PositiveSmallIntegerField()
    packed = models.BinaryField(help_text="changes.pack")
    at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[Scoped[Change]] = Scoped()

    def __str__(self) -> str:
        return f"{self.unit_id}: {len(self.packed) // 4}"


class Tally(models.Model):
    """How many machines of a kind stand how under a rule: of the unit itself, or of all units below it."""

    REACHED_BY = "unit__path"

    pk = models.CompositePrimaryKey("unit_id", "below", "kind", "rule_id")
    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, db_index=False, related_name="+")
    below = models.BooleanField()
    kind = models.PositiveSmallIntegerField()
    rule = models.ForeignKey(Rule, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+")
    # not positive by constraint: a count that is off must be found and said, not stop the counting
    fail = models.IntegerField(default=0)
    unknown = models.IntegerField(default=0)
    passed = models.IntegerField(default=0)

    objects: ClassVar[Scoped[Tally]] = Scoped()

    def __str__(self) -> str:
        return f"{self.unit_id} {self.rule_id}: {self.fail}/{self.unknown}/{self.passed}"


class Place(models.Model):
    """Where in the tree a unit lay when its tallies were counted in above it."""

    REACHED_BY = "unit__path"

    unit = models.OneToOneField(Unit, on_delete=models.CASCADE, primary_key=True, related_name="place")
    path = models.CharField(max_length=400)

    objects: ClassVar[Scoped[Place]] = Scoped()

    def __str__(self) -> str:
        return self.path


class Daily(models.Model):
    """A unit with everything below it at the end of a day. Who was expected, seen and fresh is counted by server/coverage."""

    REACHED_BY = "unit__path"

    pk = models.CompositePrimaryKey("unit_id", "kind", "date")
    unit = models.ForeignKey(Unit, on_delete=models.CASCADE, db_index=False, related_name="+")
    kind = models.PositiveSmallIntegerField()
    date = models.DateField()
    machines = models.PositiveIntegerField(help_text="That had a verdict by then")
    fail = models.IntegerField(help_text="Pairs of machine and rule")
    unknown = models.IntegerField()
    passed = models.IntegerField()
    critical = models.IntegerField(help_text="Of the fails")
    high = models.IntegerField()
    medium = models.IntegerField()
    low = models.IntegerField()
    taken_at = models.DateTimeField(help_text="Days after the date: worked out from the transitions")
    packed = models.BinaryField(help_text="By rule: rollup.pack")

    objects: ClassVar[Scoped[Daily]] = Scoped()

    class Meta:
        indexes = [models.Index(fields=["date"], name="daily_by_date")]

    def __str__(self) -> str:
        return f"{self.unit_id} {self.date}"
