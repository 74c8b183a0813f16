"""One page for the head of a unit: who was looked at, how it stands, what turned, what burns, what is late, what to decide.

Every number is asked of the room whose page shows it. What does not fit on the page is said with its number, or stands in
the last appendix; names are cut, numbers never are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from functools import cached_property

from django.db.models import Min, Q
from django.utils import timezone

from server.approvals.models import Request
from server.assignments.models import Assignment, overdue
from server.calendar import dates, reminding
from server.calendar.events import Event
from server.calendar.views import AHEAD, BACK
from server.coverage import numbers as coverage
from server.documents import grounds
from server.documents.exports import layout
from server.documents.papers import resting
from server.documents.report import Block, Cell, Honesty, Report
from server.documents.texts import Texts
from server.documents.wanted import Wanted
from server.documents.writing import on, table, text
from server.feeds.matching.models import Matched
from server.feeds.matching.views import numbers as matched
from server.findings import queries
from server.findings.codes import FAIL, UNKNOWN
from server.findings.models import Head
from server.ingest.models import IN_SERVICE, Machine
from server.overview.changes import between
from server.overview.standing import below
from server.overview.systems import systems
from server.overview.views import Row, failing
from server.registers import expiry
from server.units.models import Unit
from server.waivers import asking, overlay

SPAN = timedelta(days=30)
WORST, NEXT, ASKED = 5, 3, 3
GAPS = ("absent", "ambiguous", "never", "stale", "unjudged")
CHECK, REMEDY, TITLE = 66, 70, 44
"""Letters of a check, of what to do, of a deadline: more would not leave it on one page."""
HEAD, ONE_LINE = 8, (34, 38)
"""Lines of head and signature from which on a check and what to do have one line each, and letters of these."""


def write(of: Wanted) -> Report:
    """Raises NoSigner, TemplateError."""
    return _Executive(of).report()


class _Executive:
    def __init__(self, of: Wanted) -> None:
        self.of, self.unit, self.user = of, of.unit, of.user
        self.room = (CHECK, REMEDY)
        self.now = timezone.now()
        self.today = timezone.localdate(self.now)
        self.say = Texts("executive.yaml", of.desk.values["wording"] or "anm")
        self.standing, _branches = below(self.user, self.unit, self.now)
        self.gaps = {name: coverage.gap(self.user, name, self.unit, self.now).count() for name in GAPS}
        self.rows, _waiting = failing(self.user, self.unit, self.unit.policy().level)
        self.score = overlay.score(queries.parts(self.user, self.unit), self.now)
        held = of.rows(Matched, "machine__unit__path").filter(machine__retired_at=None)
        self.matched = matched(held, of.rows(Machine).filter(IN_SERVICE).count())

    def report(self) -> Report:
        say, unit = self.say, self.unit.name
        units = self.of.rows(Unit, "path").filter(valid_until=None).exclude(pk=self.unit.pk).count()
        at = grounds.moment(self.now)
        intro = say("intro", at=at, units=units) if units else say("intro_alone", at=at)
        front = self.of.front(say("subject"), str(say.at("type")), str(say.at("short")), ())
        head = layout.head(front)
        long = len(head.above) + len(head.issuer) + max(len(front.authority), len(front.receivers) - 6) > HEAD
        self.room = ONE_LINE if long else (CHECK, REMEDY)
        return Report(
            kind="executive", title=say("title", unit=unit)[:300], made_at=self.now, front=front, body=(text(intro), *self.body()),
            honesty=self.honesty(), asked=tuple(self.of.blanks.asked), provisional=self.of.provisional,
        )  # fmt: skip

    def body(self) -> Iterator[Block]:
        say = self.say
        since = f"{timezone.localdate(self.now - SPAN):%d/%m/%Y}"
        told = {name: " ".join(getattr(self, f"say_{name}")()) for name in say.at("parts")}
        rows = [(say(f"parts.{name}", since=since) if name == "turned" else say(f"parts.{name}"), told[name]) for name in told]
        yield table("Tóm tắt", say.at("matters"), (15, 85), rows, centred=())
        if self.rows:
            worst = [self.worst(place) for place in range(min(WORST, len(self.rows)))]
            yield table("Chưa đạt nặng nhất", say.at("worst_columns"), (5, 42, 10, 43), worst)

    def worst(self, place: int) -> tuple[Cell, ...]:
        row = self.rows[place]
        fail, accepted = row.counts.fail, row.counts.accepted
        machines: Cell = self.say("waived", fail=str(fail), accepted=str(accepted)) if accepted else fail
        remedy = self.remedy(row)
        return place + 1, cut(row.words.title, self.room[0]), machines, cut(remedy, self.room[1])

    def remedy(self, row: Row) -> str:
        """Its first line: of a machine all systems are told at its own page."""
        return next(iter(row.words.remedy.strip().splitlines()), "").replace("`", "") or self.say("no_remedy")

    def whole(self) -> Iterator[str]:
        """What the page cuts of the worst ones, in full."""
        for place, row in enumerate(self.rows[:WORST], 1):
            said = row.words.title, self.remedy(row)
            if any(cut(words, letters) != words for words, letters in zip(said, self.room, strict=True)):
                yield self.say("remark_whole", place=str(place), title=said[0], remedy=said[1])

    # each line of the table --------------------------------------------------------------------------------------------

    def say_coverage(self) -> Iterator[str]:
        say, told = self.say, self.standing
        if not told.expected:
            yield say("coverage_none")
        else:
            yield say("coverage", expected=told.expected, seen=told.seen, fresh=told.fresh, judged=told.judged)
            lacking = [say(f"gap.{name}", count=count) for name, count in self.gaps.items() if count]
            yield say("gaps", list="; ".join(lacking)) if lacking else say("gaps_none")
        if told.excused:
            yield say("excused", count=told.excused)

    def say_standing(self) -> Iterator[str]:
        say, told = self.say, self.standing
        if not told.judged:
            yield say("standing_none")
            return
        yield say("machines", failing=told.failing, unclear=told.unclear, passing=told.passing, stale=told.stale)
        by_weight = Counter(row.words.severity for row in self.rows)
        weights = say.at("weight")
        weighed = [say("weighed", weight=weights[name], count=by_weight[name]) for name in weights if by_weight[name]]
        yield say("checks", count=len(self.rows), list=", ".join(weighed)) if weighed else say("checks_none")
        yield say("pairs", unknown=self.score.unknown, fail=self.score.fail, accepted=self.score.accepted)
        if self.score.waiting:
            yield say("pairs_waiting", count=self.score.waiting)

    def say_turned(self) -> Iterator[str]:
        say, since = self.say, self.now - SPAN
        heads = self.of.rows(Head, "machine__unit__path").filter(machine__retired_at=None)
        first = heads.aggregate(first=Min("first_at"))["first"]
        if first is None:
            yield say("turned_none")
            return
        turned = between(self.user, self.unit, since)
        yield say("turned", worse=turned.worse, better=turned.better, unclear=turned.unclear)
        if first > since:
            yield say("turned_late", day=on(timezone.localdate(first)))
        if pruned := heads.filter(kept_from__gt=since).count():
            yield say("turned_pruned", count=pruned)
        days = queries.trend(self.user, self.unit, self.today, SPAN.days + 1)
        if len(days) > 1:
            begin, end = days[0], days[-1]
            yield say("days", first=on(begin.date), last=on(end.date), fail_first=begin.fail, fail_last=end.fail)
        else:
            yield say("days_none")

    def say_risks(self) -> Iterator[str]:
        say, (count, unsaid) = self.say, self.exploited
        yield say("exploited", count=count, unsaid=unsaid) if count is not None else say("exploited_unknown", unsaid=unsaid)
        unsupported, unknown = self.support
        rows = expiry.rows_of(expiry.SORTS["support"], self.unit, self.user)
        over = expiry.running_out(rows, expiry.SORTS["support"], None, self.today).count()
        undated = rows.filter(support_until=None).exclude(state__in=expiry.DONE_WITH).count()
        yield say("support_unknown", unsaid=unknown) if unsupported is None else say("support", count=unsupported, unsaid=unknown)
        yield say("registered", over=over, undated=undated)

    def say_work(self) -> Iterator[str]:
        say, (late, nobody) = self.say, self.overdue
        yield say("work", count=late, nobody=nobody)
        if self.calendar is None:
            yield say("calendar_unreadable")
            return
        missed = [one for one in self.calendar if one.left(self.today) < 0]
        ahead = [one for one in self.calendar if one.left(self.today) >= 0][:NEXT]
        yield say("late", count=len(missed))
        told = [say("next_one", day=on(one.last), title=cut(one.title, TITLE)) for one in ahead]
        yield say("next", list="; ".join(told)) if told else say("next_none", days=AHEAD.days)

    def say_decisions(self) -> Iterator[str]:
        say, asked = self.say, self.decisions
        if asked:
            yield say("decisions", list="; ".join(f"({place}) {one}" for place, one in enumerate(asked[:ASKED], 1)))
            if len(asked) > ASKED:
                yield say("decisions_more", count=len(asked) - ASKED)
        else:
            yield say("decisions_none") if self.standing.judged else say("decisions_blind")

    # what is asked of the rooms ----------------------------------------------------------------------------------------

    @cached_property
    def exploited(self) -> tuple[int | None, int]:
        """Machines with an exploited vulnerability, and those of which it is not known; None: none, as far as is known."""
        unsaid = (self.matched["unsaid"] or 0) + (self.matched["blind"] or 0)
        return self.matched["exploited"], unsaid

    @cached_property
    def support(self) -> tuple[int | None, int]:
        """Machines whose software gets no fixes any more, and those of which it is not known; None: none, as far as is known."""
        counts = Counter(resting.support(self.of).values())
        fail, unknown = counts[FAIL], counts[UNKNOWN]
        return fail or (None if unknown else 0), unknown

    @cached_property
    def overdue(self) -> tuple[int, int]:
        late = self.of.rows(Assignment).filter(overdue(self.today))
        return late.count(), late.filter(owner=None).count()

    @cached_property
    def calendar(self) -> list[Event] | None:
        """What is not over, as the calendar's page lists it, by the last day; None: its file cannot be read."""
        try:
            found = reminding.gathered(self.user, self.unit, self.today - BACK, self.today + AHEAD, joined=True)
        except dates.Unreadable:
            return None
        return sorted((one for one in found if not one.over), key=lambda one: (one.last, one.title))

    @cached_property
    def decisions(self) -> list[str]:
        """What follows by rule, in the order of the file's sentences."""
        waiting = Q(kind=asking.KIND, state=Request.WAITING, expires_at__gt=self.now)
        late, nobody = self.overdue
        counts = {
            "exploited": self.exploited[0] or 0, "waivers": self.of.rows(Request).filter(waiting).count(), "nobody": nobody,
            "support": self.support[0] or 0, "overdue": late - nobody,
            "missing": self.standing.expected - self.standing.fresh - self.gaps["ambiguous"],
            "systems": systems(self.user, self.unit).unapproved,
        }  # fmt: skip
        return [self.say(f"decision.{name}", count=counts[name]) for name in self.say.at("decision") if counts[name] > 0]

    def honesty(self) -> Honesty:
        told, (exploited, unsaid), (unsupported, unknown) = self.standing, self.exploited, self.support
        judged = told.judged or None
        counts = {
            **{name: getattr(told, name) for name in ("expected", "seen", "fresh", "judged", "excused")},
            **{name: getattr(told, name) if judged else None for name in ("failing", "unclear", "passing", "stale")},
            "pairs_fail": judged and self.score.fail, "pairs_accepted": judged and self.score.accepted,
            "pairs_unknown": judged and self.score.unknown, "exploited": exploited, "exploited_unsaid": unsaid,
            "unsupported": unsupported, "support_unsaid": unknown,
        }  # fmt: skip
        more = self.decisions[ASKED:]
        remarks = [self.say("remark_decisions", list="; ".join(more))] if more else []
        remarks += [self.say("remark_turned"), self.say("remark_cut"), *self.whole()]
        return resting.honesty(self.of, self.now, self.say, counts, tuple(remarks))


def cut(words: str, letters: int) -> str:
    """At most so many letters, whole words where there are any; that something was left away shows."""
    said = " ".join(words.split())
    if len(said) <= letters:
        return said
    short = said[: letters - 1]
    head, _space, _rest = short.rpartition(" ")
    return (head if len(head) > letters // 2 else short).rstrip(" ,;:.") + "…"
