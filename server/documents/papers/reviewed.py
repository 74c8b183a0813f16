"""Information systems as a yearly review sees them: judged now, and held against the last dossier that was made of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import NamedTuple

from baselines.loader import BaselineError
from baselines.systems.result import State
from server.assess import packs, wording
from server.documents.kinds import LEVEL
from server.documents.models import Issue
from server.documents.papers.inspected import by_clause
from server.documents.papers.level.gather import Gathered, NoLevel, NoMembers, gather
from server.documents.report import Report, tables
from server.documents.spans import DAY
from server.documents.texts import Texts
from server.documents.wanted import Wanted
from server.findings.models import Daily
from server.registers.systems import System
from server.units.models import Unit
from server.units.paths import outermost

STATES = ("met", "partly", "not_met", "undetermined", "not_applicable")
_RANK = {"not_met": 0, "partly": 1, "met": 2}


class Turned(NamedTuple):
    """A requirement whose state is another one than in the dossier."""

    clause: str
    title: str
    was: str
    now: str

    @property
    def way(self) -> str:
        """better · worse · lost (not known any more) · learned · other"""
        if self.was in _RANK and self.now in _RANK:
            return "better" if _RANK[self.now] > _RANK[self.was] else "worse"
        if self.now == State.UNDETERMINED:
            return "lost"
        return "learned" if self.was == State.UNDETERMINED else "other"


@dataclass
class Drift:
    """The newest dossier of a system that was made before the end of the year, and what is otherwise now."""

    issue: Issue
    why: str = ""
    """It cannot be compared: unjudged · standard · unread; empty: it can."""
    turned: list[Turned] = field(default_factory=list)
    same: int = 0
    gone: int = 0
    """Requirements that only the dossier has."""
    new: int = 0

    @property
    def ways(self) -> Counter[str]:
        return Counter(one.way for one in self.turned)


@dataclass
class Review:
    system: System
    held: Gathered | None = None
    why: str = ""
    """Not judged: level · members · pack; empty: it is."""
    drift: Drift | None = None

    @cached_property
    def summary(self) -> dict[str, int]:
        return self.held.assessment.summary() if self.held else {}

    @property
    def whole(self) -> bool:
        """Every requirement that is asked is met."""
        return self.held is not None and bool(self.summary["met"]) and not self.open and not self.summary["undetermined"]

    @property
    def open(self) -> int:
        """Requirements that are known not to be met, or only partly."""
        return self.summary["partly"] + self.summary["not_met"] if self.held else 0

    def groups(self) -> Iterator[tuple[str, str, Counter[str]]]:
        """(clause, title, requirements by state) of each group, in the order of the standard."""
        assert self.held is not None
        baseline = self.held.baseline
        counted: dict[str, Counter[str]] = {}
        for line in self.held.assessment.lines:
            counted.setdefault(baseline.group_of[line.requirement.id].id, Counter())[str(line.state)] += 1
        told = [(group.clauses.get(self.held.level, ""), group) for group in baseline.groups if group.id in counted]
        for clause, group in sorted(told, key=lambda one: by_clause(one[0])):
            yield clause, wording.text(group.title), counted[group.id]


def reviews(of: Wanted) -> tuple[list[Review], int]:
    """Of each system that is built or in operation; and how many are out of operation."""
    rows = list(of.rows(System).select_related("unit").order_by("unit__path", "name", "pk"))
    found = []
    for system in rows:
        if system.state == "stopped":
            continue
        review = Review(system)
        try:
            review.held = gather(system)
        except NoLevel:
            review.why = "level"
        except NoMembers:
            review.why = "members"
        except (BaselineError, OSError):
            review.why = "pack"
        issue = newest(of, system)
        if issue is not None:
            review.drift = Drift(issue, "unjudged") if review.held is None else drift(issue, review.held)
        found.append(review)
    return found, len(rows) - len(found)


def newest(of: Wanted, system: System) -> Issue | None:
    rows = of.rows(Issue, "document__unit__path").filter(document__kind=LEVEL, document__about__startswith=f"system:{system.pk}:")
    return rows.filter(made_at__lt=of.span.ends).select_related("document").order_by("-made_at", "-pk").first()


def drift(issue: Issue, held: Gathered) -> Drift:
    try:
        report = issue.report
    except ValueError:  # made by a version whose papers this one does not read
        return Drift(issue, "unread")
    pack = report.honesty.packs[0] if report.honesty.packs else None
    if pack is None or (pack.edition, pack.level) != (held.baseline.standard.edition, held.level):
        return Drift(issue, "standard")
    before = _said(report)
    if not before:
        return Drift(issue, "unread")
    found, met = Drift(issue), Counter[str]()
    for line in held.assessment.lines:
        title = wording.text(line.requirement.title)
        met[title] += 1
        was = before.pop((title, met[title]), None)
        if was is None:
            found.new += 1
        elif was == line.state:
            found.same += 1
        else:
            found.turned.append(Turned(line.clause or "–", title, was, str(line.state)))
    found.gone = len(before)
    found.turned.sort(key=lambda one: by_clause(one.clause))
    return found


def _said(report: Report) -> dict[tuple[str, int], str]:
    """(title, which of that title) -> state, as the tables of a dossier print it; a state in other words is not taken."""
    words = Texts("level.yaml")
    known = sorted(((str(word), name) for name, word in words.at("states").items()), key=lambda one: -len(one[0]))
    columns = len(words.at("group_columns"))
    found: dict[tuple[str, int], str] = {}
    titles = Counter[str]()
    for one in tables(report):
        if len(one.columns) != columns or one.columns[0].title != words.at("group_columns")[0]:
            continue
        for _clause, title, _approach, told, *_rest in one.rows:
            titles[str(title)] += 1
            state = next((name for word, name in known if told == word or str(told).startswith(f"{word}. ")), None)
            if state is not None:
                found[str(title), titles[str(title)]] = state
    return found


# a year before ---------------------------------------------------------------------------------------------------------

COLUMNS = ("machines", "fail", "critical", "high", "medium", "low", "unknown", "passed")


class Year(NamedTuple):
    """Two days' ends of the unit, as the roll-ups kept them; None where none is kept."""

    wanted: date
    """The same day a year before."""
    day: date | None
    now: dict[str, int]
    before_day: date | None
    before: dict[str, int]


