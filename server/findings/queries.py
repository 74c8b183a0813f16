"""What people ask of the verdicts. Each question is one function; each sees no further than the person who asks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import NamedTuple, TypeVar, cast

from django.db.models import Count, F, Model, Q, QuerySet

from collectors.model import Kind
from server.findings import rollup, tally
from server.findings.codes import CAUSES, FAIL, KINDS, SEVERITY_WORDS, UNKNOWN, WORDS
from server.findings.models import Daily, Head, Rule, Standing, Transition
from server.ingest.models import Machine
from server.ingest.serving import of_the_whole_tree
from server.units.models import Unit, User
from server.units.paths import outermost
from server.units.rights import SEE
from server.waivers import overlay

R = TypeVar("R", bound=Model)
NOT_PASSED = f'"findings_standing"."verdict" <= {UNKNOWN}'
"""The condition of the index, word for word: SQLite takes it for nothing less, and for no parameter."""
FEW = 1000
"""Units with no more machines than that are asked machine by machine, larger ones by time."""


class RuleCount(NamedTuple):
    """How many machines stand how under a rule."""

    rule: Rule
    fail: int
    unknown: int
    passed: int
    accepted: int = 0
    """Of the fails: borne by a waiver that is in force now. They stay fails."""


class Worst(NamedTuple):
    rules: list[RuleCount]
    waiting: int
    """Reports not counted in yet (tally.Counted)."""


class Failing(NamedTuple):
    """A machine under a rule."""

    machine: int
    name: str
    unit: str
    since: datetime
    failing_since: datetime | None


class Turned(NamedTuple):
    """A verdict that turned."""

    id: int
    machine: int
    name: str
    rule: int
    requirement: str
    check: str
    was: str
    now: str
    at: datetime
    known_at: datetime
    cause: str


class Step(NamedTuple):
    """A machine's verdict under one rule, from a time on."""

    at: datetime
    verdict: str
    cause: str
    """Empty for the first contact."""


class Day(NamedTuple):
    """A part of the tree at the end of a day."""

    date: date
    machines: int
    fail: int
    unknown: int
    passed: int
    severities: dict[str, int]
    """Of the fails; empty where one rule was asked for."""


def parts(user: User | None, unit: Unit) -> list[str]:
    """Paths of what this person sees of a unit and everything below it; for nobody all of it: the console's."""
    if user is None:
        return [unit.path]
    mine = user.parts(SEE)
    return [unit.path] if unit.path.startswith(tuple(mine)) else outermost(path for path in mine if path.startswith(unit.path))


def under(path: str, parts: list[str]) -> Q:
    """Condition on a model whose unit's path is reached by `path`: it lies in one of the parts."""
    condition = Q(pk__in=[])
    for part in parts:
        condition |= Q(**{f"{path}__under": part})
    return condition


def worst_rules(user: User | None, unit: Unit, kind: str = "", limit: int = 50) -> Worst:
    """The rules that most machines fail, the gravest first. Read from the tallies."""
    mine, code = parts(user, unit), KINDS[Kind(kind)] if kind else None
    counted, borne = tally.read(mine, code), overlay.by_rule(mine, code)
    rules = Rule.objects.in_bulk([rule for rule, counts in counted.by_rule.items() if counts[0] or counts[1]])
    # tallies may be minutes older than the standings that waivers are held against
    found = [
        RuleCount(rules[number], *counts, min(borne[number], counts[0]))
        for number, counts in counted.by_rule.items()
        if number in rules
    ]
    found.sort(key=lambda one: (-one.rule.severity * bool(one.fail), -one.fail, -one.unknown, one.rule.pk))
    return Worst(found[:limit], counted.waiting)


def together(counted: Iterable[RuleCount]) -> list[list[RuleCount]]:
    """Rules of one check under which the same numbers of machines stand, in the order given. Where numbers differ a rule stays by
    itself: it asks other machines than the other, and what is unknown under one must not vanish behind the other."""
    found: dict[tuple[object, ...], list[RuleCount]] = {}
    for one in counted:
        found.setdefault((one.rule.baseline, one.rule.check_id, *one[1:]), []).append(one)
    return list(found.values())


def failing(
    user: User, unit: Unit, rule: int, verdict: int = FAIL, after: tuple[datetime, int] | None = None, limit: int = 50
) -> list[Failing]:
    """The machines that fail a rule (or of which it is unknown), longest first; `after` the (since, machine) of the last one shown."""
    held = _of(Standing.objects.filter(rule=rule, verdict=verdict).extra(where=[NOT_PASSED]), user, unit)  # noqa: S610  (a constant)
    if after is not None:
        held = held.filter(Q(since__gt=after[0]) | Q(since=after[0], machine__gt=after[1]), since__gte=after[0])
    rows = list(held.order_by("since", "machine_id").values_list("machine_id", "since", "failing_since")[:limit])
    named = _named(machine for machine, *_rest in rows)
    return [Failing(machine, *named[machine], since, failing) for machine, since, failing in rows if machine in named]


