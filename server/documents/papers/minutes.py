"""Minutes of an inspection: what the reports of one day tell, and places for what the people who were there say and sign.

Only reports count that were collected and received on that day. A machine without one is told as not seen, whatever it said before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from server.campaigns.models import Campaign, Part
from server.coverage.models import Expected
from server.documents.exports.layout import ROMAN
from server.documents.papers import resting
from server.documents.papers.inspected import Inspected, Line, looked_at
from server.documents.report import (
    Appendix,
    Asked,
    Block,
    Cell,
    Cosigner,
    Front,
    Honesty,
    Pack,
    Paragraph,
    Report,
    Style,
    Table,
    Unreached,
    Wording,
)
from server.documents.report import Count as Counted
from server.documents.texts import Texts, number
from server.documents.wanted import Wanted
from server.documents.writing import day, names_of, short, table, text
from server.ingest.models import Machine, StoredSnapshot
from server.storage import retention

INSPECTION = "inspection"
"""Pattern of the campaigns that prepare such a visit (server/campaigns/patterns.yaml)."""
NAMED, UNREACHED = 5000, 200
"""Machines of one list of an annex; of the last annex."""
NAMES, LINES = 12, 6
"""Of one cell of the body; an annex has all."""
EVIDENCE = 5000


class _Missing(NamedTuple):
    name: str
    unit: str
    why: str


def write(of: Wanted) -> Report:
    """Raises NoSigner, TemplateError."""
    return _Minutes(of).report()


class _Minutes:
    def __init__(self, of: Wanted) -> None:
        self.of, self.desk, self.blanks, self.span = of, of.desk, of.blanks, of.span
        self.say = Texts("minutes.yaml", self.desk.values["wording"] or "anm")
        limit = retention.before()
        self.kept = limit is None or limit <= self.span.begins
        """Reports of that day cannot have been removed since."""
        self.reports, self.older, self.later = self._reports()
        newest: dict[int, StoredSnapshot] = {}
        for one in self.reports:
            newest[one.machine_id] = one
        self.newest = sorted(newest.values(), key=lambda one: (one.machine.unit.path, one.machine.name, one.machine_id))
        self.sent = Counter(one.machine_id for one in self.reports)
        self.found: Inspected = looked_at(self.newest)
        self.missing = sorted(self._missing(), key=lambda one: (one.unit, one.name))
        self.excused = self._listed().filter(Expected.excused(self.span.last)).count()

    # rows --------------------------------------------------------------------------------------------------------------

    def _reports(self) -> tuple[list[StoredSnapshot], list[StoredSnapshot], int]:
        """Of that day, oldest first; received on it and collected before; and how many were collected on it and came later."""
        begins, ends = self.span.begins, self.span.ends
        rows = self.of.rows(StoredSnapshot, "machine__unit__path")
        here = rows.filter(received_at__gte=begins, received_at__lt=ends)
        here = here.select_related("machine__unit", "agent", "assessment").defer("sealed", "assessment__packed").order_by("orders_at", "id")  # fmt: skip
        every = list(here)
        later = rows.filter(received_at__gte=ends, orders_at__gte=begins, orders_at__lt=ends).count()
        return [one for one in every if one.orders_at >= begins], [one for one in every if one.orders_at < begins], later

    def _listed(self) -> QuerySet[Expected]:
        return self.of.rows(Expected).filter(listed=True, machine=None, first_at__lt=self.span.ends)

    def _missing(self) -> Iterator[_Missing]:
        """In service on that day, or on a list and not excused, and without a report of that day."""
        ends = self.span.ends
        seen = {one.machine_id for one in self.newest}
        old = {one.machine_id for one in self.older}
        machines = self.of.rows(Machine).filter(Q(retired_at=None) | Q(retired_at__gte=ends), created_at__lt=ends)
        machines = machines.select_related("unit").annotate(last=Max("snapshots__received_at", filter=Q(snapshots__received_at__lt=ends)))  # fmt: skip
        for one in machines:
            if one.pk not in seen:
                yield _Missing(one.name, one.unit.name, self._why(one.last, one.pk in old))
        for line in self._listed().exclude(Expected.excused(self.span.last)).select_related("unit"):
            yield _Missing(line.name, line.unit.name, str(self.say.at("missing_listed")))

    def _why(self, last: datetime | None, old: bool) -> str:
        if old:
            return str(self.say.at("missing_old"))
        if last is None:
            return str(self.say.at("missing_never" if self.kept else "missing_unkept"))
        return self.say("missing_last", at=short(last))

    # the paper ---------------------------------------------------------------------------------------------------------

    def report(self) -> Report:
        say, told = self.say, {"unit": self.desk.named, "day": day(self.span.first)}
        body: list[Block] = [*self.told("basis"), *self.told("begin", **told)]
        body.append(text(say("intro", **told)))
        body += self.section("people", "team", "hosts")
        body.append(text(say("headings.content"), Style.SECTION))
        for place, name in enumerate(("scope", "reports", "failed", "unknown", "missing", "papers"), 1):
            body.append(text(f"{place}. {say(f'headings.{name}')}", Style.HEADING))
            body += getattr(self, f"say_{name}")()
        body += self.section("remarks", "remarks")
        body += self.section("ending", "conclusion", "deadline")
        body += self.told("end")
        body.append(text(say("closing")))
        front = self.front()
        return Report(
            kind="minutes", title=say("title", **told)[:300], made_at=timezone.now(), front=front, body=tuple(body),
            appendices=tuple(self.annexes()), honesty=self.honesty(), asked=tuple(self.blanks.asked), provisional=self.of.provisional,
        )  # fmt: skip

    def front(self) -> Front:
        """Nobody is addressed. The unit's own signer stands left, for the inspected side; whoever leads the inspectors right."""
        say = self.say
        front = self.of.front(say("subject", unit=self.desk.named), str(say.at("type")), str(say.at("short")), ())
        inspected = Cosigner(
            authority=(str(say.at("sign_unit")), *front.authority), title=front.signer_title, name=front.signer_name
        )
        head = self.blanks.said("head")
        self.blanks.asked.append(Asked(id="head", text=str(say.at("asks", "head")), answer=head))
        receivers = tuple(say.filled(line, "receivers", drafting=self.desk.values["drafting"]).replace(", .", ".") for line in say.at("receivers"))  # fmt: skip
        return front.model_copy(
            update={
                "cosigners": (inspected,), "authority": (str(say.at("sign_team")),), "signer_title": str(say.at("sign_head")),
                "signer_name": head, "receivers": receivers,
            }
        )  # fmt: skip

    def section(self, heading: str, *asked: str) -> Iterator[Block]:
        yield text(self.say(f"headings.{heading}"), Style.SECTION)
        for id in asked:
            if id in ("team", "hosts", "deadline", "conclusion"):
                yield text(self.say(f"headings.{id}"), Style.HEADING)
            yield from self.told(id)

    def told(self, id: str, **values: object) -> list[Paragraph]:
        """What a person wrote, in the words of the form where it has some; a marked blank until then."""
        return list(self.blanks.put(id, self.say(f"asks.{id}", **values)))

    # what was looked at ------------------------------------------------------------------------------------------------

    def say_scope(self) -> Iterator[Block]:
        say = self.say
        yield text(say("scope", unit=self.desk.named, day=day(self.span.first)))
        campaigns = self.campaigns()
        for one in campaigns:
            yield text(say("campaign", number=one.number, date=day(one.date), issuer=one.issuer, subject=one.subject, deadline=day(one.deadline)))  # fmt: skip
        if not campaigns:
            yield text(say("campaign_none"))

    def campaigns(self) -> list[Campaign]:
        """Visits that were under way on that day and that the unit, or one below it, takes part in."""
        parts = self.of.rows(Part).order_by().values("campaign")
        running = Q(started_at__lt=self.span.ends) & (Q(closed_at=None) | Q(closed_at__gte=self.span.begins))
        return list(Campaign.objects.filter(running, pattern=INSPECTION, pk__in=parts).order_by("date", "pk"))

    def say_reports(self) -> Iterator[Block]:
        say = self.say
        if not self.kept:
            yield text(say("reports_unkept", day=day(self.span.first)))
        if not self.newest:
            yield text(say("reports_none" if self.kept else "reports_left_none", day=day(self.span.first)))
        else:
            kinds = Counter(one.machine.kind for one in self.newest)
            words = say.at("kinds")
            listed = ", ".join(f"{number(kinds[kind])} {words[kind]}" for kind in words if kinds[kind])
            yield text(
                say("reports", reports=len(self.reports), machines=len(self.newest), kinds=listed, annex=self.annex("reports"))
            )
            standing = Counter(map(self.found.standing, self.newest))
            yield text(say("machines", **{name: standing[name] for name in ("fail", "unknown", "pass", "unjudged")}))
        if self.older:
            names = [one.machine.name for one in self.older]
            yield text(say("reports_older", count=len(self.older), names=names_of(self.say, dict.fromkeys(names), NAMES)))
        if self.later:
            yield text(say("reports_later", count=self.later))
        if lost := self.found.lost:
            yield text(say("lost", count=len(lost), names=names_of(self.say, dict.fromkeys(lost), NAMES)))

    def say_failed(self) -> Iterator[Block]:
        yield from self.listed("failed", [line for line in self.found.lines if line.failing], self._failed)

    def say_unknown(self) -> Iterator[Block]:
        yield from self.listed("unknown", [line for line in self.found.lines if line.unknown], self._unknown)

    def listed(self, name: str, lines: list[Line], row: Callable[[Line], tuple[Cell, ...]]) -> Iterator[Block]:
        say = self.say
        if not self.found.judged:
            yield text(say("nothing_judged"))
            return
        yield text(
            say(name, count=len(lines), machines=self.found.judged) if lines else say(f"{name}_none", machines=self.found.judged)
        )
        for place, pack in enumerate(self.found.packs):
            mine = [line for line in lines if line.pack == place]
            if not mine:
                continue
            if len(self.found.packs) > 1:
                yield text(say("pack", edition=pack.edition, level=str(pack.level), machines=pack.machines), Style.SUBHEADING)
            shares = (10, 23, 21, 18, 28) if name == "failed" else (10, 28, 24, 38)
            yield table(say(f"sheets.{name}"), say.at(f"{name}_columns"), shares, [row(line) for line in mine], centred=())

    def _failed(self, line: Line) -> tuple[Cell, ...]:
        say, said = self.say, []
        where: dict[tuple[str, str], dict[str, None]] = {}
        for machine, evidence in line.evidence:
            where.setdefault((evidence.seen, evidence.wanted), {})[machine] = None
        for (seen, asked), machines in list(where.items())[:LINES]:
            place = next(iter(machines)) if len(machines) == 1 else say("evidence_machines", count=len(machines))
            said.append(say("evidence", seen=seen, wanted=asked, where=place))
        if len(where) > LINES:
            said.append(say("evidence_more", count=len(where) - LINES, annex=self.annex("evidence")))
        checks = "\n".join(dict.fromkeys(evidence.check for _machine, evidence in line.evidence))
        return line.clause, line.title, checks, self.part(line.failing, line.asked), "\n".join(said)

    def part(self, names: list[str], asked: int) -> str:
        """So many of those asked, and which; all need no names."""
        told = {"count": str(len(names)), "all": str(asked)}
        return (
            self.say("of_all", **told)
            if 1 < asked == len(names)
            else self.say("of", **told, names=names_of(self.say, dict.fromkeys(names), NAMES))
        )

    def _unknown(self, line: Line) -> tuple[Cell, ...]:
        reasons = [self.say("reason", reason=reason, count=count) for reason, count in line.reasons.most_common(LINES)]
        if len(line.reasons) > LINES:
            reasons.append(self.say("reasons_more", count=len(line.reasons) - LINES))
        return line.clause, line.title, self.part(line.unknown, line.asked), "\n".join(reasons)

    def say_missing(self) -> Iterator[Block]:
        say = self.say
        if self.missing:
            yield text(say("missing", count=len(self.missing), names=names_of(self.say, dict.fromkeys(one.name for one in self.missing), NAMES), annex=self.annex("missing")))  # fmt: skip
        elif self.newest:
            yield text(say("missing_none"))
        else:
            yield text(say("missing_nobody"))

    def say_papers(self) -> Iterator[Block]:
        if self.found.by_person:
            yield text(self.say("by_person", count=self.found.by_person))
        yield from self.told("papers")

    # annexes -----------------------------------------------------------------------------------------------------------

    @property
    def wanted(self) -> list[str]:
        there = {"reports": self.newest, "evidence": any(line.evidence for line in self.found.lines), "missing": self.missing}
        return [name for name, rows in there.items() if rows]

    def annex(self, name: str) -> str:
        """As the text calls it."""
        return Texts("paper.yaml")("appendix", number=ROMAN[self.wanted.index(name) + 1])

    def annexes(self) -> Iterator[Appendix]:
        for name in self.wanted:
            blocks: tuple[Block, ...] = tuple(getattr(self, f"annex_{name}")())
            yield Appendix(title=self.say(f"annexes.{name}"), blocks=blocks)

    def annex_reports(self) -> Iterator[Block]:
        rows = [self._report(place, one) for place, one in enumerate(self.newest[:NAMED], 1)]
        yield self.cut("reports", (5, 17, 14, 14, 20, 10, 10, 10), rows, len(self.newest), (5, 6, 7))
        yield text(self.say("reports_note"), Style.NOTE)

    def _report(self, place: int, one: StoredSnapshot) -> tuple[Cell, ...]:
        judged = getattr(one, "assessment", None)
        by = self.say("by_itself") if one.machine.own else self.say("by_station", name=one.agent.name)
        sent = self.sent[one.machine_id]
        received = short(one.received_at) if sent == 1 else self.say("newest_of", at=short(one.received_at), count=sent)
        numbers = (judged.fail, judged.unknown, judged.passed) if judged else (None, None, None)
        return place, one.machine.name, one.machine.unit.name, received, by, *numbers

    def annex_evidence(self) -> Iterator[Block]:
        rows = [
            (line.clause, machine, evidence.check, evidence.seen, evidence.wanted)
            for line in self.found.lines
            for machine, evidence in line.evidence
        ]
        yield self.cut("evidence", (10, 20, 26, 26, 18), rows[:EVIDENCE], len(rows))

    def annex_missing(self) -> Iterator[Block]:
        rows = [(place, *one) for place, one in enumerate(self.missing[:NAMED], 1)]
        yield self.cut("missing", (7, 30, 28, 35), rows, len(self.missing))

    def cut(self, name: str, shares: tuple[int, ...], rows: Sequence[tuple[Cell, ...]], count: int, numbers: tuple[int, ...] = ()) -> Table:  # fmt: skip
        """A list of an annex; where it is too long its last row says how much is left out."""
        if count > len(rows):
            rest: list[Cell] = [""] * len(shares)
            rest[1] = self.say("rows_more", count=count - len(rows))
            rows = [*rows, tuple(rest)]
        centred = () if name == "evidence" else (0,)
        return table(
            self.say(f"sheets.{name}"), self.say.at(f"{name}_list_columns"), shares, rows, numbers=numbers, centred=centred
        )

    # what it rests on --------------------------------------------------------------------------------------------------

    def honesty(self) -> Honesty:
        say = self.say
        standing = Counter(map(self.found.standing, self.newest))
        told = {
            "expected": len(self.newest) + len(self.missing), "machines": len(self.newest), "missing": len(self.missing),
            "excused": self.excused, "reports": len(self.reports), "older": len(self.older), "later": self.later,
            **{name: standing[name] if self.newest else None for name in ("fail", "unknown", "pass", "unjudged")},
            "lost": len(self.found.lost),
        }  # fmt: skip
        times = [one.collected_at for one in self.newest]
        return self.of.honesty(
            since=min(times, default=None), until=max(times, default=None),
            counts=tuple(Counted(text=say(f"counts.{name}"), number=count) for name, count in told.items()),
            unreached=tuple(Unreached(name=one.name, unit=one.unit, why=one.why) for one in self.missing[:UNREACHED]),
            unreached_more=max(0, len(self.missing) - UNREACHED),
            packs=tuple(Pack(**one._asdict()) for one in self.found.packs),
            wording=Wording.model_validate(self.found.confidences) if self.found.judged else None,
            feeds=resting.dated(limited=True),
            remarks=tuple(say.filled(words, "remarks") for words in say.at("remarks")),
        )  # fmt: skip
