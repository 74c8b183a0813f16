"""What dated rows say of a month of a unit and everything below it. What was not recorded then is None, never worked out from today."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, Final, NamedTuple

from django.db.models import Count, Max, Min, Q, QuerySet
from django.utils import timezone

from server.campaigns.models import Campaign, Part
from server.documents.wanted import Wanted
from server.feeds.matching.models import Carried, Ended, Matched
from server.feeds.matching.tables import DECIDING
from server.feeds.models import Generation
from server.findings import queries
from server.findings.models import Daily, Head, Rule
from server.findings.queries import Day
from server.ingest.models import Machine, StoredSnapshot
from server.journal.models import Entry
from server.overview.changes import Changes, between
from server.storage import retention
from server.sweeps.codes import OPEN, STATES
from server.sweeps.models import Concern, Letter, Sheet, Sighting
from server.units.history import UnitPlace
from server.units.models import Unit
from server.units.rights import JOURNAL
from server.waivers.models import Waiver

ALL: Final = 100_000
MACHINE: Final = "machine__unit__path"
ACTS: Final = {
    "roles": ("user.new", "user.rights", "user.group-role", "user.group-role-lost", "user.reset", "user.disabled", "user.linked", "user.unlinked"),
    "packs": ("pack.changed", "pack.refused", "request.approved", "request.alone", "request.refused"),
    "enrolments": ("token.new", "token.revoked", "agent.enrolled", "agent.approved", "agent.turned-away", "agent.refused", "agent.revoked", "machine.retired", "machine.restored", "machine.moved", "machine.united"),
    "tree": ("unit.new", "unit.changed", "unit.renamed", "unit.moved", "unit.merged", "unit.split", "unit.closed", "unit.imported"),
}  # fmt: skip
"""What of the journal a month's report tells, by what it is about."""


class Ruled(NamedTuple):
    """A check at the end of a day: machines that fail it, are unknown, pass."""

    rule: Rule
    day: Day


class Warned(NamedTuple):
    """A letter: machines on which it was proved closed in the month, and on which it is open when the paper is made."""

    letter: Letter
    closed: int
    open: int


class Listed(NamedTuple):
    """A list of indicators: machines that showed one of it for the first time in the month, wholly or only in part."""

    sheet: Sheet
    seen: int
    perhaps: int


class Holes(NamedTuple):
    """Vulnerabilities of machines, a pair for each package that has one."""

    come: int
    mended: int
    by_data: int
    """Ended because what publishers say did: nobody mended anything."""
    machines: int
    """On which one became known."""
    exploited: int
    """Of those machines: with one that is known, when the paper is made, to be exploited."""


