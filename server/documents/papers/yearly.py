"""The yearly report on levels (form 08), from the register of information systems alone: a person's word, and said to be one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from django.utils import timezone

from server.documents.kinds import FIGURES_UNTIL, YEARLY
from server.documents.report import Block, Cell, Count, Honesty, Paragraph, Report, Style
from server.documents.spans import DAY
from server.documents.texts import Texts
from server.documents.wanted import Wanted
from server.documents.writing import day, on, table, text
from server.registers.systems import APPRAISED, APPROVED, System

WRITTEN = ("draft", "sent", APPRAISED, APPROVED)


def write(of: Wanted) -> Report:
    """Raises NoSigner, TemplateError."""
    return _Yearly(of).report()


class _Yearly:
    def __init__(self, of: Wanted) -> None:
        self.of, self.desk, self.year, self.blanks = of, of.desk, of.span.first.year, of.blanks
        self.say = Texts("yearly.yaml", self.desk.values["wording"] or "anm")
        rows = of.rows(System).select_related("unit").order_by("unit__path", "name", "pk")
        every = list(rows)
        self.systems = [one for one in every if one.state != "stopped"]
        self.stopped = len(every) - len(self.systems)

    def report(self) -> Report:
        say, told = self.say, {"year": str(self.year), "unit": self.desk.named}
        front = self.of.front(say("subject", **told), str(say.at("type")), str(say.at("short")))
        until = date(self.year, *FIGURES_UNTIL[YEARLY])
        since = date(self.year - 1, *FIGURES_UNTIL[YEARLY]) + DAY
        body: list[Block] = [text(say("intro", **told, since=day(since), until=day(until)))]
        body += self.general()
        body += self.numbers()
        body.append(text(say("table_heading"), Style.SECTION))
        body.append(self.listed())
        body.append(text(say("closing", **told)))
        return Report(
            kind="yearly", title=say("title", **told)[:300], made_at=timezone.now(), front=front, body=tuple(body), landscape=True,
            honesty=self.honesty(), asked=tuple(self.blanks.asked), provisional=timezone.localdate() <= until,
        )  # fmt: skip

    def general(self) -> Iterator[Block]:
        say = self.say
        yield text(say("body_heading"), Style.SECTION)
        for id in ("owner", "special"):
            yield from self.told(id)

    def numbers(self) -> Iterator[Block]:
        say = self.say
        yield text(say("numbers_heading"), Style.SECTION)
        for name, count in self.counted().items():
            yield text(say(f"numbers.{name}", count=count))
        self.blanks.known.add("expected")
        if self.systems and self.counted()["approved"] == len(self.systems):
            yield text(say("expected_done"))
        else:
            yield from self.told("expected")
        if unsaid := self.unsaid:
            yield text(say("unsaid", count=unsaid))

    def told(self, id: str) -> list[Paragraph]:
        """What a person wrote, as a line of the form; a marked blank until then."""
        found = self.blanks.put(id, self.say(f"{id}_ask"))
        answer = self.blanks.said(id)
        return [text(self.say(id, value=answer))] if answer else found

    def counted(self) -> dict[str, int]:
        held = self.systems
        approved = [one for one in held if one.approval == APPROVED]
        return {
            "all": len(held), "levelled": sum(one.level is not None for one in held), "written": sum(one.approval in WRITTEN for one in held),
            "appraised": sum(one.approval in (APPRAISED, APPROVED) for one in held), "approved": len(approved),
            "checked": sum(one.checked in ("regular", "both") for one in approved),
        }  # fmt: skip

    @property
    def unsaid(self) -> int:
        return sum(not one.approval for one in self.systems)

    def listed(self) -> Block:
        rows = [self.row(place, one) for place, one in enumerate(self.systems, 1)]
        shares = (4, 14, 9, 9, 6, 9, 9, 8, 8, 9, 8, 7)
        return table(self.say("table_heading"), self.say.at("columns"), shares, rows, centred=(0, 4), empty=self.say("none"))

    def row(self, place: int, one: System) -> tuple[Cell, ...]:
        say = self.say
        decision = one.decision_number
        if decision and one.decision_date:
            decision = say("decision", number=decision, day=day(one.decision_date))
        return (
            place, one.name, one.owner, one.operator, one.level_proposed or one.level_approved, say.at("approval")[one.approval], decision,
            one.regulation, on(one.approval_expected), say.at("plan")[one.plan], on(one.plan_expected), say.at("checked")[one.checked],
        )  # fmt: skip

    def honesty(self) -> Honesty:
        told = {
            "all": len(self.systems), "stopped": self.stopped, "unsaid": self.unsaid,
            "unlevelled": sum(one.level is None for one in self.systems),
        }  # fmt: skip
        return self.of.honesty(
            remarks=(self.say("remark"), self.say("remark_moment", day=day(timezone.localdate()))),
            counts=tuple(Count(text=self.say(f"counts.{name}"), number=count) for name, count in told.items()),
        )
