"""The quarterly report on equipment and its use: the register as it stands when it is made, and what its history says of the quarter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.db.models import Max, Min, Q, QuerySet
from django.utils import timezone

from server.documents.papers import register, resting
from server.documents.report import Appendix, Block, Cell, Count, Dated, Honesty, Report, Style, Unreached
from server.documents.texts import Texts
from server.documents.wanted import Wanted
from server.documents.writing import day, items, on, seen, table, text
from server.feeds import status as feeds
from server.findings.codes import FAIL, PASS, UNKNOWN
from server.ingest.models import IN_SERVICE, Machine
from server.registers import linking
from server.registers.books import BOOKS, whole
from server.registers.equipment import UNSEEN_DAYS
from server.registers.expiry import DONE_WITH, SORTS
from server.registers.models import CLASSES, DISPOSED, IN_REPAIR, IN_STORE, STATES, Item, ItemChange
from server.registers.record import Change
from server.registers.stocks import FOUND, OPEN_LINE, Line, Stocktake
from server.registers.stocktake import counts_of

LISTED = 500
"""Rows of one list in the body."""
NAMED = 5000
"""Devices in the annex; the register books have all."""
UNREACHED = 200
LIFE = "end-of-life"
TURNS = {
    "created": Q(kind=Change.CREATED), "handed": Q(field="person") & ~Q(new=""), "taken": Q(field="person", new=""),
    "moved": Q(field="unit"), "repair": Q(field="state", new=IN_REPAIR), "repaired": Q(field="state", old=IN_REPAIR),
    "stored": Q(field="state", new=IN_STORE), "retired": Q(field="state", new=DISPOSED),
    "parts": Q(kind=Change.FACTS) & ~Q(field="unit"),
}  # fmt: skip
"""What the history may say of a device -> its changes."""
COLUMNS = (
    "name", "device_class", "unit", "serial", "configuration", "equipped", "supplier", "warranty_until", "warranty", "person", "tag",
    "state", "past",
)  # fmt: skip


def write(of: Wanted) -> Report:
    """Raises NoSigner, TemplateError."""
    return _Equipment(of).report()


class _Equipment:
    def __init__(self, of: Wanted) -> None:
        self.of, self.span, self.blanks = of, of.span, of.blanks
        self.say = Texts("equipment.yaml", of.desk.values["wording"] or "anm")
        self.now, self.today = timezone.now(), timezone.localdate()
        self.every = register.entries(of)
        self.held = [one for one in self.every if one.state != DISPOSED]
        self.changes = of.rows(ItemChange, "item__unit__path")
        self.since = self.changes.aggregate(first=Min("at"))["first"]
        self.machines = of.rows(Machine).filter(IN_SERVICE)
        self.items = of.rows(Item)
        self.support = self.verdicts()

    @property
    def told(self) -> dict[str, str]:
        return {"quarter": self.span.said, "next": self.span.after.said, "unit": self.of.desk.named, "today": day(self.today)}

    @property
    def recorded(self) -> bool:
        """The register was kept in the quarter, or in a part of it; else its history says nothing of it."""
        return self.since is not None and self.since < self.span.ends and self.span.begins <= self.now

    def report(self) -> Report:
        say, told = self.say, self.told
        front = self.of.front(say("subject", **told), str(say.at("type")), str(say.at("short")))
        body: list[Block] = [text(say("intro", **told))]
        for name in ("numbers", "turns", "ends", "stocktakes", "gaps", "systems", "people"):
            body.append(text(say(f"headings.{name}", **told), Style.SECTION))
            body += getattr(self, name)()
        body.append(text(say("closing", **told)))
        annex = Appendix(title=say("annex"), blocks=tuple(self.annex()))
        return Report(
            kind="equipment", title=say("title", **told)[:300], made_at=self.now, front=front, body=tuple(body), appendices=(annex,),
            honesty=self.honesty(), asked=tuple(self.blanks.asked), provisional=self.of.provisional, landscape=True,
        )  # fmt: skip

    def listed(self, name: str, shares: Sequence[int], rows: QuerySet[Any] | list[Any], made: Any, **more: Any) -> Iterator[Block]:  # fmt: skip
        """A table of the first LISTED, and how many more there are."""
        shown, whole_count = list(rows[:LISTED]), len(rows) if isinstance(rows, list) else rows.count()
        title = self.say(f"tables.{name}", **self.told)
        yield table(title, self.say.at(f"{name}_columns"), shares, register.numbered(map(made, shown)), title=title, **more)
        if whole_count > len(shown):
            yield text(self.say("more", count=whole_count - len(shown)), Style.NOTE)

    # I: numbers --------------------------------------------------------------------------------------------------------

    def numbers(self) -> Iterator[Block]:
        say = self.say
        if not self.every:
            yield text(say("register_empty"))
            return
        counted = Counter((one.device_class, one.state) for one in self.every)
        states = [code for code, _word in STATES]
        rows: list[tuple[Cell, ...]] = []
        for code, word in CLASSES:
            each = [counted[code, state] for state in states]
            if sum(each):
                rows.append((len(rows) + 1, str(word), *each, sum(each) - counted[code, DISPOSED], sum(each)))
        each = [sum(one.state == state for one in self.every) for state in states]
        rows.append(("", say("sum"), *each, len(self.held), len(self.every)))
        yield text(say("numbers", count=len(self.held), disposed=len(self.every) - len(self.held), **self.told))
        title = say("tables.numbers", **self.told)
        yield table(title, say.at("numbers_columns"), (6, 32, 10, 10, 10, 12, 11, 9), rows, numbers=range(2, 8), strong=(len(rows) - 1,), title=title)  # fmt: skip
        yield text(say("numbers_note", **self.told), Style.NOTE)

    # II: the quarter ---------------------------------------------------------------------------------------------------

    def turns(self) -> Iterator[Block]:
        say = self.say
        if not self.recorded:
            yield text(say("unrecorded", **self.told))
        elif self.since and self.since > self.span.begins:
            yield text(say("recorded_since", day=day(timezone.localtime(self.since).date()), **self.told))
        inside = self.changes.filter(at__gte=self.span.begins, at__lt=self.span.ends)
        rows: list[tuple[Cell, ...]] = []
        for name, condition in TURNS.items():
            found = inside.filter(condition)
            many = (found.order_by().values("item").distinct().count(), found.count()) if self.recorded else (None, None)
            rows.append((len(rows) + 1, say(f"turns.{name}"), *many))
        title = say("tables.turns", **self.told)
        yield table(title, say.at("turns_columns"), (8, 62, 15, 15), rows, numbers=(2, 3), title=title)
        yield text(say("turns_note"), Style.NOTE)
        yield from self.equipped()
        choices = {name: {code: str(word) for code, word in words.items()} for name, words in BOOKS["equipment"].choices.items()}
        single = ~TURNS["created"] & (Q(field__in=("person", "unit", "state")) | TURNS["parts"])
        rows_of_it = inside.filter(single).select_related("item__unit", "item__machine__unit").order_by("at", "pk")
        if self.recorded and rows_of_it.exists():
            made = lambda one: (  # noqa: E731
                seen(one.at), one.item.shown("name").value, one.item.tag or one.item.shown("serial").value,
                one.item.unit.name, register.what(BOOKS["equipment"], one, choices),
            )  # fmt: skip
            yield from self.listed("changes", (5, 10, 22, 15, 20, 28), rows_of_it, made)

    def equipped(self) -> Iterator[Block]:
        """By the day that people wrote down, which is the same whenever one looks."""
        dated = [one for one in self.every if one.equipped]
        if not self.every:
            return
        bought = sum(self.span.first <= one.equipped <= self.span.last for one in dated if one.equipped)
        yield text(self.say("equipped", count=bought, unsaid=len(self.every) - len(dated), **self.told))

    # III: what ends ----------------------------------------------------------------------------------------------------

    def ends(self) -> Iterator[Block]:
        after, say = self.span.after, self.say
        counted: list[tuple[Cell, ...]] = []
        due: list[tuple[Cell, ...]] = []
        for name, sort in SORTS.items():
            rows = whole(self.of.rows(sort.book.model)).exclude(state__in=DONE_WITH)
            ending = rows.filter(**{f"{sort.field}__gte": after.first, f"{sort.field}__lte": after.last}).order_by(
                sort.field, "pk"
            )
            before = rows.filter(**{f"{sort.field}__lt": after.first}).count()
            unsaid = rows.filter(**{f"{sort.field}": None}).count()
            word = say(f"sorts.{name}")
            counted.append((word, ending.count(), before, unsaid, rows.count()))
            due += [(word, one.shown("name").value, one.unit.name, on(getattr(one, sort.field)), one.supplier) for one in ending]  # fmt: skip
        title = say("tables.ends", **self.told)
        yield table(title, say.at("ends_columns"), (36, 16, 16, 16, 16), counted, numbers=range(1, 5), centred=(), title=title)
        if due:
            yield from self.listed("due", (5, 19, 28, 20, 10, 18), due, lambda one: one)
        yield text(say("ends_note", **self.told), Style.NOTE)

    # IV: stock-takes ---------------------------------------------------------------------------------------------------

    def stocktakes(self) -> Iterator[Block]:
        say = self.say
        held = list(self.of.rows(Stocktake).filter(on__gte=self.span.first, on__lte=self.span.last).order_by("on", "pk"))
        if not held:
            yield text(say("stocktakes_none", **self.told))
            return
        counts, states = counts_of(held), say.at("stocktake_states")
        rows = [
            (place, one.name, one.unit_name, on(one.on), states[one.state], *(self.counted(one, counts[one.pk], name) for name in ("all", "found", "missing", "elsewhere", "surplus", "undecided")))
            for place, one in enumerate(held, 1)
        ]  # fmt: skip
        title = say("tables.stocktakes", **self.told)
        yield table(title, say.at("stocktakes_columns"), (5, 21, 17, 9, 10, 6, 6, 6, 7, 6, 7), rows, numbers=range(5, 11), title=title)  # fmt: skip
        words = say.at("outcomes")
        lines = self.of.rows(Line, "stocktake__unit__path").filter(stocktake__in=held).exclude(outcome__in=(FOUND, OPEN_LINE))
        lines = lines.select_related("stocktake").order_by("stocktake__on", "stocktake", "pk")
        made = lambda one: (one.stocktake.name, one.name, one.serial or one.tag, one.unit_name, words[one.outcome], one.place, one.note)  # noqa: E731  # fmt: skip
        if lines.exists():
            yield from self.listed("lines", (5, 17, 20, 13, 15, 10, 10, 10), lines, made)
        yield text(say("stocktakes_note"), Style.NOTE)

    def counted(self, one: Stocktake, counts: dict[str, int], name: str) -> int | None:
        """Of a list that is still being written down nothing is known."""
        return None if one.state == Stocktake.PREPARING else counts[name]

    # V: register and scans ---------------------------------------------------------------------------------------------

    def gap_numbers(self) -> dict[str, int]:
        never = self.items.filter(~Q(state=DISPOSED), machine__isnull=False, machine__latest=None)
        return {
            "machines": self.machines.count(), "unlisted": self.machines.filter(item=None).count(),
            "alone": self.items.filter(linking.ALONE).count(), "never": never.count(),
            "silent": self.items.filter(linking.unseen(self.now, UNSEEN_DAYS)).exclude(machine__latest=None).count(),
        }  # fmt: skip

    def gaps(self) -> Iterator[Block]:
        say, numbers = self.say, self.gap_numbers()
        days = str(UNSEEN_DAYS)
        yield text(say("gaps", **self.told))
        yield from items([say(f"gap.{name}", count=count, days=days) for name, count in numbers.items()])
        if numbers["unlisted"]:
            rows = self.machines.filter(item=None).select_related("unit", "latest").defer("latest__sealed").order_by("unit__path", "name", "pk")  # fmt: skip
            made = lambda one: (one.name, one.get_kind_display(), one.serial or None, one.unit.name, self.at(one))  # noqa: E731
            yield from self.listed("unlisted", (5, 30, 13, 20, 20, 12), rows, made)
        if numbers["alone"] or numbers["never"]:
            missing = linking.ALONE | (Q(machine__isnull=False, machine__latest=None) & ~Q(state=DISPOSED))
            entries = whole(self.items.filter(missing)).order_by("unit__path", "name", "pk")
            why = say.at("missing")
            made = lambda one: (one.shown("name").value, one.shown("serial").value, one.tag, one.unit.name, why["never" if one.machine_id else "alone"])  # noqa: E731  # fmt: skip
            yield from self.listed("missing", (5, 27, 18, 12, 19, 19), entries, made)
        yield text(say("gaps_note", days=days), Style.NOTE)

    def at(self, machine: Machine) -> str:
        return seen(machine.latest.orders_at) if machine.latest else self.say("no_report")

    # VI: operating systems ---------------------------------------------------------------------------------------------

    def verdicts(self) -> dict[int, str]:
        """Machine -> supported, unsupported, unknown: by the verdicts that stand, from the newest report of each."""
        words = {FAIL: "unsupported", PASS: "supported", UNKNOWN: "unknown"}
        return {pk: words[verdict] for pk, verdict in resting.support(self.of).items()}

    def systems(self) -> Iterator[Block]:
        say = self.say
        counts = Counter(self.support.values())
        yield text(say("systems", count=len(self.support)))
        yield from items([say(f"system.{name}", count=counts[name]) for name in ("unsupported", "supported", "unknown")])
        if counts["unsupported"]:
            wanted = {pk for pk, word in self.support.items() if word == "unsupported"}
            rows = [one for one in self.machines.select_related("unit", "latest").defer("latest__sealed").order_by("unit__path", "name", "pk") if one.pk in wanted]  # fmt: skip
            made = lambda one: (one.name, one.get_kind_display(), one.os_name or None, one.unit.name, self.at(one))  # noqa: E731
            yield from self.listed("unsupported", (5, 25, 13, 27, 18, 12), rows, made)
        yield text(say("systems_note"), Style.NOTE)

    # VII: what no machine knows ----------------------------------------------------------------------------------------

    def people(self) -> Iterator[Block]:
        for id in ("maintenance", "wishes"):
            yield text(self.say(f"asks.{id}.title"), Style.HEADING)
            yield from self.blanks.put(id, self.say(f"asks.{id}.ask", **self.told))

    def annex(self) -> Iterator[Block]:
        inside = self.changes.filter(at__gte=self.span.begins, at__lt=self.span.ends)
        shown = self.held[:NAMED]
        past = register.history(BOOKS["equipment"], inside, shown) if self.recorded else {}
        rows = []
        for one in shown:
            cells = register.device(one, self.say)
            cells["past"] = "\n".join(past.get(one.pk, ())) if self.recorded else None
            rows.append([cells[name] for name in COLUMNS])
        shares = (4, 9, 6, 7, 8, 10, 9, 6, 9, 6, 7, 5, 5, 9)
        yield table(
            self.say("annex"), self.say.at("annex_columns"), shares, register.numbered(rows), empty=self.say("annex_none")
        )
        if len(self.held) > len(shown):
            yield text(self.say("more", count=len(self.held) - len(shown)), Style.NOTE)
        yield text(self.say("annex_note"), Style.NOTE)

    # what it rests on --------------------------------------------------------------------------------------------------

    def honesty(self) -> Honesty:
        say, counts = self.say, Counter(self.support.values())
        times = self.machines.aggregate(since=Min("reported_at"), until=Max("reported_at"))
        told = {
            "held": len(self.held), "disposed": len(self.every) - len(self.held), **self.gap_numbers(),
            **{name: counts[name] for name in ("unsupported", "supported", "unknown")},
        }  # fmt: skip
        before = self.now - timedelta(days=UNSEEN_DAYS)
        quiet = self.machines.filter(Q(latest=None) | Q(reported_at__lt=before))
        rows = quiet.select_related("unit", "latest").defer("latest__sealed").order_by("unit__path", "name", "pk")
        return self.of.honesty(
            since=times["since"], until=times["until"],
            counts=tuple(Count(text=say(f"counts.{name}", days=str(UNSEEN_DAYS)), number=count) for name, count in told.items()),
            unreached=tuple(Unreached(name=one.name, unit=one.unit.name, why=say("silent_since", day=self.at(one)) if one.latest else say("silent_never")) for one in rows[:UNREACHED]),
            unreached_more=max(0, rows.count() - UNREACHED),
            feeds=tuple(Dated(name=one.name, day=one.data_date, old=one.old) for one in feeds.standings() if one.kind == LIFE),
            remarks=tuple(self.remarks()),
        )  # fmt: skip

    def remarks(self) -> Iterator[str]:
        for name in ("form", "moment", "history", "gone", "stocktakes", "words"):
            yield self.say(f"remarks.{name}", **self.told)
