"""The monthly report of a unit and everything below it, from what was written down with its day (of_month.py)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from django.db.models import Count, Max, Min, QuerySet
from django.utils import timezone

from server.assess.models import Alarm
from server.calendar import dates, events
from server.calendar.events import Event, Reach
from server.documents import grounds
from server.documents.papers import resting
from server.documents.papers.of_month import Month
from server.documents.report import Appendix, Block, Cell, Honesty, Report, Style, Unreached
from server.documents.report import Count as Counted
from server.documents.texts import Texts
from server.documents.wanted import Wanted
from server.documents.writing import day, seen, table, text
from server.findings.queries import Day
from server.ingest.models import Machine
from server.journal.models import ACTIONS
from server.overview.changes import Turned
from server.overview.words import worded
from server.schedules.models import Silence
from server.units.models import Unit

PATCHES = ("updates.", "firmware.", "kernel.", "services.", "vulnerabilities.", "antivirus.")
"""Beginnings of checks that speak of patches and protection against malware; all others speak of settings."""
SHOWN, NAMED, DUE = 15, 50, 20
"""Checks of settings, machines, deadlines that are told one by one; the sums hold all."""


def write(of: Wanted) -> Report:
    """Raises NoSigner, TemplateError."""
    return _Monthly(of).report()


class _Monthly:
    def __init__(self, of: Wanted) -> None:
        self.of, self.span, self.blanks = of, of.span, of.blanks
        self.now = timezone.now()
        self.say = Texts("monthly.yaml", of.desk.values["wording"] or "anm")
        self.month = Month(of)
        self.turned = self.month.turned(of.unit)

    def report(self) -> Report:
        say, told = self.say, {"unit": self.of.unit.name_on(self.span.last), "span": self.span.said}
        front = self.of.front(say("subject", **told), str(say.at("type")), str(say.at("short")))
        body: list[Block] = [text(say("intro", **told, first=day(self.span.first), last=day(self.span.last)))]
        if self.of.provisional:
            body.append(text(say("provisional", at=grounds.moment(self.now))))
        for name in say.at("sections"):
            body.append(text(say(f"sections.{name}"), Style.SECTION))
            body += getattr(self, f"say_{name}")()
        body.append(text(say("closing", **told)))
        return Report(
            kind="monthly", title=say("title", **told)[:300], made_at=self.now, front=front, body=tuple(body),
            appendices=(Appendix(title=say("units"), blocks=tuple(self.units())),), honesty=self.honesty(),
            asked=tuple(self.blanks.asked), provisional=self.of.provisional,
        )  # fmt: skip

    # sections ----------------------------------------------------------------------------------------------------------

    def say_general(self) -> Iterator[Block]:
        say, end = self.say, self.end
        if end is None:
            yield text(say("state_none"))
        else:
            weights = {name: end.severities.get(name, 0) for name in ("critical", "high", "medium", "low")}
            yield text(say("state", **_counts(end), **weights, day=day(end.date)))
        before = self.month.stood(self.month.before)
        yield text(say("before_none") if before is None else say("before", **_counts(before), day=day(before.date)))
        yield text(say("coverage_none"))

    def say_warnings(self) -> Iterator[Block]:
        say, month = self.say, self.month
        yield text(say("campaigns"))
        rows: list[tuple[Cell, ...]] = []
        for place, (one, asked, received, handed) in enumerate(month.campaigns, 1):
            steps = [
                say(f"campaign_{word}", day=f"{timezone.localdate(at):%d/%m/%Y}")
                for word, at in (("started", one.started_at), ("closed", one.closed_at))
                if at and self.span.begins <= at < self.span.ends
            ]
            numbered = f"{one.number}\n{one.date:%d/%m/%Y}"
            rows.append((place, numbered, one.issuer, one.subject, asked, received, handed, "; ".join(steps) or "–"))
        yield table(
            "Công văn", say.at("campaigns_columns"), (5, 15, 15, 24, 10, 10, 10, 11), rows, numbers=(4, 5, 6), empty=say("campaigns_empty")
        )  # fmt: skip
        yield text(say("letters"))
        letters = [
            (place, f"{one.letter.number}\n{one.letter.dated:%d/%m/%Y}", one.letter.issuer, one.letter.title, seen(one.letter.since), one.closed, one.open)
            for place, one in enumerate(month.letters, 1)
        ]  # fmt: skip
        yield table(
            "Cảnh báo", say.at("letters_columns"), (5, 16, 16, 27, 12, 12, 12), letters, numbers=(5, 6), empty=say("letters_empty")
        )  # fmt: skip
        if letters:
            yield text(say("letters_note", day=day(timezone.localdate(self.now))), Style.NOTE)
        alarms = self.of.rows(Alarm, "machine__unit__path")
        raised, closed = (alarms.filter(month.when(field)).count() for field in ("first_at", "closed_at"))
        yield text(say("alarms", raised=raised, closed=closed) if month.watched else say("alarms_none"))
        yield from self.asked("warnings")

    def say_malware(self) -> Iterator[Block]:
        say, month = self.say, self.month
        yield text(say("lists"))
        if not month.any_list:
            yield text(say("lists_none"))
        else:
            rows = [
                (place, f"{one.sheet.number}\n{one.sheet.dated:%d/%m/%Y}", one.sheet.issuer, seen(one.sheet.since), one.seen, one.perhaps)
                for place, one in enumerate(month.lists, 1)
            ]  # fmt: skip
            yield table("Danh sách chỉ dấu", say.at("lists_columns"), (6, 24, 26, 16, 14, 14), rows, numbers=(4, 5), empty=say("lists_empty"))  # fmt: skip
            yield text(say("lists_note"), Style.NOTE)
        for id in ("malware", "leaked", "incidents"):
            yield from self.asked(id)

    def say_holes(self) -> Iterator[Block]:
        say, holes = self.say, self.month.holes
        if holes is None:
            yield text(say("holes_none"))
            return
        yield text(say("holes", come=holes.come, machines=holes.machines, exploited=holes.exploited))
        yield text(say("holes_ended", mended=holes.mended, by_data=holes.by_data))

    def say_patches(self) -> Iterator[Block]:
        say, end = self.say, self.month.end
        if end is None:
            yield text(say("patches_none"))
            return
        turned = {(one.words.rule.baseline, one.words.rule.check_id): one for one in (self.turned.rows if self.turned else ())}
        rows: list[tuple[Cell, ...]] = []
        for place, (rule, stood) in enumerate(self.month.ruled(PATCHES), 1):
            one = turned.get((rule.baseline, rule.check_id))
            worse, better = (None, None) if self.turned is None else (one.worse, one.better) if one else (0, 0)
            rows.append((place, worded(rule).title, stood.fail, stood.unknown, stood.passed, worse, better))
        if rows:
            yield text(say("patches", day=day(end)))
        yield table(
            "Bản vá, phòng chống mã độc", say.at("patches_columns"), (5, 40, 11, 11, 11, 11, 11), rows, numbers=range(2, 7),
            empty=say("patches_empty"),
        )  # fmt: skip

    def say_settings(self) -> Iterator[Block]:
        say, turned = self.say, self.turned
        if turned is None:
            yield text(say("turned_none"))
            return
        mine = [one for one in turned.rows if not one.words.rule.check_id.startswith(PATCHES)]
        worse, better, unclear = (sum(getattr(one, name) for one in mine) for name in ("worse", "better", "unclear"))
        yield text(say("turned", worse=worse, better=better, unclear=unclear))
        known = self.month.known_from
        if known is not None and known > self.span.begins:
            yield text(say("turned_late", day=day(timezone.localdate(known))))
        if self.month.pruned:
            yield text(say("turned_pruned", count=self.month.pruned))
        rows = [self.setting(place, one) for place, one in enumerate(mine[:SHOWN], 1)]
        yield table("Cấu hình thay đổi", say.at("turned_columns"), (5, 45, 14, 12, 12, 12), rows, numbers=(3, 4, 5), empty=say("turned_empty"))  # fmt: skip
        if len(mine) > SHOWN:
            yield text(say("turned_more", count=len(mine) - SHOWN), Style.NOTE)

    def setting(self, place: int, one: Turned) -> tuple[Cell, ...]:
        return place, one.words.title, self.say.at("weight")[one.words.severity], one.worse, one.better, one.unclear

    def say_machines(self) -> Iterator[Block]:
        say, month = self.say, self.month
        new, retired = month.new.count(), month.retired.count()
        yield text(say("machines", new=new, retired=retired))
        if month.silent is None:
            yield text(say("silent_none" if month.watched else "unwatched"))
        else:
            yield text(say("silent_far" if self.of.provisional else "silent", silent=month.silent.count()))
        if month.watched:
            yield text(say("silences", count=self.of.rows(Silence).filter(month.when("first_at")).count()))
        told = [(one.name, one.unit.name, one.created_at, say("machine_new")) for one in month.new[:NAMED]]
        told += [
            (one.name, one.unit.name, one.retired_at or one.created_at, say("machine_retired", why=one.retired_why or "–"))
            for one in month.retired[: NAMED - len(told)]
        ]
        rows = [(place, name, unit, seen(at), what) for place, (name, unit, at, what) in enumerate(told, 1)]
        yield table("Biến động máy", say.at("machines_columns"), (6, 28, 28, 14, 24), rows, empty=say("machines_empty"))
        if (more := new + retired - len(rows)) > 0:
            yield text(say("machines_more", count=more), Style.NOTE)

    def say_waivers(self) -> Iterator[Block]:
        say, month = self.say, self.month
        begun, ended = (sum(map(test, month.waivers)) for test in (month.began, month.stopped))
        yield text(say("waivers", begun=begun, ended=ended))
        rows: list[tuple[Cell, ...]] = []
        for place, one in enumerate(month.waivers, 1):
            steps = [say("waiver_begun")] * month.began(one) + [say("waiver_ended")] * month.stopped(one)
            until = f"{timezone.localdate(one.ended_at) if one.ended_at else one.until:%d/%m/%Y}"
            rows.append((place, str(one), one.unit.name, f"{one.on:%d/%m/%Y}", until, one.document, ", ".join(steps)))
        yield table("Miễn trừ", say.at("waivers_columns"), (5, 24, 20, 12, 12, 14, 13), rows, empty=say("waivers_empty"))
        if rows:
            yield text(say("waivers_note"), Style.NOTE)

    def say_acts(self) -> Iterator[Block]:
        say, acts = self.say, self.month.acts
        if acts is None:
            yield text(say("acts_none"))
            return
        rows = [
            (say.at("acts_group")[group], str(ACTIONS[action]), number)
            for group, counted in acts.items()
            for action, number in counted.items()
        ]
        yield text(say("acts"))
        yield table("Nhật ký", say.at("acts_columns"), (30, 55, 15), rows, numbers=(2,), centred=(), empty=say("acts_empty"))

    def say_plan(self) -> Iterator[Block]:
        say = self.say
        yield from self.asked("difficulties")
        yield text(say("next", span=self.span.after.said))
        due = self.due
        if due is None:
            yield text(say("next_unreadable"))
        else:
            rows = [(place, f"{one.last:%d/%m/%Y}", one.title, one.source) for place, one in enumerate(due[:DUE], 1)]
            yield table("Thời hạn tháng sau", say.at("next_columns"), (6, 14, 48, 32), rows, empty=say("next_empty"))
            if len(due) > DUE:
                yield text(say("next_more", count=len(due) - DUE), Style.NOTE)
        yield from self.asked("plan")

    def asked(self, id: str) -> Iterator[Block]:
        """A heading, and what a person wrote below it; a marked blank until then."""
        yield text(self.say(f"{id}_heading"))
        yield from self.blanks.put(id, self.say(f"{id}_ask"))

    # what several sections need ----------------------------------------------------------------------------------------

    @cached_property
    def end(self) -> Day | None:
        return self.month.stood(self.month.end)

    @cached_property
    def due(self) -> list[Event] | None:
        """Of the month after this one; None: the file of the days of law cannot be read."""
        after = self.span.after
        try:
            found = events.gather(Reach(self.of.user, self.of.unit, joined=True), after.first, after.last)
        except dates.Unreadable:
            return None
        return [one for one in found if not one.over]

    # by unit -----------------------------------------------------------------------------------------------------------

    def units(self) -> Iterator[Block]:
        say, month = self.say, self.month
        new, retired = (_by_unit(rows) for rows in (month.new, month.retired))
        below = list(self.of.rows(Unit, "path").filter(parent=self.of.unit).prefetch_related("names").order_by("name", "pk"))
        rows = [(place, *self.unit(one, one.name_on(self.span.last), new, retired)) for place, one in enumerate(below, 1)]
        if rows:
            rows.append(("", *self.unit(self.of.unit, say("units_sum"), new, retired)))
        yield table(
            say("units"), say.at("units_columns"), (5, 23, 9, 9, 9, 9, 9, 9, 9, 9), rows, numbers=range(2, 10),
            strong=(len(rows) - 1,) if rows else (), empty=say("units_empty"),
        )  # fmt: skip
        if rows:
            yield text(say("units_note", day=day(month.end)) if month.end else say("units_note_none"), Style.NOTE)

    def unit(self, unit: Unit, name: str, new: dict[str, int], retired: dict[str, int]) -> tuple[Cell, ...]:
        stood = self.month.stood(self.month.end, unit)
        numbers: tuple[Cell, ...] = (stood.machines, stood.fail, stood.unknown, stood.passed) if stood else (None,) * 4
        turned = self.turned if unit == self.of.unit else self.month.turned(unit)
        changes: tuple[Cell, ...] = (turned.worse, turned.better) if turned else (None, None)
        mine = (sum(number for path, number in counted.items() if path.startswith(unit.path)) for counted in (new, retired))
        return name, *numbers, *changes, *mine

    def honesty(self) -> Honesty:
        say, month, end, turned, holes = self.say, self.month, self.end, self.turned, self.month.holes
        silent = month.silent
        times = month.reports.aggregate(since=Min("orders_at"), until=Max("orders_at"))
        counts: dict[str, int | None] = {
            **{name: getattr(end, name) if end else None for name in ("machines", "fail", "unknown", "passed")},
            **{name: getattr(turned, name) if turned else None for name in ("worse", "better", "unclear")},
            "holes": holes.come if holes else None, "mended": holes.mended if holes else None,
            "new": month.new.count(), "retired": month.retired.count(), "silent": None if silent is None else silent.count(),
        }  # fmt: skip
        remarks = [say("remark_provisional")] if self.of.provisional else []
        remarks += [say(f"remark_{name}") for name in ("places", "known", "taken", "feeds", "people")]
        some = [] if silent is None else list(silent[: resting.UNREACHED])
        return self.of.honesty(
            since=times["since"], until=times["until"], feeds=resting.dated(), packs=resting.packs(self.of), remarks=tuple(remarks),
            unreached=tuple(Unreached(name=one.name, unit=one.unit.name, why=say("silent_why")) for one in some),
            unreached_more=(counts["silent"] or 0) - len(some),
            counts=tuple(Counted(text=say(f"counts.{name}"), number=number) for name, number in counts.items()),
        )  # fmt: skip


def _counts(one: Day) -> dict[str, int]:
    return {"machines": one.machines, "fail": one.fail, "unknown": one.unknown, "passed": one.passed}


def _by_unit(rows: QuerySet[Machine]) -> dict[str, int]:
    """Path of a unit -> how many of these machines lie in it."""
    return dict(rows.order_by().values_list("unit__path").annotate(Count("pk")))
