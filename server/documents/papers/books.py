"""The register books: Sổ theo dõi thiết bị and Sổ theo dõi phần mềm with the fields of the regulation, and an opening page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from django.db.models import Count as Counted
from django.utils import timezone

from server.documents.numerals import in_words
from server.documents.papers import register
from server.documents.report import Appendix, Block, Cell, Count, Honesty, Report, Style, Unreached
from server.documents.texts import Texts
from server.documents.wanted import Wanted
from server.documents.writing import day, items, on, seen, table, text
from server.ingest.models import Machine
from server.registers.books import BOOKS
from server.registers.installed import UNCOUNTED, Program, ProgramChange, Use
from server.registers.models import DISPOSED, ItemChange

EQUIPMENT = ("name", "unit", "serial", "configuration", "equipped", "supplier", "warranty_until", "warranty", "person", "history", "tag", "read")  # fmt: skip
SOFTWARE = ("name", "function", "kind", "maker", "supplier", "used_since", "servers", "copies", "installer", "state", "history", "licence_number", "read")  # fmt: skip
"""Fields that QĐ 3582/QĐ-BHXH names, II.1.2 and II.2.2, in its order; the tag of the device, and what machines read."""
NAMED = 20
"""Servers that a cell names; of the others it says how many."""
UNREACHED = 200


def write(of: Wanted) -> Report:
    """Raises NoSigner, TemplateError."""
    return _Books(of).report()


class _Read(NamedTuple):
    """What was read of the machines of a unit itself."""

    path: str
    counted: int
    uncounted: int
    since: datetime | None
    until: datetime | None


class _Books:
    def __init__(self, of: Wanted) -> None:
        self.of, self.blanks = of, of.blanks
        self.say = Texts("books.yaml", of.desk.values["wording"] or "anm")
        self.now, self.today = timezone.now(), timezone.localdate()
        self.items = register.entries(of)
        self.programs = list(of.rows(Program).select_related("unit").order_by("unit__path", "name", "pk"))
        self.read = list(self._read())
        self.servers, self.copies = self._uses()

    def report(self) -> Report:
        say, told = self.say, {"unit": self.of.desk.named, "today": day(self.today)}
        front = self.of.front(say("subject", **told), str(say.at("type")), str(say.at("short")), ())
        body = tuple(self.opening(told))
        books = (("equipment", self.equipment()), ("software", self.software()))
        return Report(
            kind="books", title=say("title", **told)[:300], made_at=self.now, front=front, body=body,
            appendices=tuple(Appendix(title=say(f"books.{name}.title"), blocks=tuple(blocks)) for name, blocks in books),
            honesty=self.honesty(), asked=tuple(self.blanks.asked), provisional=self.of.provisional, landscape=True,
        )  # fmt: skip

    def opening(self, told: dict[str, str]) -> Iterator[Block]:
        say = self.say
        yield text(say("intro", **told))
        yield text(say("unit", **told))
        begun = [one.created_at for one in (*self.items, *self.programs)]
        yield text(say("since", day=day(timezone.localtime(min(begun)).date())) if begun else say("since_never"))
        yield text(say("rows"))
        books = (("equipment", self.items), ("software", self.programs))
        yield from items([say(f"books.{name}.rows", count=len(rows), words=in_words(len(rows))) for name, rows in books])
        yield text(say("responsible"), Style.HEADING)
        yield from self.blanks.put("responsible", say("responsible_ask"))
        yield text(say("closing", **told))

    # equipment ---------------------------------------------------------------------------------------------------------

    def equipment(self) -> Iterator[Block]:
        say = self.say
        past = register.history(BOOKS["equipment"], self.of.rows(ItemChange, "item__unit__path"), self.items)
        rows = []
        for one in self.items:
            cells = register.device(one, say)
            cells["history"] = "\n".join((say("state", state=str(cells["state"])), *past.get(one.pk, ())))
            rows.append([cells[name] for name in EQUIPMENT])
        shares = (4, 8, 8, 8, 10, 9, 6, 9, 6, 7, 11, 5, 9)
        yield table(say("books.equipment.title"), say.at("books", "equipment", "columns"), shares, register.numbered(rows), empty=say("books.equipment.none"))  # fmt: skip
        yield text(say("read_note"), Style.NOTE)

    # software ----------------------------------------------------------------------------------------------------------

    def software(self) -> Iterator[Block]:
        say, choices = self.say, BOOKS["software"].choices
        past = register.history(BOOKS["software"], self.of.rows(ProgramChange, "program__unit__path"), self.programs)
        rows = []
        for one in self.programs:
            cells: dict[str, Cell] = {
                "name": one.name, "function": one.function, "kind": str(choices["kind"].get(one.kind, one.kind)), "maker": one.maker,
                "supplier": one.supplier, "used_since": on(one.used_since), "installer": one.installer,
                "state": str(choices["state"].get(one.state, one.state)), "licence_number": one.licence_number,
                "history": "\n".join(past.get(one.pk, ())), **self.counted(one),
            }  # fmt: skip
            rows.append([cells[name] for name in SOFTWARE])
        shares = (4, 10, 9, 6, 6, 6, 9, 8, 6, 6, 6, 9, 6, 9)
        yield table(say("books.software.title"), say.at("books", "software", "columns"), shares, register.numbered(rows), numbers=(8,), empty=say("books.software.none"))  # fmt: skip
        yield text(say("copies_note"), Style.NOTE)

    def counted(self, one: Program) -> dict[str, Cell]:
        """Servers and copies as machines tell. None: nobody said what it is called there, or no machine was read."""
        here = [read for read in self.read if read.path.startswith(one.unit.path)]
        if not one.rules or not sum(read.counted for read in here):
            return {"servers": None, "copies": None, "read": self.say("uncounted") if one.rules else self.say("no_rules")}
        unseen = sum(read.uncounted for read in here)
        copies = sum(many for path, many in self.copies[one.pk] if path.startswith(one.unit.path))
        names = sorted({name for path, name in self.servers[one.pk] if path.startswith(one.unit.path)})
        more = f" … (+{len(names) - NAMED})" if len(names) > NAMED else ""
        since, until = min(filter(None, (read.since for read in here))), max(filter(None, (read.until for read in here)))
        days = "–".join(dict.fromkeys((seen(since), seen(until))))
        return {
            "servers": ", ".join(names[:NAMED]) + more if names else self.say("no_server"),
            "copies": f"≥ {copies}" if unseen else copies, "read": self.say("counted_on", days=days),
        }  # fmt: skip

    def _read(self) -> Iterator[_Read]:
        machines = self.of.rows(Machine).filter(retired_at=None, kind__in=("server", "workstation")).order_by()
        blind = set(machines.filter(UNCOUNTED).values_list("pk", flat=True))
        found: dict[str, list[datetime | None]] = defaultdict(list)
        for pk, path, at in machines.values_list("pk", "unit__path", "told__at"):
            found[path].append(None if pk in blind else at)
        for path, times in found.items():
            seen = [at for at in times if at is not None]
            yield _Read(path, len(seen), len(times) - len(seen), min(seen, default=None), max(seen, default=None))

    def _uses(self) -> tuple[dict[int, list[tuple[str, str]]], dict[int, list[tuple[str, int]]]]:
        """Program -> (path of the unit, name) of servers; -> (path, number) of workstations: one query each, however many programs."""
        uses = self.of.rows(Use, "machine__unit__path").filter(machine__retired_at=None).order_by()
        servers: dict[int, list[tuple[str, str]]] = defaultdict(list)
        copies: dict[int, list[tuple[str, int]]] = defaultdict(list)
        named = uses.filter(machine__kind="server").values_list("program", "machine__unit__path", "machine__name").distinct()
        for program, path, name in named.iterator(chunk_size=2000):
            servers[program].append((path, name))
        many = uses.filter(machine__kind="workstation").values_list("program", "machine__unit__path")
        for program, path, number in many.annotate(Counted("machine", distinct=True)):
            copies[program].append((path, number))
        return servers, copies

    # what it rests on --------------------------------------------------------------------------------------------------

    def honesty(self) -> Honesty:
        say = self.say
        linked = [one for one in self.items if one.reads is not None]
        silent = [one for one in linked if one.seen_at is None]
        told = {
            "items": len(self.items), "disposed": sum(one.state == DISPOSED for one in self.items), "linked": len(linked),
            "silent": len(silent), "typed": len(self.items) - len(linked), "programs": len(self.programs),
            "counted": sum(bool(one.rules) for one in self.programs), "uncounted": sum(not one.rules for one in self.programs),
            "machines": sum(read.counted for read in self.read), "unseen": sum(read.uncounted for read in self.read),
        }  # fmt: skip
        times = [one.seen_at for one in linked if one.seen_at is not None]
        times += [at for read in self.read for at in (read.since, read.until) if at is not None]
        return self.of.honesty(
            since=min(times, default=None), until=max(times, default=None),
            counts=tuple(Count(text=say(f"counts.{name}"), number=count) for name, count in told.items()),
            unreached=tuple(Unreached(name=one.shown("name").value, unit=one.unit.name, why=say("silent")) for one in silent[:UNREACHED]),
            unreached_more=max(0, len(silent) - UNREACHED),
            remarks=tuple(say(f"remarks.{name}", most=register.HISTORY) for name in ("fields", "read", "above", "history", "gone")),
        )  # fmt: skip
