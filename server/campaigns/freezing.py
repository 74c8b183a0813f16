"""The account of a campaign: made when it starts, in slices; looked over again and again; sealed when it closes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date as Day
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from server.campaigns import proof
from server.campaigns.models import LATER, LEFT_OUT, SCOPE, Campaign, Part, Row
from server.coverage.models import TWICE, Expected
from server.findings import codes
from server.ingest.models import IN_SERVICE, Machine
from server.units.models import Unit
from server.units.paths import outermost

SLICE = 500


def tops(campaign: Campaign) -> list[Unit]:
    """The units it is about, each with all below; none inside another."""
    chosen = Unit.objects.filter(pk__in=campaign.units or [campaign.unit_id], path__under=campaign.unit.path)
    by_path = {unit.path: unit for unit in chosen}
    return [by_path[path] for path in outermost(by_path)]


def within(path: str, units: list[Unit]) -> Q:
    """Condition on a model whose unit's path is reached by `path`."""
    condition = Q(pk__in=[])
    for unit in units:
        condition |= Q(**{f"{path}__under": unit.path})
    return condition


def machines_of(campaign: Campaign) -> Q:
    return within("unit__path", tops(campaign)) & Q(kind__in=campaign.kinds)


def lines_of(campaign: Campaign, start: datetime) -> Q:
    """Lines of lists that no machine was known for at that moment. A list that names no kind may mean any."""
    nobody = Q(machine=None) | Q(machine__created_at__gt=start)
    return Q(listed=True) & nobody & within("unit__path", tops(campaign)) & Q(kind__in=["", *campaign.kinds])


class Parts:
    """The parts of a campaign, by where a machine lies now."""

    def __init__(self, campaign: Campaign) -> None:
        self.by_unit = {part.unit_id: part for part in Part.objects.filter(campaign=campaign)}

    def of(self, unit: Unit) -> Part | None:
        """A unit that was made after the start counts with the one above it."""
        return next((self.by_unit[pk] for pk in reversed(unit.ids) if pk in self.by_unit), None)


def freeze_machines(campaign: Campaign, after: int) -> int | None:
    """The next slice of those that enrolled; the last number of it, None at the end. Twice is the same as once. Who is excused
    by lists is left out, and named."""
    assert campaign.started_at is not None
    there = Q(created_at__lte=campaign.started_at) & (IN_SERVICE | Q(retired_at__gt=campaign.started_at))
    found = Machine.objects.filter(machines_of(campaign), there, pk__gt=after)
    machines = list(found.select_related("unit").order_by("pk")[:SLICE])
    if not machines:
        return None
    parts = Parts(campaign)
    starts = proof.at_start(machines, proof.rules_of(campaign.checks), campaign.started_at)
    excuses = _excuses(machines, campaign.started_at)
    rows = []
    for machine in machines:
        start, part, said = starts[machine.pk], parts.of(machine.unit), excuses.get(machine.pk, "")
        if part is not None:
            rows.append(
                Row(
                    campaign=campaign, part=part, machine=machine, name=machine.name, kind=machine.kind, before=start.before,
                    before_checks=start.checks, before_at=start.at, before_snapshot=start.snapshot,
                    place=LEFT_OUT if said else SCOPE, note=said,
                )
            )  # fmt: skip
    Row.objects.bulk_create(rows, ignore_conflicts=True)
    return machines[-1].pk


def _excuses(machines: list[Machine], start: datetime) -> dict[int, str]:
    """Machine -> why it is left out: every line of lists that expects it is excused, by somebody of the unit it is in or above.

    A line that stands there twice is excused for itself alone: the machine is there, once.
    """
    units, today = {machine.pk: machine.unit for machine in machines}, timezone.localdate(start)
    said: dict[int, list[str]] = defaultdict(list)
    lines = Expected.objects.filter(listed=True, machine__in=list(units), first_at__lte=start)
    for line in lines.select_related("unit").order_by("pk"):
        assert line.machine_id is not None
        excuse = _excuse(line, today)
        if not (excuse and line.excuse == TWICE):
            said[line.machine_id].append(excuse if units[line.machine_id].path.startswith(line.unit.path) else "")
    return {pk: "; ".join(excuses)[:500] for pk, excuses in said.items() if all(excuses)}


def _excuse(line: Expected, today: Day) -> str:
    """Why, and who said so; empty: it is not excused that day."""
    if not line.excuse or (line.excused_until is not None and line.excused_until < today):
        return ""
    said = ": ".join(filter(None, (str(line.get_excuse_display()), line.excuse_note)))
    return f"{said} ({line.excused_by})"[:500]


