"""The numbers of a campaign, cut to what a person sees: by unit, by check, before and after. Read from its rows alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from operator import add
from typing import NamedTuple

from django.db.models import BooleanField, Case, Count, Exists, OuterRef, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable

from baselines.loader import BaselineError
from server.assess import packs, wording
from server.campaigns.listed import Listed
from server.campaigns.models import LATER, LEFT_OUT, SCOPE, Campaign, Part, Row
from server.campaigns.states import BEFORE, DONE, OPEN, PASS, STATES, TONES
from server.ingest.models import Machine
from server.units.models import Unit, User
from server.units.rights import SEE


@dataclass
class Numbers:
    """Machines of a part of the tree, each counted once."""

    states: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATES, 0))
    before: dict[str, int] = field(default_factory=lambda: dict.fromkeys(BEFORE, 0))

    def add(self, other: Numbers) -> None:
        for mine, theirs in ((self.states, other.states), (self.before, other.before)):
            for name, count in theirs.items():
                if count:
                    mine[name] += count

    @property
    def scope(self) -> int:
        return sum(self.states.values())

    @property
    def done(self) -> int:
        return self.states[DONE]

    @property
    def open(self) -> int:
        return sum(self.states[state] for state in OPEN)

    @property
    def passed_before(self) -> int:
        return self.before[PASS]

    @property
    def share(self) -> int | None:
        """Percent done, rounded down: 100 means all. None where there is nothing to do."""
        return 100 * self.done // self.scope if self.scope else None

    @property
    def told(self) -> list[tuple[str, str, int, str]]:
        """(state, word, count, tone) of each."""
        return [(state, str(STATES[state]), count, TONES[state]) for state, count in self.states.items()]


def together(several: Iterable[Numbers]) -> Numbers:
    total = Numbers()
    for one in several:
        total.add(one)
    return total


def counted(rows: QuerySet[Row]) -> Numbers:
    """How these stand, and stood."""
    total = Numbers()
    for state, before, count in rows.order_by().values_list("state", "before").annotate(Count("pk")):
        total.states[state] += count
        total.before[before] += count
    return total


@dataclass
class Branch:
    """A unit with everything below it."""

    part: Part
    numbers: Numbers = field(default_factory=Numbers)
    below: bool = False
    """It has units below, so there is a page of its own to go to."""
    own: bool = False
    """The unit's own machines only, without those below."""


TOLD = (
    "unit",
    "name",
    "code",
    "path",
    "answers",
    "received_at",
    "received_by",
    "handed_at",
    "handed_name",
    "handed_role",
    "handed_note",
)
"""What pages say of hundreds of parts."""


