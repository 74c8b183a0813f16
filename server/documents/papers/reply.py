"""The reply of a unit to the letter of a campaign, from the campaign's account alone: what was frozen at its start, what reports showed since."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from django.db.models import Count, Max, Min
from django.utils import timezone, translation

from baselines.loader import BaselineError
from collectors import VERSION
from server.assess import packs
from server.campaigns import lists, sealing
from server.campaigns.account import Account, CheckLine
from server.campaigns.models import LATER, LEFT_OUT, Campaign, Excuse, Part, Row
from server.campaigns.states import DONE, EXCUSED, MISSING, NEVER, NOT_DONE, UNKNOWN
from server.campaigns.tables import reason
from server.documents import grounds
from server.documents.exports.layout import ROMAN
from server.documents.letterhead import Desk, desk
from server.documents.report import Appendix, Block, Cell, Dated, Honesty, Pack, Report, Style, Unreached
from server.documents.report import Count as Counted
from server.documents.texts import Texts, number
from server.documents.writing import Blanks, day, items, running, short, table, text
from server.units.models import Unit, User

NAMED = 5000
"""Machines in one list; the workbook of the campaign has all."""
UNREACHED = 200
LEFT = (NOT_DONE, EXCUSED, UNKNOWN, MISSING, NEVER)
FEW = 4
"""So many checks of a section are told one by one."""


class NoAccount(ValueError):
    """The campaign has none, or the unit takes no part in it."""


def reply(campaign: Campaign, unit: Unit, user: User | None, blanks: Blanks | None = None, blank_signer: bool = False) -> Report:
    """The paper, of what this person sees of the unit; for nobody everything: the console's. Raises NoAccount, NoSigner, TemplateError."""
    with translation.override("vi"):
        return _Reply(campaign, unit, user, blanks or Blanks(), blank_signer).report()


