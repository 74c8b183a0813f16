"""Stock-takes (kiểm kê): what the register said on a day, and of each line what a person found. Closed, nothing of it changes.

What machines told stands beside each line. It ticks nothing: a machine that reported may stand in another room, and one that is
silent may lie on its shelf. A line nobody decided is not a device that is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from itertools import islice
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from server.background.declare import Work
from server.ingest.models import Machine
from server.journal import models as journal
from server.registers.books import lend_units
from server.registers.models import DISPOSED, Item
from server.registers.stocks import ELSEWHERE, FOUND, MISSING, OPEN_LINE, OUTCOMES, SURPLUS, Line, Stocktake
from server.units.models import Unit

DECISIONS = (FOUND, MISSING, ELSEWHERE)
"""What a person may say of a line of the register."""
SLICE = 500
MOST = 500
"""Lines that are decided at a time."""


class Closed(Exception):
    """Nothing of it changes any more, or not yet."""


class Decision(NamedTuple):
    """What a person says of lines."""

    outcome: str
    place: str = ""
    note: str = ""


def begin(unit: Unit, name: str, on: date, by: str, decision: str = "", people: str = "") -> Stocktake:
    """A stock-take whose lines are written down in the background (tasks.py)."""
    with transaction.atomic():
        made = Stocktake.objects.create(
            unit=unit, unit_name=unit.name, name=name, on=on, decision=decision, people=people, created_by=by[:200]
        )
        journal.write("stocktake.new", by, unit_path=unit.path, subject=name, date=on.isoformat())
    return made


def freeze(work: Work, pk: int) -> int:
    """Write down what the register says, in slices; taken up again, it goes on where it stood. How many lines."""
    held = Stocktake.objects.select_related("unit").get(pk=pk)
    if held.state != Stocktake.PREPARING:
        return 0
    items = Item.objects.filter(unit__path__under=held.unit.path).exclude(state=DISPOSED)
    items = items.select_related("unit", "machine__unit")
    work.expect(items.count())
    after = work.kept.get("after", 0)
    while part := list(items.filter(pk__gt=after).order_by("pk")[:SLICE]):
        after = part[-1].pk
        with work.slice(len(part), after=after):
            Line.objects.bulk_create([_line(held, item) for item in part])
    with work.slice(0):
        Stocktake.objects.filter(pk=pk, state=Stocktake.PREPARING).update(state=Stocktake.OPEN, frozen_at=timezone.now())
    return held.lines.count()


def _line(held: Stocktake, item: Item) -> Line:
    machine = item.reads
    return Line(
        stocktake=held, number=item.pk, name=item.shown("name").value[:253], device_class=item.device_class,
        serial=item.shown("serial").value[:128], tag=item.tag, person=item.person, unit_name=item.unit.name, item_state=item.state,
        machine=machine, machine_name=machine.name if machine else "", seen_at=item.seen_at,
    )  # fmt: skip


def decide(held: Stocktake, seen: Mapping[int, int], decision: Decision, by: str) -> list[Line]:
    """Say it of these lines, each as it was in the version that was seen; those that somebody else turned meanwhile are given
    back as they stand. Raises Closed."""
    late = []
    with transaction.atomic():
        _open(held)
        for line in held.lines.select_for_update(of=("self",)).filter(pk__in=list(seen)[:MOST]).order_by("pk"):
            if line.version != seen[line.pk] or (line.number is None) != (decision.outcome == SURPLUS):
                late.append(line)
                continue
            line.outcome, line.place, line.note = decision
            line.by, line.at, line.version = by[:200], timezone.now(), line.version + 1
            line.save(update_fields=["outcome", "place", "note", "by", "at", "version"])
    return late


def add(held: Stocktake, name: str, by: str, serial: str = "", tag: str = "", place: str = "", note: str = "") -> Line:
    """A device that is there and in no register. Raises Closed."""
    with transaction.atomic():
        _open(held)
        return Line.objects.create(
            stocktake=held, name=name, serial=serial, tag=tag, place=place, note=note, outcome=SURPLUS, by=by[:200], at=timezone.now()
        )  # fmt: skip


def drop(held: Stocktake, pk: int) -> None:
    """Take a surplus line back; what the register said stays. Raises Closed."""
    with transaction.atomic():
        _open(held)
        held.lines.filter(pk=pk, number=None).delete()


def close(held: Stocktake, by: str, words: str = "", address: str = "") -> None:
    """From now on it is what was found. Lines nobody decided stay so, and are counted apart. Raises Closed."""
    with transaction.atomic():
        _open(held)
        newest = Machine.objects.filter(pk=OuterRef("machine")).values("reported_at")[:1]
        here = Q(machine__unit__path__startswith=held.unit.path)
        Line.objects.filter(pk__in=held.lines.filter(here).values("pk")).update(last_at=Subquery(newest))
        now = timezone.now()
        Stocktake.objects.filter(pk=held.pk).update(state=Stocktake.CLOSED, closed_at=now, closed_by=by[:200], words=words[:2000])
        told = {name: count for name, count in counts(held).items() if name != "all"}
        journal.write("stocktake.closed", by, unit_path=held.unit.path, subject=held.name, address=address, **told)


def _open(held: Stocktake) -> None:
    """Whoever writes holds the stock-take: it cannot be closed meanwhile."""
    if Stocktake.objects.select_for_update(of=("self",)).filter(pk=held.pk, state=Stocktake.OPEN).first() is None:
        raise Closed(_("This stock-take is closed, or not written down yet: nothing of it was changed."))


def counts(held: Stocktake) -> dict[str, int]:
    """Lines by what was found; `undecided`: nobody has said anything."""
    return counts_of([held])[held.pk]


def counts_of(some: Iterable[Stocktake]) -> dict[int, dict[str, int]]:
    """The same of several, in one statement."""
    found: dict[int, dict[str, int]] = {held.pk: {} for held in some}
    rows = Line.objects.filter(stocktake__in=list(found)).order_by().values_list("stocktake", "outcome")
    for pk, outcome, number in rows.annotate(Count("pk")):
        found[pk][outcome] = number
    return {pk: _told(numbers) for pk, numbers in found.items()}


def _told(found: dict[str, int]) -> dict[str, int]:
    told = {name: found.get(name, 0) for name, _word in OUTCOMES} | {"undecided": found.get(OPEN_LINE, 0)}
    return {"all": sum(told.values()), **told}


def lines_of(held: Stocktake, outcome: str = "all", words: str = "") -> QuerySet[Line]:
    rows = held.lines.select_related("machine").order_by(F("number").asc(nulls_last=True), "pk")
    if outcome == "undecided":
        rows = rows.filter(outcome=OPEN_LINE)
    elif outcome == "differs":
        rows = rows.exclude(outcome=FOUND)
    elif outcome in dict(OUTCOMES):
        rows = rows.filter(outcome=outcome)
    if words:
        named = Q(name__icontains=words) | Q(serial__icontains=words) | Q(tag__icontains=words)
        rows = rows.filter(named | Q(person__icontains=words) | Q(unit_name__icontains=words))
    return rows


def whole(rows: Iterable[Line], held: Stocktake) -> Iterable[Line]:
    """With the stock-take they are of, which is in memory already, and the units of their machines."""
    lines = iter(rows)
    while part := list(islice(lines, SLICE)):
        lend_units(line.machine for line in part if line.machine is not None)
        for line in part:
            line.stocktake = held
            yield line