def year(of: Wanted) -> Year:
    paths = outermost(of.rows(Unit, "path").values_list("path", flat=True))
    nodes = [int(path.rstrip("/").rpartition("/")[2]) for path in paths]
    rows = of.rows(Daily).filter(unit__in=nodes)
    day = rows.filter(date__lte=of.span.last).order_by("-date").values_list("date", flat=True).first()
    wanted = _year_before(day or of.span.last)
    if day is None:
        return Year(wanted, None, {}, None, {})
    older = rows.filter(date__lte=wanted).order_by("-date").values_list("date", flat=True).first()
    later = rows.filter(date__gt=wanted, date__lt=day).order_by("date").values_list("date", flat=True).first()
    kept = [one for one in (older, later) if one is not None]
    before = min(kept, key=lambda one: abs(one - wanted), default=None)

    def numbers(on: date | None) -> dict[str, int]:
        found: Counter[str] = Counter(dict.fromkeys(COLUMNS, 0))
        held = list(rows.filter(date=on).values(*COLUMNS)) if on else []
        for row in held:
            found.update(row)
        return dict(found) if held else {}

    return Year(wanted, day, numbers(day), before, numbers(before))


def _year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # 29 February
        return day.replace(year=day.year - 1, month=3, day=1) - DAY


# requirements by their names ---------------------------------------------------------------------------------------------


def named(baseline: str, requirement: str, level: int) -> tuple[str, str]:
    """(clause, title) of a requirement; its id where the pack is there no longer."""
    try:
        pack = packs.get(baseline)
        known = pack.requirements[requirement]
    except (BaselineError, OSError, KeyError):
        return "–", requirement
    clause = known.clauses.get(level) or pack.group_of[requirement].clauses.get(level) or "–"
    return clause, wording.text(known.title)


def check_named(baseline: str, check: str) -> str:
    try:
        return wording.text(packs.get(baseline).checks[check].title)
    except (BaselineError, OSError, KeyError):
        return check