def changed_since(
    user: User,
    unit: Unit,
    moment: datetime,
    cause: int | None = None,
    before: tuple[datetime, int] | None = None,
    limit: int = 50,
) -> list[Turned]:
    """What became known to have turned since a moment, newest first; `before` the (known_at, id) of the last one shown.

    By when it became known, not by when it was seen: what comes late is news as well.
    """
    turned = _of(Transition.objects.filter(written_at__gt=moment), user, unit)
    if cause is not None:
        turned = turned.filter(cause=cause)
    if before is not None:
        turned = turned.filter(Q(written_at__lt=before[0]) | Q(written_at=before[0], pk__lt=before[1]), written_at__lte=before[0])
    rows = list(turned.order_by("-written_at", "-pk")[:limit])
    named = _named(row.machine_id for row in rows)
    rules = Rule.objects.in_bulk({row.rule_id for row in rows})
    return [
        Turned(
            row.pk, row.machine_id, named[row.machine_id][0], row.rule_id, rules[row.rule_id].requirement,
            rules[row.rule_id].check_id, WORDS[row.was], WORDS[row.now], row.at, row.written_at, CAUSES[row.cause],
        )
        for row in rows if row.machine_id in named
    ]  # fmt: skip


def turned_by_rule(
    user: User | None, unit: Unit, moment: datetime, until: datetime | None = None
) -> dict[int, dict[tuple[str, str], int]]:
    """Rule -> (was, now) -> how often that became known since a moment, and before another."""
    known = Q(written_at__gt=moment) if until is None else Q(written_at__gte=moment, written_at__lt=until)
    turned = _of(Transition.objects.filter(known), user, unit).order_by()
    found: dict[int, dict[tuple[str, str], int]] = {}
    for rule, was, now, number in turned.values_list("rule_id", "was", "now").annotate(number=Count("*")):
        found.setdefault(rule, {})[WORDS[was], WORDS[now]] = number
    return found


def _of(rows: QuerySet[R], user: User | None, unit: Unit) -> QuerySet[R]:
    """Those of the machines in service that this person sees of a unit and everything below it.

    The database cannot guess how many machines lie under a path, and each way is slow for the other case: few machines are
    asked one by one; of many, the rows are taken in their order ("+ 0" keeps it from the first way) until there are enough.
    """
    held = parts(user, unit)
    mine = Machine.objects.filter(under("unit__path", held), retired_at=None)
    if not Unit.objects.exclude(under("path", held)).exists():
        return of_the_whole_tree(rows)
    few = list(mine.values_list("pk", flat=True)[: FEW + 1])
    if len(few) <= FEW:
        return rows.filter(machine__in=few)
    return cast("QuerySet[R]", rows.annotate(whose=F("machine_id") + 0).filter(whose__in=mine.values("pk")))


def _named(machines: Iterable[int]) -> dict[int, tuple[str, str]]:
    """Name and unit of each, asked for by their numbers alone: a join would make a plan for all machines there are."""
    rows = Machine.objects.filter(pk__in=set(machines)).values_list("pk", "name", "unit__name")
    return {pk: (name, unit) for pk, name, unit in rows}


def failing_since(machine: Machine) -> dict[str, datetime]:
    """Check -> since when this machine, which the person sees, has been failing it; of several requirements the longest."""
    rows = Standing.objects.filter(machine=machine, verdict=FAIL).values_list("rule__check_id", "failing_since")
    found: dict[str, datetime] = {}
    for check, since in rows:
        if since is not None:
            found[check] = min(since, found.get(check, since))
    return found


def history(user: User, machine: int, rule: int) -> list[Step]:
    """How a machine stood under one rule, from its first contact (or as far back as is kept), oldest first."""
    head = Head.objects.visible_to(user).filter(pk=machine).first()
    if head is None:
        return []
    known = Transition.objects.filter(machine=machine, rule=rule).order_by("at", "snapshot", "turn")
    turned = list(known.values_list("was", "now", "at", "cause"))
    held = Standing.objects.filter(machine=machine, rule=rule).values_list("verdict", "since").first()
    first = turned[0][0] if turned else held[0] if held else None
    steps = [Step(at, WORDS[now], CAUSES[cause]) for _was, now, at, cause in turned]
    if not first:
        return steps
    begin = head.first_at if head.kept_from is None else held[1] if held and not turned else head.kept_from
    return [Step(begin, WORDS[first], ""), *steps]


def trend(user: User | None, unit: Unit, until: date, days: int = 30, kind: str = "", rule: int | None = None) -> list[Day]:
    """Each day's end of a unit, oldest first; days that were not rolled up, or on which no machine was asked the rule, are not
    there. Read from the roll-ups alone."""
    nodes = [int(path.rstrip("/").rpartition("/")[2]) for path in parts(user, unit)]
    rows = Daily.objects.filter(unit__in=nodes, date__gt=until - timedelta(days=days), date__lte=until)
    if kind:
        rows = rows.filter(kind=KINDS[Kind(kind)])
    found: dict[date, list[int]] = {}
    columns = ("date", "machines", "fail", "unknown", "passed", "critical", "high", "medium", "low")
    if rule is None:
        for day, *numbers in rows.values_list(*columns):
            found[day] = [a + b for a, b in zip(found.get(day, [0] * 8), numbers, strict=True)]
    else:
        for day, machines, packed in rows.values_list("date", "machines", "packed"):
            counts = rollup.of_rule(packed, rule)
            if not any(counts) and day not in found:
                continue
            found[day] = [a + b for a, b in zip(found.get(day, [0] * 4), (machines, *counts), strict=True)]
    return [
        Day(day, numbers[0], numbers[1], numbers[2], numbers[3], dict(zip(SEVERITY_WORDS.values(), numbers[4:], strict=False)))
        for day, numbers in sorted(found.items())
    ]