class Account:
    """A campaign as a person sees it; everything, for nobody: the console's."""

    def __init__(self, campaign: Campaign, user: User | None, within: Unit | None = None) -> None:
        self.campaign, self.user = campaign, user
        parts = Part.objects.all() if user is None else Part.objects.visible_to(user)
        if within is not None:
            parts = parts.filter(unit__path__under=within.path)
        self.parts = {part.path: part for part in parts.filter(campaign=campaign).only(*TOLD).order_by("path")}
        self.by_pk = {part.pk: part for part in self.parts.values()}
        self._whole = len(self.parts) == Part.objects.filter(campaign=campaign).count()
        self._within = within
        self.numbers: dict[int, Numbers] = defaultdict(Numbers)
        """Of each part by itself, as the next two."""
        self._outside: dict[str, Counter[int]] = {LATER: Counter(), LEFT_OUT: Counter()}
        self._became: Counter[int] = Counter()
        self._sums: dict[int | None, Numbers] = {}
        self._read()

    def rows(self, place: str = SCOPE) -> QuerySet[Row]:
        """What this person sees of it. Whoever shows a row shows it `cut`."""
        return self.under(None, place)

    def under(self, part: Part | None, place: str = SCOPE) -> QuerySet[Row]:
        """Those of a part and below it, as the tree was at the start."""
        return Row.objects.filter(self.of(part), place=place).annotate(elsewhere=self._away)

    def of(self, part: Part | None) -> Q:
        """Condition on what belongs to a part: to this one or one below it, as far as this person sees them. By number, as they are
        known here: that spares two joins of every row. Hundreds of numbers cost as much, and of all of them none is needed."""
        return Q(campaign=self.campaign) & self._among(part, "part")

    def _among(self, part: Part | None, name: str) -> Q:
        below = self._below(part)
        whole = self._whole and len(below) == len(self.parts)
        return Q() if whole else Q(**{f"{name}__in": [one.pk for one in below]})

    def _below(self, part: Part | None) -> list[Part]:
        """A part and those below it; all for None. In the order of paths."""
        return [one for path, one in self.parts.items() if part is None or path.startswith(part.path)]

    @cached_property
    def _away(self) -> Combinable:
        """The machine was moved to where this person does not see it; of one that is no more, whoever sees all of it sees all."""
        if self.user is None:
            return Value(False)
        theirs = self._theirs().order_by()  # asked of each that was moved: they are few, and the machines of a country many
        here = Q(Exists(theirs.filter(pk=OuterRef("machine")))) | Q(Exists(theirs.filter(pk=OuterRef("expected__machine"))))
        if self.sees_all:
            here |= Q(machine=None, expected__machine=None)
        return Case(When(~Q(became="moved") | here, then=Value(False)), default=Value(True), output_field=BooleanField())

    @property
    def sees_all(self) -> bool:
        """The unit that holds the campaign, and so all that take part."""
        if self.user is None:
            return True
        held = self.campaign.unit
        return self.user.may(SEE, held) and (self._within is None or held.path.startswith(self._within.path))

    def _theirs(self) -> QuerySet[Machine]:
        """All machines that this person sees today."""
        machines = Machine.objects.all() if self.user is None else Machine.objects.visible_to(self.user)
        return machines.filter(unit__path__under=self._within.path) if self._within is not None else machines

    def machines(self) -> QuerySet[Machine]:
        """Those of the scope that this person sees where they are today."""
        rows = Row.objects.filter(self.of(None), place=SCOPE).order_by()
        of_rows = Q(pk__in=rows.exclude(machine=None).values("machine"))
        return self._theirs().filter(of_rows | Q(pk__in=rows.exclude(expected__machine=None).values("expected__machine")))

    def _read(self) -> None:
        """All numbers of a page at once: its rows are many, and each way of counting them reads them all."""
        rows = Row.objects.filter(self.of(None)).order_by()
        names = ("part_id", "place", "state", "before", "became")
        for pk, place, state, before, became, count in rows.values_list(*names).annotate(Count("pk")):
            if place != SCOPE:
                self._outside[place][pk] += count
                continue
            self.numbers[pk].states[state] += count
            self.numbers[pk].before[before] += count
            if became:
                self._became[pk] += count

    def sum(self, part: Part | None) -> Numbers:
        """A part with everything below; all that is seen for None."""
        key = part.pk if part else None
        if key not in self._sums:
            self._sums[key] = together(self.numbers[one.pk] for one in self._below(part) if one.pk in self.numbers)
        return self._sums[key]

    def outside(self, part: Part | None, place: str) -> int:
        """How many came later, or were left out, in a part and below it."""
        return sum(self._outside[place][one.pk] for one in self._below(part))

    def listed(self, part: Part | None, place: str = SCOPE, state: str = "", name: str = "", only: Iterable[str] = ()) -> Listed:
        """The rows of a part and below it in the order of pages, to be taken in slices. Whoever shows one, shows it `shown`.
        `only`: columns to read, where the rows are many."""
        rows = Row.objects.filter(campaign=self.campaign, place=place)
        rows = rows.filter(state=state) if state else rows
        counts = self._counts(part, place, state)
        if name and counts:
            rows = rows.filter(name__icontains=name)
            found = dict(rows.filter(self.of(part)).order_by().values_list("part_id").annotate(Count("pk")))
            counts = {pk: found[pk] for pk in counts if pk in found}
        if not counts:
            return Listed(rows, {})
        rows = rows.only(*only) if only else rows.defer("checks", "before_checks")
        return Listed(rows.annotate(elsewhere=self._away), counts)

    def _counts(self, part: Part | None, place: str, state: str) -> dict[int, int]:
        """How many rows lie in each part of a part, in the order of paths; parts without any are left out."""
        if place != SCOPE:
            outside = self._outside[place]
            return {one.pk: outside[one.pk] for one in self._below(part) if one.pk in outside}
        sums = self.sum(part)
        if not (sums.states[state] if state else sums.scope):
            return {}
        with_some = [(one.pk, self.numbers[one.pk]) for one in self._below(part) if one.pk in self.numbers]
        counts = {pk: numbers.states[state] if state else numbers.scope for pk, numbers in with_some}
        return {pk: count for pk, count in counts.items() if count}

    def became(self, part: Part | None, only: Iterable[str]) -> Listed:
        """Of the scope: what was taken out of service, moved or removed since the start; in slices, as `listed`."""
        counts = {one.pk: self._became[one.pk] for one in self._below(part) if one.pk in self._became}
        rows = Row.objects.filter(campaign=self.campaign, place=SCOPE).exclude(became="").only(*only)
        return Listed(rows.annotate(elsewhere=self._away), counts)

    def shown(self, row: Row) -> Row:
        """Cut, and with its part, which is known here."""
        row.part = self.by_pk[row.part_id]
        return row.cut()

    def tops(self) -> list[Part]:
        """The highest this person sees."""
        found: list[Part] = []
        for path in sorted(self.parts):
            if not found or not path.startswith(found[-1].path):
                found.append(self.parts[path])
        return found

    def above(self, part: Part) -> list[Part]:
        """The parts it lies in, highest first."""
        return [one for path, one in self.parts.items() if part.path.startswith(path) and one is not part]

    def branches(self, part: Part | None) -> list[Branch]:
        """What lies right below a part, by name; its own machines first, so that the lines add up."""
        tops = {one.path: one for one in self.tops()} if part is None else {}
        found: dict[str, Branch] = {}
        for path, one in self.parts.items():
            if part is None:
                top = next((tops[start] for start in tops if path.startswith(start)), None)
            elif one is part or not path.startswith(part.path):
                continue
            else:
                top = self._right_below(part, one)
            if top is None:
                continue
            if top.path not in found:
                found[top.path] = Branch(top)
            branch = found[top.path]
            if one.pk in self.numbers:
                branch.numbers.add(self.numbers[one.pk])
            branch.below = branch.below or one is not top
        rows = sorted(found.values(), key=lambda one: (one.part.code, one.part.name, one.part.pk))
        own = self.numbers.get(part.pk) if part else None
        return [*([Branch(part, own, own=True)] if part and own and own.scope else []), *rows]

    def _right_below(self, part: Part, one: Part) -> Part | None:
        """Where a unit between them takes no part, the highest that does."""
        rest = one.path[len(part.path) :].strip("/").split("/")
        path = part.path
        for number in rest:
            path += f"{number}/"
            if path in self.parts:
                return self.parts[path]
        return None

    def answering(self) -> list[Part]:
        return [part for part in self.parts.values() if part.answers]

    def checks(self, part: Part | None) -> list[CheckLine]:
        """Before and after, by check; those of the campaign that nobody is asked included."""
        sums: dict[str, list[int]] = {check: [0] * 6 for check in self.campaign.checks}
        parts = Part.objects.filter(self._among(part, "pk"), campaign=self.campaign).order_by("path")
        for checks in parts.values_list("checks", flat=True):
            for check, counts in checks.items():
                sums[check] = [*map(add, sums.get(check, [0] * 6), counts)]
        scope = self.sum(part).scope
        titles = check_titles(sums)
        return [CheckLine(check, titles[check], scope, *counts) for check, counts in sums.items()]


class CheckLine(NamedTuple):
    """One check over all machines of the scope."""

    check: str
    title: str
    scope: int
    failed_before: int
    unknown_before: int
    passed_before: int
    failed: int
    unknown: int
    passed: int

    @property
    def unseen_before(self) -> int:
        """Not asked of the machine, or the machine was not seen."""
        return self.scope - self.failed_before - self.unknown_before - self.passed_before

    @property
    def unseen(self) -> int:
        return self.scope - self.failed - self.unknown - self.passed


def check_titles(checks: Iterable[str]) -> dict[str, str]:
    """In the language of the page; the id of one that no pack here has."""
    found: dict[str, str] = {}
    for name in packs.names():
        try:
            known = packs.get(name).checks
        except (BaselineError, OSError):
            continue
        found |= {check: wording.text(known[check].title) for check in checks if check in known and check not in found}
    return {check: found.get(check, check) for check in checks}
