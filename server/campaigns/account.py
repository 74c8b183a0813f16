"""The numbers of a campaign, cut to what a person sees: by unit, by check, before and after. Read from its rows alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db.models import BooleanField, Case, Count, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable

from baselines.loader import BaselineError
from server.assess import packs, wording
from server.campaigns.models import SCOPE, Campaign, Part, Row
from server.campaigns.states import BEFORE, DONE, OPEN, PASS, STATES, TONES
from server.ingest.models import Machine
from server.units.models import Unit, User


@dataclass
class Numbers:
    """Machines of a part of the tree, each counted once."""

    states: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATES, 0))
    before: dict[str, int] = field(default_factory=lambda: dict.fromkeys(BEFORE, 0))

    def add(self, other: Numbers) -> None:
        for mine, theirs in ((self.states, other.states), (self.before, other.before)):
            for name, count in theirs.items():
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


@dataclass
class Branch:
    """A unit with everything below it."""

    part: Part
    numbers: Numbers = field(default_factory=Numbers)
    below: bool = False
    """It has units below, so there is a page of its own to go to."""
    own: bool = False
    """The unit's own machines only, without those below."""


class Account:
    """A campaign as a person sees it; everything, for nobody: the console's."""

    def __init__(self, campaign: Campaign, user: User | None, within: Unit | None = None) -> None:
        self.campaign, self.user = campaign, user
        parts = Part.objects.all() if user is None else Part.objects.visible_to(user)
        if within is not None:
            parts = parts.filter(unit__path__under=within.path)
        self.parts = {part.path: part for part in parts.filter(campaign=campaign).select_related("unit").order_by("path")}
        self.by_pk = {part.pk: part for part in self.parts.values()}
        self._within = within
        self.numbers = self._read()

    def rows(self, place: str = SCOPE) -> QuerySet[Row]:
        """What this person sees of it. Whoever shows a row shows it `cut`."""
        rows = Row.objects.all() if self.user is None else Row.objects.visible_to(self.user)
        if self._within is not None:
            rows = rows.filter(part__unit__path__under=self._within.path)
        return rows.filter(campaign=self.campaign, place=place).annotate(elsewhere=self._away())

    def _away(self) -> Combinable:
        """The machine was moved to where this person does not see it; of one that is no more, whoever sees all of it sees all."""
        if self.user is None:
            return Value(False)
        theirs = self._theirs()
        here = Q(machine__in=theirs.order_by().values("pk")) | Q(expected__machine__in=theirs.order_by().values("pk"))
        if self.sees_all:
            here |= Q(machine=None, expected__machine=None)
        return Case(When(~Q(became="moved") | here, then=Value(False)), default=Value(True), output_field=BooleanField())

    @property
    def sees_all(self) -> bool:
        """The unit that holds the campaign, and so all that take part."""
        if self.user is None:
            return True
        held = Unit.objects.visible_to(self.user).filter(pk=self.campaign.unit_id)
        return (held.filter(path__under=self._within.path) if self._within is not None else held).exists()

    def _theirs(self) -> QuerySet[Machine]:
        """All machines that this person sees today."""
        machines = Machine.objects.all() if self.user is None else Machine.objects.visible_to(self.user)
        return machines.filter(unit__path__under=self._within.path) if self._within is not None else machines

    def machines(self) -> QuerySet[Machine]:
        """Those of the scope that this person sees where they are today."""
        rows = self.rows().order_by()
        of_rows = Q(pk__in=rows.exclude(machine=None).values("machine"))
        return self._theirs().filter(of_rows | Q(pk__in=rows.exclude(expected__machine=None).values("expected__machine")))

    def under(self, part: Part | None, place: str = SCOPE) -> QuerySet[Row]:
        """Those of a part and below it, as the tree was at the start."""
        rows = self.rows(place)
        return rows.filter(part__path__under=part.path) if part else rows

    def _read(self) -> dict[int, Numbers]:
        """Of each part by itself."""
        found: dict[int, Numbers] = defaultdict(Numbers)
        for name in ("state", "before"):
            for pk, word, count in self.rows().order_by().values_list("part_id", name).annotate(Count("pk")):
                getattr(found[pk], "states" if name == "state" else name)[word] += count
        return found

    def sum(self, part: Part | None) -> Numbers:
        """A part with everything below; all that is seen for None."""
        total = Numbers()
        for one in self.parts.values():
            if part is None or one.path.startswith(part.path):
                total.add(self.numbers.get(one.pk, Numbers()))
        return total

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
            branch = found.setdefault(top.path, Branch(top))
            branch.numbers.add(self.numbers.get(one.pk, Numbers()))
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
        for one in self.parts.values():
            if part is None or one.path.startswith(part.path):
                for check, counts in one.checks.items():
                    held = sums.setdefault(check, [0] * 6)
                    for place, count in enumerate(counts):
                        held[place] += count
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