class Month:
    def __init__(self, of: Wanted) -> None:
        self.of, self.unit, self.user, self.span = of, of.unit, of.user, of.span
        self.inside = {"gte": self.span.begins, "lt": self.span.ends}

    def when(self, field: str) -> Q:
        """Condition: that moment lies in the month."""
        return Q(**{f"{field}__{word}": at for word, at in self.inside.items()})

    def on(self, field: str) -> Q:
        return Q(**{f"{field}__range": (self.span.first, self.span.last)})

    # how it stood at the end of a day -----------------------------------------------------------------------------------

    def last_day(self, first: date, last: date) -> date | None:
        """The last day of those that was kept for this unit."""
        nodes = [int(path.rstrip("/").rpartition("/")[2]) for path in queries.parts(self.user, self.unit)]
        kept = Daily.objects.filter(unit__in=nodes, date__range=(first, last))
        found: date | None = kept.aggregate(last=Max("date"))["last"]
        return found

    @cached_property
    def end(self) -> date | None:
        return self.last_day(self.span.first, self.span.last)

    @cached_property
    def before(self) -> date | None:
        return self.last_day(self.span.before.first, self.span.before.last)

    def stood(self, day: date | None, unit: Unit | None = None) -> Day | None:
        """None: that day was not kept, or nothing of this unit was."""
        if day is None:
            return None
        return next(iter(queries.trend(self.user, unit or self.unit, day, 1)), None)

    def ruled(self, beginnings: tuple[str, ...]) -> list[Ruled]:
        """Checks of these names on the last day; of several requirements that name one, the rule under which most fail."""
        if self.end is None:
            return []
        named = Q(pk__in=[])
        for one in beginnings:
            named |= Q(check_id__startswith=one)
        found: dict[tuple[str, str], Ruled] = {}
        for rule in Rule.objects.filter(named).order_by("-severity", "check_id", "pk"):
            for day in queries.trend(self.user, self.unit, self.end, 1, rule=rule.pk):
                held = found.get((rule.baseline, rule.check_id))
                if held is None or (day.fail, day.unknown) > (held.day.fail, held.day.unknown):
                    found[rule.baseline, rule.check_id] = Ruled(rule, day)
        return list(found.values())

    # what turned ---------------------------------------------------------------------------------------------------------

    @cached_property
    def heads(self) -> QuerySet[Head]:
        return self.of.rows(Head, MACHINE).filter(machine__retired_at=None)

    @cached_property
    def known_from(self) -> datetime | None:
        """The first verdict of a machine here; None: there is none."""
        found: datetime | None = self.heads.aggregate(first=Min("first_at"))["first"]
        return found

    def judged(self, unit: Unit) -> bool:
        """Some machine of it had verdicts, and what turned in the month was not removed of all of them."""
        there = self.heads.filter(machine__unit__path__under=unit.path, first_at__lt=self.span.ends)
        return there.filter(Q(kept_from=None) | Q(kept_from__lt=self.span.ends)).exists()

    @cached_property
    def pruned(self) -> int:
        """Machines of which what turned was removed, of a part of the month at least."""
        return self.heads.filter(kept_from__gt=self.span.begins).count()

    def turned(self, unit: Unit) -> Changes | None:
        return between(self.user, unit, self.span.begins, self.span.ends, ALL) if self.judged(unit) else None

    # warnings -----------------------------------------------------------------------------------------------------------

    @cached_property
    def campaigns(self) -> list[tuple[Campaign, int, int, int]]:
        """(campaign, units asked, of which received and handed in within the month), of those with anything in the month."""
        parts = self.of.rows(Part).filter(answers=True)
        told = (
            self.when("campaign__started_at")
            | self.when("campaign__closed_at")
            | self.when("received_at")
            | self.when("handed_at")
        )
        found = self.of.rows(Part).filter(told).order_by().values("campaign")
        asked = parts.filter(campaign__in=found).order_by().values("campaign").annotate(
            asked=Count("pk"), received=Count("pk", filter=self.when("received_at")), handed=Count("pk", filter=self.when("handed_at"))
        )  # fmt: skip
        by_pk = {row["campaign"]: (row["asked"], row["received"], row["handed"]) for row in asked}
        rows = Campaign.objects.filter(pk__in=found).order_by("date", "pk")
        return [(one, *by_pk.get(one.pk, (0, 0, 0))) for one in rows]

    @cached_property
    def letters(self) -> list[Warned]:
        """Those that came in the month, and those of which something was closed in it."""
        mine = self.of.rows(Concern, MACHINE).filter(machine__retired_at=None).order_by()
        closed = dict(mine.filter(self.when("closed_at")).values_list("letter").annotate(Count("pk")))
        rows = Letter.objects.filter(self.when("since") | Q(pk__in=closed)).order_by("dated", "pk")
        still = dict(mine.filter(letter__in=rows.values("pk"), state=STATES[OPEN]).values_list("letter").annotate(Count("pk")))
        return [Warned(one, closed.get(one.pk, 0), still.get(one.pk, 0)) for one in rows]

    @cached_property
    def lists(self) -> list[Listed]:
        """Those that came in the month, and those of which something was seen for the first time in it."""
        mine = self.of.rows(Sighting, MACHINE).filter(self.when("first")).order_by()
        exact: dict[int, set[int]] = {}
        partly: dict[int, set[int]] = {}
        for sheet, machine, whole in mine.values_list("sheet_id", "machine_id", "exact").distinct():
            (exact if whole else partly).setdefault(sheet, set()).add(machine)
        rows = Sheet.objects.filter(self.when("since") | Q(pk__in={*exact, *partly})).order_by("dated", "pk")
        none: set[int] = set()
        return [
            Listed(one, len(exact.get(one.pk, none)), len(partly.get(one.pk, none) - exact.get(one.pk, none))) for one in rows
        ]

    @cached_property
    def any_list(self) -> bool:
        """Something was there to be looked for."""
        return Sheet.objects.filter(since__lt=self.span.ends).exists()

    # vulnerabilities ----------------------------------------------------------------------------------------------------

    @cached_property
    def holes(self) -> Holes | None:
        """None: nothing was matched with the data of publishers by then."""
        carried, ended = self.of.rows(Carried, MACHINE), self.of.rows(Ended, MACHINE)
        known = carried.filter(since__lt=self.span.ends).exists() or ended.filter(since__lt=self.span.ends).exists()
        if not known:
            data = Generation.objects.filter(feed__kind__in=DECIDING, imported_at__lt=self.span.ends)
            if not (data.exists() and self.of.rows(Matched, MACHINE).filter(reason="").exists()):
                return None
        begun, over, gone = carried.filter(self.when("since")), ended.filter(self.when("until")), ended.filter(self.when("since"))
        machines = {pk for rows in (begun, gone) for pk in rows.order_by().values_list("machine_id", flat=True).distinct()}
        attacked = set(begun.filter(ground__weakness__exploited=True).order_by().values_list("machine_id", flat=True).distinct())
        attacked |= set(gone.filter(weakness__exploited=True).order_by().values_list("machine_id", flat=True).distinct())
        return Holes(
            begun.count() + gone.count(), over.filter(by_data=False).count(), over.filter(by_data=True).count(), len(machines), len(attacked)
        )  # fmt: skip

    # machines -----------------------------------------------------------------------------------------------------------

    @cached_property
    def watched(self) -> bool:
        """Some machine was known here before the end of the month: else that nothing was raised says nothing."""
        return self.of.rows(Machine).filter(created_at__lt=self.span.ends).exists()

    @cached_property
    def new(self) -> QuerySet[Machine]:
        return self.of.rows(Machine).filter(self.when("created_at")).select_related("unit").order_by("created_at", "pk")

    @cached_property
    def retired(self) -> QuerySet[Machine]:
        return self.of.rows(Machine).filter(self.when("retired_at")).select_related("unit").order_by("retired_at", "pk")

    @cached_property
    def reports(self) -> QuerySet[StoredSnapshot]:
        return self.of.rows(StoredSnapshot, MACHINE).filter(self.when("received_at")).order_by()

    @cached_property
    def silent(self) -> QuerySet[Machine] | None:
        """In service the whole month, without a report in it. None: no machine was known, or reports of then are not kept any more."""
        limit = retention.before()
        if not self.watched or (limit is not None and limit > self.span.begins):
            return None
        there = Q(created_at__lt=self.span.begins) & (Q(retired_at=None) | Q(retired_at__gte=self.span.ends))
        heard = self.reports.values("machine")
        return (
            self.of.rows(Machine).filter(there).exclude(pk__in=heard).select_related("unit").order_by("unit__path", "name", "pk")
        )

    # waivers ------------------------------------------------------------------------------------------------------------

    @cached_property
    def waivers(self) -> list[Waiver]:
        """Those that began or ended in the month."""
        begun = self.on("on") & (Q(ended_at=None) | Q(ended_at__gte=self.span.begins))
        return list(self.of.rows(Waiver).filter(begun | self._ended).select_related("unit").order_by("on", "pk"))

    @property
    def _ended(self) -> Q:
        last = min(self.span.last, timezone.localdate() - timedelta(days=1))
        return self.when("ended_at") | Q(ended_at=None, until__range=(self.span.first, last))

    def began(self, one: Waiver) -> bool:
        return self.span.first <= one.on <= self.span.last

    def stopped(self, one: Waiver) -> bool:
        if one.ended_at is not None:
            return self.span.begins <= one.ended_at < self.span.ends
        return self.span.first <= one.until <= min(self.span.last, timezone.localdate() - timedelta(days=1))

    # the journal --------------------------------------------------------------------------------------------------------

    @cached_property
    def acts(self) -> dict[str, dict[str, int]] | None:
        """Group -> action -> how often. None: whoever makes the paper may not read the journal of the whole unit."""
        if self.user is not None and not self.user.may(JOURNAL, self.unit):
            return None
        here = Q(unit_path__under=self.unit.path)
        # rows bear the path that the unit had then
        for path in UnitPlace.objects.filter(unit__path__under=self.unit.path).values_list("path", flat=True):
            here |= Q(unit_path__under=path)
        if self.unit.parent_id is None:
            here |= Q(unit_path="")
        rows: Any = Entry.objects.filter(here, self.when("at")).order_by()
        counted = dict(
            rows.filter(action__in=[one for some in ACTS.values() for one in some]).values_list("action").annotate(Count("pk"))
        )
        return {group: {one: counted[one] for one in some if one in counted} for group, some in ACTS.items()}
