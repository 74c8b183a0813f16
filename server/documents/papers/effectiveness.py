"""The yearly review of how well security measures work: each system now, a year before, and against its dossier.

What it comes to is for a person to say; the paper puts a sentence there that follows from the numbers, marked as a blank.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

from django.utils import timezone

from server.assignments.models import Assignment, overdue
from server.documents.papers import resting
from server.documents.papers.level.rests import UNREACHED, reaches
from server.documents.papers.reviewed import COLUMNS, STATES, Review, check_named, named, reviews, year
from server.documents.report import (
    Appendix,
    Block,
    Cell,
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
from server.documents.spans import DAY
from server.documents.texts import Texts
from server.documents.wanted import Wanted
from server.documents.writing import day, names_of, table, text
from server.registers.systems import APPROVED, System
from server.waivers.models import Attestation, Waiver, in_force

ROWS = 500
"""Of one table of the body; what is left out is counted."""
NAMES = 8
WAYS = ("better", "worse", "lost", "learned", "other")


def write(of: Wanted) -> Report:
    """Raises NoSigner, TemplateError."""
    return _Effectiveness(of).report()


class _Effectiveness:
    def __init__(self, of: Wanted) -> None:
        self.of, self.desk, self.blanks, self.span = of, of.desk, of.blanks, of.span
        self.wording = self.desk.values["wording"] or "anm"
        self.say = Texts("effectiveness.yaml", self.wording)
        self.made_at = timezone.now()
        self.today = timezone.localdate(self.made_at)
        self.until = min(self.today, self.span.last + DAY)
        """What was due before it is overdue."""
        self.moment = min(self.made_at, self.span.ends - timedelta(microseconds=1))
        self.reviews, self.stopped = reviews(of)
        self.judged = [one for one in self.reviews if one.held is not None]
        self.total = Counter[str]()
        for one in self.judged:
            self.total.update(one.summary)
        self.year = year(of)
        self.waivers = list(of.rows(Waiver).filter(in_force(self.moment)).select_related("unit").order_by("until", "pk"))
        self.words = self._attestations()
        self.late_systems = list(self._late_systems())
        self.late_work = self._late_work()

    # rows --------------------------------------------------------------------------------------------------------------

    def _attestations(self) -> list[Attestation]:
        """In force on some day of the year."""
        rows = self.of.rows(Attestation).filter(on__lte=self.span.last, until__gte=self.span.first)
        return list(rows.exclude(ended_at__lt=self.span.begins).select_related("unit", "machine").order_by("on", "pk"))

    def _late_systems(self) -> Iterator[tuple[System, str]]:
        for one in (review.system for review in self.reviews):
            if one.approval != APPROVED and one.approval_expected and one.approval_expected < self.until:
                yield one, "approval"
            if one.plan != "whole" and one.plan_expected and one.plan_expected < self.until:
                yield one, "plan"

    def _late_work(self) -> list[Assignment]:
        rows = self.of.rows(Assignment).filter(overdue(self.until))
        return list(rows.select_related("rule", "machine", "unit", "owner").order_by("due", "pk"))

    def drills(self) -> list[tuple[Attestation, str, str]]:
        """Those that speak of a test or a drill, by the title of their requirement."""
        found = [(one, *named(one.baseline, one.requirement, one.level)) for one in self.words]
        return [one for one in found if self._of_drills(one[2])]

    def _of_drills(self, title: str) -> bool:
        return any(word in title.lower() for word in self.say.at("drill_words"))

    # the paper ---------------------------------------------------------------------------------------------------------

    def report(self) -> Report:
        say, told = self.say, {"year": str(self.span.first.year), "unit": self.desk.named}
        front = self.of.front(say("subject", **told), str(say.at("type")), str(say.at("short")))
        body: list[Block] = list(self.bases())
        body.append(text(say("intro", **told, day=day(self.today))))
        for name in ("systems", "compared", "drift", "late", "waived", "drills", "conclusion"):
            body.append(text(say(f"headings.{name}"), Style.SECTION))
            body += getattr(self, f"say_{name}")()
        body.append(text(say("closing", **told)))
        return Report(
            kind="effectiveness", title=say("title", **told)[:300], made_at=self.made_at, front=front, body=tuple(body),
            appendices=tuple(self.annexes()), honesty=self.honesty(), asked=tuple(self.blanks.asked), provisional=self.of.provisional,
        )  # fmt: skip

    def bases(self) -> Iterator[Block]:
        """One a line, the last with a full stop; the articles are those of the wording, where that has some."""
        articles = self.say.at("articles")
        said = [*self.say.at("bases"), *articles.get(self.wording, articles["other"])]
        for place, one in enumerate(said, 1):
            yield text(self.say.filled(one, "bases").rstrip(";. ") + ("." if place == len(said) else ";"), Style.BASIS)

    def say_systems(self) -> Iterator[Block]:
        say = self.say
        unjudged = len(self.reviews) - len(self.judged)
        if self.judged:
            asked = sum(self.total[state] for state in STATES[:4])
            numbers = {state: self.total[state] for state in STATES}
            yield text(
                say("systems", all=len(self.reviews), judged=len(self.judged), asked=asked, day=day(self.today), **numbers)
            )
        elif self.reviews:
            yield text(say("systems_unjudged", all=len(self.reviews)))
        if unjudged and self.judged:
            yield text(say("unjudged", count=unjudged))
        rows = [self._system(place, one) for place, one in enumerate(self.reviews, 1)]
        if len(self.judged) > 1:
            rows.append(("", str(say.at("sum")), "", "", *(self.total[state] for state in STATES)))
        strong = (len(rows) - 1,) if len(self.judged) > 1 else ()
        shares = (5, 20, 8, 20, 9, 9, 9, 10, 10)
        yield table(say("sheets.systems"), say.at("systems_columns"), shares, rows, numbers=range(4, 9), centred=(0, 2), empty=say("systems_none"), strong=strong)  # fmt: skip
        if self.judged:
            yield text(say("systems_note"), Style.NOTE)

    def _system(self, place: int, one: Review) -> tuple[Cell, ...]:
        system = one.system
        name = system.name if one.held else self.say("system_unjudged", name=system.name, why=self.say(f"why.{one.why}"))
        numbers = tuple(one.summary[state] if one.held else None for state in STATES)
        return place, name, str(system.level) if system.level else None, self.decision(system), *numbers

    def decision(self, system: System) -> str:
        if system.decided:
            assert system.decision_date is not None
            return self.say("decision", number=system.decision_number, day=day(system.decision_date))
        return str(self.say.at("approval")[system.approval])

    # a year before, and the dossiers ---------------------------------------------------------------------------------------

    def say_compared(self) -> Iterator[Block]:
        say, told = self.say, self.year
        if told.day is None:
            yield text(say("compared_none"))
            return
        if told.before_day is None:
            yield text(say("compared_first", day=day(told.day), wanted=day(told.wanted)))
        elif told.before_day == told.wanted:
            yield text(say("compared", day=day(told.day), before=day(told.before_day)))
        else:
            yield text(say("compared_nearest", day=day(told.day), wanted=day(told.wanted), before=day(told.before_day), apart=(told.day - told.before_day).days))  # fmt: skip
        rows = [(say(f"compared_rows.{name}"), told.before.get(name), told.now.get(name), self._more(name)) for name in COLUMNS]
        before = day(told.before_day) if told.before_day else say("compared_unknown", wanted=day(told.wanted))
        titles = [say.filled(title, "compared_columns", before=before, day=day(told.day)) for title in say.at("compared_columns")]
        yield table(say("sheets.compared"), titles, (46, 18, 18, 18), rows, numbers=(1, 2, 3), centred=())
        yield text(say("compared_note"), Style.NOTE)

    def _more(self, name: str) -> str | None:
        if name not in self.year.before or name not in self.year.now:
            return None
        return f"{self.year.now[name] - self.year.before[name]:+,}".replace(",", ".").replace("+0", "0")

    def say_drift(self) -> Iterator[Block]:
        say = self.say
        with_dossier = [one for one in self.reviews if one.drift is not None]
        if not self.reviews:
            yield text(say("systems_none"))
            return
        yield text(say("drift", count=str(len(with_dossier)), all=str(len(self.reviews))))
        rows: list[tuple[Cell, ...]] = []
        for one in self.reviews:
            held = one.drift
            if held is None:
                rows.append((one.system.name, say("drift_no_dossier"), *(None,) * 6))
                continue
            issue = say("drift_issue", number=str(held.issue.number), day=day(timezone.localdate(held.issue.made_at)))
            if held.why:
                rows.append((one.system.name, f"{issue}; {say(f'drift_why.{held.why}')}", *(None,) * 6))
                continue
            extra = say("drift_other_texts", new=str(held.new), gone=str(held.gone)) if held.new or held.gone else ""
            rows.append((one.system.name, issue + extra, held.same, *(held.ways[way] for way in WAYS)))
        yield table(
            say("sheets.drift"), say.at("drift_columns"), (19, 27, 9, 9, 9, 9, 9, 9), rows, numbers=range(2, 8), centred=()
        )
        yield text(say("drift_note"), Style.NOTE)

    # what is late, borne, tried out ------------------------------------------------------------------------------------------

    def say_late(self) -> Iterator[Block]:
        say = self.say
        rows: list[tuple[Cell, ...]] = []
        for system, what in self.late_systems:
            due = system.approval_expected if what == "approval" else system.plan_expected
            assert due is not None
            rows.append((system.name, say(f"late_{what}"), day(due), (self.today - due).days, system.operator or None))
        for work in self.late_work:
            assert work.due is not None
            where = work.machine.name if work.machine else work.unit.name
            who = str(work.owner) if work.owner else say("late_nobody")
            rows.append((where, check_named(work.rule.baseline, work.rule.check_id), day(work.due), (self.today - work.due).days, who))  # fmt: skip
        if rows:
            yield text(say("late", systems=len(self.late_systems), work=len(self.late_work)))
        yield from self.cut("late", (22, 36, 14, 11, 17), rows, numbers=(3,), centred=(2,))

    def say_waived(self) -> Iterator[Block]:
        say = self.say
        kinds = Counter(one.type for one in self.waivers)
        if self.waivers:
            yield text(say("waived", count=len(self.waivers), compensating=kinds["compensating"], accepted=kinds["accepted"], day=day(timezone.localdate(self.moment))))  # fmt: skip
        rows: list[tuple[Cell, ...]] = []
        for one in self.waivers:
            clause, title = named(one.baseline, one.requirement, one.level)
            where = one.unit.name if one.whole else one.system or say("waived_some", count=one.covers.count(), unit=one.unit.name)
            rows.append((clause, title, where, say(f"waived_type.{one.type}", measure=one.measure), f"{one.document}".strip() or None, day(one.until)))  # fmt: skip
        yield from self.cut("waived", (9, 24, 17, 24, 13, 13), rows, centred=(5,))
        if borne := sum(line.accepted for one in self.judged if one.held for line in one.held.assessment.lines):
            yield text(say("waived_lines", count=borne))

    def say_drills(self) -> Iterator[Block]:
        say = self.say
        drills = self.drills()
        if self.judged:
            lines = [line for one in self.judged if one.held for line in one.held.assessment.lines if self._of_drills(line.requirement.title.vi)]  # fmt: skip
            states = Counter(str(line.state) for line in lines)
            waiting = sum(line.waits_for_person for line in lines)
            yield text(say("drills", count=len(lines), waiting=waiting, **{state: states[state] for state in STATES}))
        rows = [
            (clause, title, one.system or (one.machine.name if one.machine else one.unit.name), one.document,
             say("drill_by", by=one.by, role=one.role), say("drill_term", on=day(one.on), until=day(one.until)), self._outcome(one))
            for one, clause, title in drills
        ]  # fmt: skip
        yield from self.cut("drills", (9, 22, 15, 15, 15, 12, 12), rows, centred=())
        if others := len(self.words) - len(drills):
            yield text(say("drills_others", count=others))

    def _outcome(self, one: Attestation) -> str:
        said = str(self.say.at("drill_state")[one.state])
        return self.say("drill_ended", state=said, on=day(timezone.localdate(one.ended_at))) if one.ended_at else said

    def cut(self, name: str, shares: tuple[int, ...], rows: Sequence[tuple[Cell, ...]], **more: object) -> Iterator[Block]:
        yield table(self.say(f"sheets.{name}"), self.say.at(f"{name}_columns"), shares, rows[:ROWS], empty=self.say(f"{name}_none"), **more)  # type: ignore[arg-type]  # fmt: skip
        if len(rows) > ROWS:
            yield text(self.say("rows_more", count=len(rows) - ROWS), Style.NOTE)

    # what it comes to --------------------------------------------------------------------------------------------------------

    def say_conclusion(self) -> Iterator[Block]:
        for id, drafts in (("conclusion", self.concluded()), ("proposals", self.proposed())):
            yield text(self.say(f"headings.{id}_part"), Style.HEADING)
            yield from self.told(id, " ".join(drafts))

    def told(self, id: str, draft: str) -> list[Paragraph]:
        return list(self.blanks.put(id, self.say(f"asks.{id}", draft=draft)))

    def concluded(self) -> Iterator[str]:
        """From the numbers alone."""
        say = self.say
        if not self.judged:
            yield say("draft.none")
            return
        whole = sum(one.whole for one in self.judged)
        yield say("draft.whole" if whole else "draft.nowhere", whole=str(whole), all=str(len(self.reviews)))
        if still := sum(bool(one.open) for one in self.judged):
            yield say("draft.open", count=still, requirements=sum(one.open for one in self.judged))
        if unsure := sum(bool(one.summary["undetermined"]) for one in self.judged):
            yield say("draft.unknown", count=unsure, requirements=self.total["undetermined"])
        if unjudged := len(self.reviews) - len(self.judged):
            yield say("draft.unjudged", count=unjudged)
        if self.year.day and self.year.before_day and self.year.now and self.year.before:
            more = self.year.now["fail"] - self.year.before["fail"]
            word = "more" if more > 0 else "less" if more < 0 else "same"
            yield say(f"draft.{word}", count=abs(more), before=day(self.year.before_day))

    def proposed(self) -> Iterator[str]:
        say, found = self.say, False
        drifted = [one.system.name for one in self.reviews if one.drift and one.drift.turned]
        told = {
            "adjust": drifted, "approve": [one.system.name for one in self.reviews if not one.system.decided],
            "mend": [one.system.name for one in self.judged if one.open],
            "look": [one.system.name for one in self.judged if one.summary["undetermined"]],
            "register": [one.system.name for one in self.reviews if one.why],
        }  # fmt: skip
        for name, names in told.items():
            if names:
                found = True
                yield say(f"draft.{name}", count=len(names), names=names_of(self.say, names, NAMES))
        if late := len(self.late_systems) + len(self.late_work):
            found = True
            yield say("draft.late", count=late)
        if not found:
            yield say("draft.nothing")

    # annexes, and what it rests on ---------------------------------------------------------------------------------------------

    def annexes(self) -> Iterator[Appendix]:
        say = self.say
        if self.judged:
            yield Appendix(title=say("annexes.groups"), blocks=tuple(map(self._groups, self.judged)))
        turned = [one for one in self.reviews if one.drift and one.drift.turned]
        if turned:
            yield Appendix(title=say("annexes.turned"), blocks=tuple(map(self._turned, turned)))

    def _groups(self, one: Review) -> Table:
        assert one.held is not None
        rows: list[tuple[Cell, ...]] = [(clause or "–", title, *(counts[state] for state in STATES)) for clause, title, counts in one.groups()]  # fmt: skip
        rows.append(("", str(self.say.at("sum")), *(one.summary[state] for state in STATES)))
        title = self.say(
            "groups_title", name=one.system.name, level=str(one.held.level), edition=one.held.baseline.standard.edition
        )
        return table(one.system.name, self.say.at("groups_columns"), (10, 40, 10, 10, 10, 10, 10), rows, numbers=range(2, 7), title=title, strong=(len(rows) - 1,))  # fmt: skip

    def _turned(self, one: Review) -> Table:
        assert one.drift is not None
        states = self.say.at("states")
        rows = [(turn.clause, turn.title, states[turn.was], states[turn.now], self.say(f"ways.{turn.way}")) for turn in one.drift.turned]  # fmt: skip
        name = self.say("turned_sheet", name=one.system.name)
        return table(name, self.say.at("turned_columns"), (10, 38, 18, 18, 16), rows, title=one.system.name)

    def honesty(self) -> Honesty:
        say = self.say
        of_systems = [(asset, one.system) for one in self.judged if one.held for asset in one.held.assessment.assets]
        assets = [asset for asset, _system in of_systems]
        lines = [line for one in self.judged if one.held for line in one.held.assessment.lines]
        silent, words = [(asset, system) for asset, system in of_systems if asset.reach != "fresh"], reaches()
        times = [one.snapshot.collected_at for one in assets if one.snapshot is not None]
        reach = Counter(one.reach for one in assets)
        told: dict[str, int | None] = {
            "systems": len(self.reviews), "judged": len(self.judged), "stopped": self.stopped,
            **{why: sum(one.why == why for one in self.reviews) for why in ("level", "members", "pack")},
            "things": len(assets), **{name: reach[name] for name in ("fresh", "stale", "later", "silent", "missing")},
            "no_dossier": sum(one.drift is None for one in self.reviews),
            "not_compared": sum(bool(one.drift and one.drift.why) for one in self.reviews),
        }  # fmt: skip
        by_pack: dict[tuple[str, int], list[Review]] = {}
        for review in self.judged:
            assert review.held is not None
            by_pack.setdefault((review.held.baseline.digest, review.held.level), []).append(review)
        held = [(mine[0].held, mine) for mine in by_pack.values()]
        return self.of.honesty(
            since=min(times, default=None), until=max(times, default=None),
            counts=tuple(Counted(text=say(f"counts.{name}"), number=count) for name, count in told.items()),
            packs=tuple(
                Pack(
                    edition=one.baseline.standard.edition, version=one.baseline.standard.version, digest=one.baseline.digest, level=one.level,
                    machines=sum(len(each.held.assessment.assets) for each in mine if each.held),
                )
                for one, mine in held if one is not None
            ),
            unreached=tuple(
                Unreached(name=asset.asset.name, unit=system.unit.name, why=say("unreached", why=words[asset.reach], system=system.name))
                for asset, system in silent[:UNREACHED]
            ),
            unreached_more=max(0, len(silent) - UNREACHED),
            feeds=resting.dated(limited=True),
            wording=Wording.model_validate(Counter(line.requirement.confidence for line in lines)) if lines else None,
            remarks=tuple(say.filled(words, "remarks", day=day(self.today)) for words in say.at("remarks")),
        )  # fmt: skip
