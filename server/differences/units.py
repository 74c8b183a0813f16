"""A unit with everything below on two days: verdicts that turned, machines that came and went, and of whom nothing is known.

The verdict of a day is that of the newest report collected until its end. A machine that sent none until then has no verdict
that day: its later ones are counted as new, not as turned.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db import connection
from django.db.models import Count, F, OuterRef, Q, QuerySet, RowRange, Subquery, Window
from django.db.models.functions import LastValue, RowNumber

from server.differences.machines import end_of
from server.findings.codes import CAUSES, FAIL, NOT_ASKED, PASS, UNKNOWN, WORDS
from server.findings.models import Head, Rule, Transition
from server.ingest.models import Machine, StoredSnapshot
from server.units.models import MachinePlacement, Unit, User

MOST = 200_000
"""Turns that are named in a file; of a longer span a shorter one is asked for."""
ORDER = ("at", "snapshot", "turn", "pk")
"""Of the turns of a machine under a rule."""


class TooMany(Exception):
    """More turned than one file names."""


class Net(NamedTuple):
    """A verdict that is another one on the second day, of one machine."""

    machine: int
    rule: int
    was: int
    now: int
    causes: str


Turned = tuple[int, int, int, int]
"""(rule, before, after, machines)"""


@dataclass
class Sum:
    """The same of all machines under one rule."""

    rule: Rule
    turned: Counter[tuple[int, int]]
    """(before, after) -> machines"""

    @property
    def worse(self) -> int:
        """Fails now, which it did not."""
        return sum(count for (was, now), count in self.turned.items() if now == FAIL)

    @property
    def better(self) -> int:
        """Passes now and failed or was unknown."""
        return sum(count for (was, now), count in self.turned.items() if now == PASS and was in (FAIL, UNKNOWN))

    @property
    def unknown(self) -> int:
        return sum(count for (was, now), count in self.turned.items() if now == UNKNOWN)

    @property
    def others(self) -> int:
        return sum(self.turned.values()) - self.worse - self.better - self.unknown


@dataclass
class Known:
    """Of how many machines anything is known on a day."""

    day: date
    reported: int
    """That very day; as far as reports are still stored."""
    before: int
    """Not that day, but before: the last one counts."""
    never: int
    """No stored report until then: nothing is known."""


def machines_of(user: User, unit: Unit) -> Q:
    """Condition: those this person sees there now, in service or out of it."""
    return user.reach_of("unit__path") & Q(unit__path__under=unit.path)


def _turns(these: Q, first: date, second: date) -> QuerySet[Transition]:
    """What turned of these machines between the end of the first day and that of the second, in the order of ORDER. Without those of
    which the first day is not known: what came since has nothing it turned from, of others the turns of that time were removed."""
    begin, end = end_of(first), end_of(second)
    unknown = Head.objects.filter(Q(first_at__gte=begin) | Q(kept_from__gt=begin)).order_by().values("machine")
    here = Machine.objects.filter(these).exclude(pk__in=unknown).order_by().values("pk")
    # what was seen after a moment was written down after it: the index of written_at narrows it
    return Transition.objects.filter(machine__in=here, written_at__gte=begin, at__gte=begin, at__lt=end).order_by(*ORDER)


def nets(user: User, unit: Unit, first: date, second: date) -> list[Net]:
    """What is another one at the end of the second day than at the end of the first, of each machine. Raises TooMany."""
    told: dict[tuple[int, int], tuple[int, int, set[int]]] = {}
    rows = _turns(machines_of(user, unit), first, second).values_list("machine_id", "rule_id", "was", "now", "cause")
    for number, (machine, rule, was, now, cause) in enumerate(rows.iterator(chunk_size=5000)):
        if number >= MOST:
            raise TooMany
        held = told.get((machine, rule))
        told[machine, rule] = (held[0], now, held[2] | {cause}) if held else (was, now, {cause})
    return [
        Net(machine, rule, was, now, ", ".join(CAUSES[cause] for cause in sorted(causes)))
        for (machine, rule), (was, now, causes) in told.items()
        if was != now
    ]


def sums(these: Q, first: date, second: date) -> list[Sum]:
    """The same of machines under a condition, added up by rule, what got worse first."""
    return summed(count(these, first, second))


def count(these: Q, first: date, second: date) -> list[Turned]:
    """The database adds up: a country turns 250,000 verdicts in a week."""
    one = [F("machine"), F("rule")]
    numbered = _turns(these, first, second).annotate(
        place=Window(RowNumber(), one, ORDER), ended=Window(LastValue("now"), one, ORDER, RowRange(None, None))
    )
    inner, given = numbered.order_by().values("rule_id", "was", "ended", "place").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT rule_id, was, ended, count(*) FROM ({inner}) turned"  # noqa: S608  (Django's own words; values are parameters)
            " WHERE place = 1 AND was <> ended GROUP BY rule_id, was, ended",
            given,
        )
        return list(cursor.fetchall())


def summed(turned: Iterable[Turned]) -> list[Sum]:
    """By rule, what got worse first."""
    by_rule: dict[int, Counter[tuple[int, int]]] = {}
    for rule, was, now, machines in turned:
        by_rule.setdefault(rule, Counter())[was, now] = machines
    found = [Sum(rule, by_rule[pk]) for pk, rule in Rule.objects.in_bulk(by_rule).items()]
    return sorted(found, key=lambda one: (-one.worse, -one.rule.severity, -one.unknown, -one.better, one.rule.pk))


Came = tuple[Machine, str, datetime | date]
"""(machine, enrolled or moved here, when)"""


def came(user: User, unit: Unit, first: date, second: date, most: int | None = None) -> list[Came]:
    """Those that are here now and were not, as many as asked for. In a first year that is everybody."""
    enrolled, moved = _came(user, unit, first, second)
    first_ones = enrolled.order_by("name", "pk").values_list("pk", flat=True)[:most]
    # their names first: all columns of 25,000 are not sorted to show a hundred
    held = Machine.objects.select_related("unit").filter(pk__in=first_ones).order_by("name", "pk")
    found: list[Came] = [(one, "enrolled", one.created_at) for one in held]
    placed = moved.select_related("machine__unit").order_by("machine__name", "pk")[:most]
    return [*found, *((one.machine, "moved", one.until) for one in placed if one.until)][:most]


def came_count(user: User, unit: Unit, first: date, second: date) -> int:
    enrolled, moved = _came(user, unit, first, second)
    return enrolled.count() + moved.count()


def _came(user: User, unit: Unit, first: date, second: date) -> tuple[QuerySet[Machine], QuerySet[MachinePlacement]]:
    here = Machine.objects.filter(machines_of(user, unit)).order_by()
    moved = MachinePlacement.objects.filter(machine__in=here.values("pk"), until__gte=first, until__lt=second)
    enrolled = here.filter(created_at__gte=end_of(first), created_at__lt=end_of(second))
    return enrolled, moved.exclude(unit__path__under=unit.path)


def went(user: User, unit: Unit, first: date, second: date) -> tuple[list[tuple[Machine, datetime]], int]:
    """Those taken out of service, and how many were moved to another part of the tree: their names are that part's."""
    begin, end = end_of(first), end_of(second)
    out = Machine.objects.filter(machines_of(user, unit), retired_at__gte=begin, retired_at__lt=end).select_related("unit")
    moved = MachinePlacement.objects.filter(
        user.reach_of("unit__path"), unit__path__under=unit.path, until__gte=first, until__lt=second
    )
    away = moved.exclude(machine__unit__path__under=unit.path).values("machine").distinct().count()
    return [(one, one.retired_at) for one in out if one.retired_at], away


def known(these: Q, day: date) -> Known:
    """Of the machines under a condition that were known here by then, and were still in service at the beginning of that day."""
    begin, end = end_of(day - timedelta(days=1)), end_of(day)
    serving = Q(retired_at=None) | Q(retired_at__gte=begin)
    # the last report until then by the index of each machine: all of a month's are many more
    last = StoredSnapshot.objects.filter(machine=OuterRef("pk"), orders_at__lt=end).order_by("-orders_at").values("orders_at")[:1]
    told = (
        Machine.objects.filter(these, serving, created_at__lt=end)
        .annotate(last=Subquery(last))
        .aggregate(all=Count("pk"), until=Count("last"), reported=Count("last", filter=Q(last__gte=begin)))
    )
    return Known(day, told["reported"], told["until"] - told["reported"], told["all"] - told["until"])


def gaps(user: User, unit: Unit, first: date) -> int:
    """Machines whose turns of that time were removed by now: what they were then is not known any more."""
    return Head.objects.filter(
        machine__in=Machine.objects.filter(machines_of(user, unit)).order_by().values("pk"), kept_from__gt=end_of(first)
    ).count()


def word(verdict: int) -> str:
    return "" if verdict == NOT_ASKED else WORDS[verdict]