class _Reply:
    def __init__(self, campaign: Campaign, unit: Unit, user: User | None, blanks: Blanks, blank_signer: bool) -> None:
        self.campaign, self.unit, self.blank_signer = campaign, unit, blank_signer
        self.account = Account(campaign, user, unit)
        self.part = next((one for one in self.account.parts.values() if one.unit_id == unit.pk), None)
        if not campaign.has_account or self.part is None:
            raise NoAccount(campaign.number)
        self.desk: Desk = desk(unit)
        self.say = Texts("reply.yaml", self.desk.wording or "attt")
        self.blanks = blanks
        self.numbers = self.account.sum(self.part)
        self.checks = self.account.checks(self.part)
        self.looked = grounds.moment(campaign.closed_at or campaign.looked_at or timezone.now())
        self.annexes: list[tuple[str, list[Block]]] = []
        self.names = self._annexes()

    def _annexes(self) -> dict[str, str]:
        """Which annexes there are, as the text calls them."""
        wanted = ["units", "checks"] + ["machines"] * bool(self._left()) + ["roster"] * bool(self._roster())
        heading = Texts("paper.yaml")
        return {name: heading("appendix", number=ROMAN[place]) for place, name in enumerate(wanted, 1)}

    def _left(self) -> int:
        return sum(self.numbers.states[state] for state in LEFT)

    def _roster(self) -> list[dict[str, str]]:
        assert self.part is not None
        return list(self.part.roster)

    @property
    def letter(self) -> dict[str, str]:
        return {
            "number": self.campaign.number,
            "date": day(self.campaign.date),
            "unit": self.desk.named,
            "issuer": self.campaign.issuer,
        }

    def report(self) -> Report:
        say, letter = self.say, self.letter
        addressees = self.desk.lines("addressees") or (self.campaign.issuer,)
        front = self.desk.front(say("subject", **letter), addressees, blank_signer=self.blank_signer)
        body = [text(say("intro", **letter, matter=running(self.campaign.subject))), *self.sections()]
        if not self.campaign.is_closed:
            body.append(text(say("provisional", looked=self.looked)))
        body.append(text(say("closing", **letter, addressee=addressees[0])))
        appendices = tuple(
            Appendix(title=say(f"annexes.{name}"), blocks=tuple(getattr(self, f"annex_{name}")())) for name in self.names
        )
        return Report(
            kind="reply", title=say("title", **letter)[:300], made_at=timezone.now(), front=front, body=tuple(body),
            appendices=appendices, honesty=self.honesty(), asked=tuple(self.blanks.asked), provisional=not self.campaign.is_closed,
        )  # fmt: skip

    # the body ----------------------------------------------------------------------------------------------------------

    def sections(self) -> Iterator[Block]:
        told: set[str] = set()
        place = 0
        for id, section in self.say.at("sections").items():
            mine = [
                line for line in self.checks if line.check not in told and line.check.startswith(tuple(section.get("checks", ())))
            ]
            told |= {line.check for line in mine}
            if id == "other" and not mine:
                continue
            if "ask" in section:
                self.blanks.known.add(id)
            place += 1
            yield text(f"{place}. {self.say.filled(section['title'], f'sections.{id}.title')}", Style.HEADING)
            for what in section["show"]:
                yield from getattr(self, f"say_{what}")(id, section, mine)

    def say_scope(self, _id: str, _section: Any, _mine: list[CheckLine]) -> Iterator[Block]:
        kinds = dict(self.account.under(self.part).order_by().values_list("kind").annotate(Count("pk")))
        words = self.say.at("kinds")
        told = ", ".join(f"{number(kinds[kind])} {words[kind]}" for kind in words if kinds.get(kind))
        started = grounds.moment(self.campaign.started_at or self.campaign.made_at)
        listed = self.say("scope_kinds", list=told) if told else ""
        yield text(self.say("scope", scope=self.numbers.scope, kinds=listed, started=started))

    def say_result(self, _id: str, _section: Any, _mine: list[CheckLine]) -> Iterator[Block]:
        numbers = self.numbers
        if numbers.share is None:
            yield text(self.say("result_none"))
            return
        yield text(
            self.say(
                "result",
                looked=self.looked,
                done=numbers.done,
                scope=numbers.scope,
                share=str(numbers.share),
                before=numbers.passed_before,
            )
        )

    def say_left(self, _id: str, _section: Any, _mine: list[CheckLine]) -> Iterator[Block]:
        if not self.numbers.scope:
            return
        if not self._left():
            yield text(self.say("left_nobody"))
            return
        yield text(self.say("left_intro"))
        counts = [(state, self.numbers.states[state]) for state in LEFT if self.numbers.states[state]]
        yield from items([self.say(f"left.{state}", count=count) for state, count in counts])
        yield text(self.say("left_note", annex=self.names["machines"]))

    def say_checks(self, _id: str, _section: Any, mine: list[CheckLine]) -> Iterator[Block]:
        scope, annex = self.numbers.scope, self.names["checks"]
        if not mine or not scope:
            return
        if len(mine) <= FEW:
            yield from items([self._check(line) for line in mine])
            return
        full = sum(line.passed == scope for line in mine)
        if full == len(mine):
            yield text(self.say("checks_all", count=len(mine), scope=scope, annex=annex))
            return
        lowest = min(mine, key=lambda line: line.passed)
        yield text(
            self.say(
                "checks_many" if full else "checks_many_none",
                count=len(mine),
                full=full,
                scope=scope,
                lowest=lowest.title,
                passed=lowest.passed,
                annex=annex,
            )
        )

    def _check(self, line: CheckLine) -> str:
        rest = [
            self.say(f"check_{name}", count=count)
            for name, count in (("failed", line.failed), ("unknown", line.unknown), ("unseen", line.unseen))
            if count
        ]
        return self.say("check", title=line.title, passed=line.passed, scope=line.scope, rest="".join(f", {one}" for one in rest))

    def say_lists(self, _id: str, _section: Any, _mine: list[CheckLine]) -> Iterator[Block]:
        """Letters and lists that go with the campaign, as they stand; of a closed one as they stood, told to whoever sees all of it."""
        told = []
        for of in self.campaign.lists:
            found = self._states(of)
            if not found:
                told.append(self.say("list_none", number=of))
            for one in found:
                counts = ", ".join(f"{running(word)}: {count}" for word, count in one.told if count)
                told.append(self.say("list", title=one.title, number=of, counts=counts or self.say("list_unkept")))
        if told:
            yield text(self.say("lists_intro"))
            yield from items(told)

    def _states(self, number: str) -> list[lists.ListState]:
        """Of a closed campaign as they stood: for all of it, as nothing else was kept."""
        if not self.campaign.is_closed:
            return lists.states(number, self.account)
        kept = [lists.ListState(**one) for one in self.campaign.result["lists"].get(number, ())]
        return kept if self.whole else [one._replace(counts={}) for one in kept]

    @property
    def whole(self) -> bool:
        """It speaks of the whole campaign, not of a part of it."""
        return self.account.sees_all and self.unit.pk == self.campaign.unit_id

    def say_ask(self, id: str, section: Any, _mine: list[CheckLine]) -> Iterator[Block]:
        yield from self.blanks.put(id, self.say.filled(section["ask"], f"sections.{id}.ask"))

    def say_received(self, _id: str, _section: Any, _mine: list[CheckLine]) -> Iterator[Block]:
        assert self.part is not None
        if self.part.received_at:
            yield text(self.say("received", at=grounds.moment(self.part.received_at)))

    def say_roster(self, id: str, section: Any, mine: list[CheckLine]) -> Iterator[Block]:
        roster = self._roster()
        if not roster:
            yield from self.say_ask(id, section, mine)
            return
        since = grounds.moment(min(datetime.fromisoformat(one["begin"]) for one in roster))
        until = grounds.moment(max(datetime.fromisoformat(one["end"]) for one in roster))
        people = len({(one["name"], one["phone"]) for one in roster})
        yield text(self.say("roster", people=people, since=since, until=until, annex=self.names["roster"]))

    def say_contacts(self, id: str, section: Any, mine: list[CheckLine]) -> Iterator[Block]:
        if not self.desk.contacts:
            yield from self.say_ask(id, section, mine)
            return
        yield text(self.say("contacts"))
        yield from items([self._contact(one) for one in self.desk.contacts])

    def _contact(self, one: dict[str, str]) -> str:
        email = self.say("contact_email", email=one["email"]) if one.get("email") else ""
        phones = self.say("contact_phones", phones=one["phones"]) if one.get("phones") else ""
        return self.say("contact", name=one["name"], email=email, phones=phones)

    def say_wishes(self, id: str, section: Any, mine: list[CheckLine]) -> Iterator[Block]:
        assert self.part is not None
        if self.part.handed_note and not self.blanks.said(id):
            self.blanks.answers = {**self.blanks.answers, id: self.part.handed_note}
        yield from self.say_ask(id, section, mine)

    # annexes -----------------------------------------------------------------------------------------------------------

    def annex_units(self) -> Iterator[Block]:
        rows: list[tuple[Any, ...]] = []
        for place, one in enumerate(self.account.branches(self.part), 1):
            name = self.say("units_itself", unit=one.part.name) if one.own else one.part.name
            rows.append((place, name, *self._row(one.numbers)))
        rows.append(("", self.say("units_sum"), *self._row(self.numbers)))
        shares = (5, 21, 8, 8, 9, 8, 8, 9, 9, 9, 6)
        yield table(
            self.say("annexes.units"), self.say.at("units_columns"), shares, rows, numbers=range(2, 11), strong=(len(rows) - 1,)
        )
        yield text(self.say("units_note"), Style.NOTE)

    def _row(self, numbers: Any) -> tuple[Any, ...]:
        states = (numbers.states[state] for state in (DONE, NOT_DONE, EXCUSED, UNKNOWN, MISSING, NEVER))
        return (numbers.scope, numbers.passed_before, *states, numbers.share if numbers.share is not None else "–")

    def annex_checks(self) -> Iterator[Block]:
        rows = [
            (place, one.title, one.passed_before, one.failed_before, one.unknown_before, one.unseen_before,
             one.passed, one.failed, one.unknown, one.unseen)
            for place, one in enumerate(self.checks, 1)
        ]  # fmt: skip
        shares = (5, 31, 8, 8, 8, 8, 8, 8, 8, 8)
        yield table(self.say("annexes.checks"), self.say.at("checks_columns"), shares, rows, numbers=range(2, 10))
        yield text(self.say("checks_note"), Style.NOTE)

    def annex_machines(self) -> Iterator[Block]:
        titles = {line.check: line.title for line in self.checks}
        left = self.account.under(self.part).filter(state__in=LEFT).select_related("part").order_by("part__path", "name", "pk")
        excuses = {one.row_id: one for one in Excuse.objects.filter(row__in=left.order_by().values("pk"))}
        states = self.say.at("states")
        rows = []
        for place, row in enumerate(left[:NAMED], 1):
            row.cut()
            rows.append(
                (
                    place,
                    row.name,
                    row.part.name,
                    states[row.state],
                    self._why(row, titles, excuses.get(row.pk)),
                    self._reported(row),
                )
            )
        yield table(self.say("annexes.machines"), self.say.at("machines_columns"), (6, 20, 20, 13, 27, 14), rows)
        if (more := self._left() - len(rows)) > 0:
            yield text(self.say("machines_more", count=more), Style.NOTE)

    def _why(self, row: Row, titles: dict[str, str], excuse: Excuse | None) -> str:
        if excuse is not None:
            return f"{excuse.reason} ({excuse.document})" if excuse.document else excuse.reason
        told = reason(row, titles)
        return told[:1].upper() + told[1:]

    def _reported(self, row: Row) -> str:
        return short(row.seen_at) or str(self.say.at("no_report"))

    def annex_roster(self) -> Iterator[Block]:
        rows: list[tuple[Cell, ...]] = [
            (
                place,
                one["name"],
                one["phone"],
                short(datetime.fromisoformat(one["begin"])),
                short(datetime.fromisoformat(one["end"])),
            )
            for place, one in enumerate(self._roster(), 1)
        ]
        yield table(self.say("annexes.roster"), self.say.at("roster_columns"), (6, 34, 20, 20, 20), rows)

    # what it rests on --------------------------------------------------------------------------------------------------

    def honesty(self) -> Honesty:
        account, part = self.account, self.part
        ground = self.campaign.result if self.campaign.is_closed else sealing.ground(self.campaign, account)
        scope = account.under(part)
        seen = scope.filter(seen_at__gt=self.campaign.started_at)
        times = seen.aggregate(since=Min("seen_at"), until=Max("seen_at"))
        silent = scope.filter(state__in=(MISSING, NEVER)).select_related("part").order_by("part__path", "name", "pk")
        words = self.say.at("states")
        rules = len([pk for pk in ground["rules_changed"] if pk in account.by_pk])
        remarks = [self.say("remark_rules", count=rules)] if rules else []
        return Honesty(
            scanned_by=self.desk.scanned_by, relation=self.desk.relation or "not_said", program=VERSION,
            since=times["since"], until=times["until"], counts=tuple(self._counts(seen.count())),
            unreached=tuple(Unreached(name=row.name, unit=row.part.name, why=words[row.state]) for row in silent[:UNREACHED]),
            unreached_more=max(0, silent.count() - UNREACHED),
            feeds=tuple(Dated(name=one["name"], day=date.fromisoformat(one["date"]) if one["date"] else None, old=one["old"]) for one in ground["feeds"]),
            packs=tuple(self._packs(ground["packs"])), remarks=(*remarks, self.say("remark_people")),
        )  # fmt: skip

    def _counts(self, reported: int) -> Iterator[Counted]:
        numbers, account = self.numbers, self.account
        told = {
            "scope": numbers.scope, "reported": reported, **{state: numbers.states[state] for state in (DONE, *LEFT)},
            "later": account.under(self.part, LATER).count(), "left_out": account.under(self.part, LEFT_OUT).count(),
        }  # fmt: skip
        return (Counted(text=self.say(f"counts.{name}"), number=number) for name, number in told.items())

    def _packs(self, used: list[dict[str, Any]]) -> Iterator[Pack]:
        """Their counts are those of the whole campaign, so only whoever sees all of it is told them."""
        for one in used:
            yield Pack(
                edition=_edition(one["baseline"]), version=one["version"], digest=one["digest"],
                level=one["level"], machines=one["machines"] if self.whole else None,
            )  # fmt: skip


def _edition(baseline: str) -> str:
    try:
        return packs.get(baseline).standard.edition
    except (BaselineError, OSError):
        return baseline


def parts(campaign: Campaign, user: User) -> list[Part]:
    """Those of which this person may make a reply."""
    return sorted(Account(campaign, user).answering(), key=lambda one: one.path)