def freeze_lines(campaign: Campaign, after: int) -> int | None:
    """The same of the lines of lists; who is excused there is left out, and named."""
    assert campaign.started_at is not None
    lines = Expected.objects.filter(lines_of(campaign, campaign.started_at), pk__gt=after, first_at__lte=campaign.started_at)
    found = list(lines.select_related("unit").order_by("pk")[:SLICE])
    if not found:
        return None
    parts, today = Parts(campaign), timezone.localdate(campaign.started_at)
    rows = []
    for line in found:
        part = parts.of(line.unit)
        if part is None:
            continue
        said = _excuse(line, today)
        rows.append(
            Row(
                campaign=campaign, part=part, expected=line, listed=True, name=line.name, kind=line.kind,
                place=LEFT_OUT if said else SCOPE, note=said,
            )
        )  # fmt: skip
    Row.objects.bulk_create(rows, ignore_conflicts=True)
    return found[-1].pk


Advance = Callable[[int], None]


def look(campaign: Campaign, now: datetime, advance: Advance = lambda count: None, *, last: bool = False) -> bool:
    """Where every row stands now, and who came later. Nothing is ever taken out of the scope.

    `last`: the look before it is sealed. Any other ends, False, where the campaign is being closed or was looked at later:
    what it found would be written over what is newer.
    """
    mine = Campaign.objects.select_for_update(of=("self",)).filter(pk=campaign.pk)
    if last:
        mine = mine.filter(state=Campaign.CLOSING)
    else:
        mine = mine.filter(Q(looked_at=None) | Q(looked_at__lte=now), state__in=(Campaign.STARTING, Campaign.RUNNING))
    if not _came_later(campaign, mine):
        return False
    one = proof.Look(campaign, now)
    counted: dict[int, dict[str, list[int]]] = defaultdict(dict)
    after = 0
    while rows := _slice(campaign, after):
        found = one.at(rows)
        changed = []
        for row in rows:
            before = [getattr(row, name) for name in proof.LOOKED]
            for name in proof.LOOKED:
                setattr(row, name, getattr(found[row.pk], name))
            if before != [getattr(row, name) for name in proof.LOOKED]:
                changed.append(row)
            if row.place == SCOPE:
                _count(counted[row.part_id], row)
        with transaction.atomic():
            if not _held(mine):
                return False
            Row.objects.bulk_update(changed, proof.LOOKED, batch_size=SLICE)
        after = rows[-1].pk
        advance(len(rows))
    parts = [part for part in Part.objects.filter(campaign=campaign) if part.checks != counted.get(part.pk, {})]
    for part in parts:
        part.checks = counted.get(part.pk, {})
    packs = proof.packs_used(campaign)
    for start in range(0, len(parts) + 1, SLICE):
        with transaction.atomic():
            if not _held(mine):
                return False
            Part.objects.bulk_update(parts[start : start + SLICE], ["checks"])
            if start + SLICE > len(parts):
                mine.update(looked_at=now, packs=packs)
    campaign.looked_at, campaign.packs = now, packs
    return True


def _held(mine: QuerySet[Campaign]) -> bool:
    """It is still as it was, and stays so until the end of the transaction."""
    return bool(list(mine.order_by().values_list("pk", flat=True)))


def _slice(campaign: Campaign, after: int) -> list[Row]:
    rows = Row.objects.filter(campaign=campaign, pk__gt=after).order_by("pk")
    return list(rows.select_related("part", "machine__agent", "expected__machine__agent")[:SLICE])


def _count(counts: dict[str, list[int]], row: Row) -> None:
    """Three numbers of the start, three of now: failed, unknown, passed."""
    # what a machine that was moved tells is of its new unit: counted here it would be read by the old one
    for place, checks in ((0, row.before_checks), (3, {} if row.became == "moved" else row.checks)):
        for check, verdict in checks.items():
            counts.setdefault(check, [0] * 6)[place + verdict - codes.FAIL] += 1


def _came_later(campaign: Campaign, mine: QuerySet[Campaign]) -> bool:
    """Machines of the scope's units that stand in no row. Which row a list's line stands for is seen first."""
    held = set(Row.objects.filter(campaign=campaign).exclude(machine=None).values_list("machine_id", flat=True))
    by_line = Row.objects.filter(campaign=campaign).exclude(expected__machine=None)
    lines = set(by_line.values_list("expected__machine_id", flat=True))
    twice = sorted(held & lines)
    known = held | lines
    there = Machine.objects.filter(machines_of(campaign), IN_SERVICE).order_by("pk").values_list("pk", flat=True)
    new = [pk for pk in there if pk not in known]
    parts = Parts(campaign)
    for start in range(0, max(len(new), len(twice), 1), SLICE):
        machines = Machine.objects.filter(pk__in=new[start : start + SLICE]).select_related("unit")
        rows = [
            Row(campaign=campaign, part=part, machine=machine, name=machine.name, kind=machine.kind, place=LATER)
            for machine in machines
            if (part := parts.of(machine.unit)) is not None
        ]
        with transaction.atomic():
            if not _held(mine):
                return False
            Row.objects.filter(campaign=campaign, place=LATER, machine__in=twice[start : start + SLICE]).delete()
            Row.objects.bulk_create(rows, ignore_conflicts=True)
    return True
