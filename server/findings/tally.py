"""How many machines stand how, per unit and rule: counted in by one folder at a time, read with what still waits.

Reports only add a Change each, so that writers never meet on a row of a unit everybody belongs to. `fold` adds the waiting
changes to the tallies of their unit and of every unit above it, and takes them away in the same transaction: a kill at any
point counts nothing twice and nothing not at all. Who reads takes both in one statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count as count_from
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import BinaryField, F, IntegerField, Q, QuerySet, Sum, Value
from django.utils import timezone

from server import database
from server.findings import changes, rows
from server.findings.changes import Packed, Sums
from server.findings.models import Change, Head, Place, Standing, Tally
from server.ingest.models import Machine
from server.statements import insert
from server.units.models import Unit
from server.units.paths import outermost

FOLD, SETTLE = 500, 100
WAITING_MAX = 2000
"""Reads with more reports than that still to be counted do without them, and say so."""
EACH = 64
"""Changes a process writes between two times a report counts in what waits."""
_written = count_from(1)
LOCK = "findings.fold"
KEY, COUNTS = ("unit_id", "below", "kind", "rule_id"), ("fail", "unknown", "passed")
Deltas = dict[tuple[int, bool, int, int], list[int]]


class Counted(NamedTuple):
    """Tallies of a part of the tree."""

    by_rule: dict[int, tuple[int, int, int]]
    """Rule -> machines that fail, are unknown, pass."""
    waiting: int
    """Reports not counted in; 0 but for a collector that cannot keep up."""


def where(machine: Machine) -> int | None:
    """The unit in which a machine is counted; what is out of service is counted nowhere, and keeps its standing."""
    return machine.unit_id if machine.retired_at is None else None


def count(unit: int | None, kind: int, packed: bytes) -> None:
    """To be counted in by the next `tally.fold`."""
    if unit is None or not packed:
        return
    insert(Change, {"unit_id": unit, "kind": kind, "packed": packed, "at": timezone.now()})
    if next(_written) % EACH == 0:
        # whoever runs without a worker keeps up as well; a failure here is nobody's whose report is stored
        transaction.on_commit(fold, robust=True)


def fold(limit: int = FOLD) -> int:
    """Count in the oldest waiting changes; how many. 0 also when another process is at it."""
    with transaction.atomic():
        if not alone(wait=False):
            return 0
        paths = dict(Unit.objects.values_list("pk", "path"))
        deltas: Deltas = {}
        _replant(paths, deltas)
        waiting = list(Change.objects.order_by("pk").values_list("pk", "unit_id", "kind", "packed")[:limit])
        grouped: dict[tuple[int, int], list[Packed]] = {}
        for _pk, unit, kind, packed in waiting:
            grouped.setdefault((unit, kind), []).append(packed)
        for (unit, kind), together in grouped.items():
            if unit in paths:
                above = _ids(paths[unit])[:-1]
                for rule, counts in changes.sums(together).items():
                    _add(deltas, (unit, False, kind, rule), counts)
                    for one in above:
                        _add(deltas, (one, True, kind, rule), counts)
        _write(deltas)
        known = set(Place.objects.filter(pk__in={unit for unit, _kind in grouped}).values_list("pk", flat=True))
        Place.objects.bulk_create(
            [Place(unit_id=unit, path=paths[unit]) for unit in {unit for unit, _kind in grouped} - known if unit in paths]
        )
        Change.objects.filter(pk__in=[pk for pk, *_rest in waiting]).delete()
    return len(waiting)


def fold_all() -> int:
    """Until nothing waits."""
    total = 0
    while folded := fold():
        total += folded
    return total


def settle(limit: int = SETTLE) -> int:
    """Machines that were moved to another unit, or taken out of service, or back, are counted so from now on; how many."""
    return sum(_settle(pk) for pk in list(moved().order_by("pk").values_list("pk", flat=True)[:limit]))


def moved() -> QuerySet[Head]:
    """Those that are still counted where they were."""
    back = Q(machine__retired_at=None) & (Q(unit=None) | ~Q(unit=F("machine__unit")))
    return Head.objects.filter(back | Q(machine__retired_at__isnull=False, unit__isnull=False))


def _settle(pk: int) -> bool:
    with transaction.atomic():
        machine = Machine.objects.select_for_update(of=("self",)).filter(pk=pk).first()
        head = Head.objects.select_for_update().filter(pk=pk).first()
        if head is None or machine is None or head.unit_id == where(machine):
            return False
        unit = where(machine)
        verdicts = dict(Standing.objects.filter(machine=pk).values_list("rule_id", "verdict"))
        count(head.unit_id, head.kind, changes.gone(verdicts))
        count(unit, head.kind, changes.come(verdicts))
        Head.objects.filter(pk=pk).update(unit=unit)
    return True


def read(parts: Iterable[str], kind: int | None = None) -> Counted:
    """The tallies of the units at these paths with everything below them, what waits included."""
    paths = outermost(parts)
    mine = Q(unit__in=[_ids(path)[-1] for path in paths])
    under = Q(pk__in=[])
    for path in paths:
        under |= Q(unit__path__under=path)
    if kind is not None:
        mine, under = mine & Q(kind=kind), under & Q(kind=kind)
    folded = Tally.objects.filter(mine).order_by().values_list("rule_id").annotate(*map(Sum, COUNTS))
    waiting = Change.objects.filter(under).order_by()
    behind = waiting.count()
    if behind > WAITING_MAX:
        return Counted({rule: (fail, unknown, passed) for rule, fail, unknown, passed in folded}, behind)
    none = Value(None, IntegerField())
    # one statement: between two, a fold might take from the one what the other was to tell
    both = folded.annotate(packed=Value(None, BinaryField())).union(
        waiting.annotate(a=none, b=none, c=none, d=none).values_list("a", "b", "c", "d", "packed"), all=True
    )
    found: Sums = {}
    packed: list[bytes] = []
    for rule, *counts, part in both:
        if rule is None:
            packed.append(part)
        else:
            found[rule] = counts
    for rule, counts in changes.sums(packed).items():
        found[rule] = [a + b for a, b in zip(found.get(rule, (0, 0, 0)), counts, strict=True)]
    return Counted({rule: (fail, unknown, passed) for rule, (fail, unknown, passed) in found.items()}, 0)


@contextmanager
def still() -> Iterator[None]:
    """All that is read inside is of one moment."""
    nested = connection.in_atomic_block
    with transaction.atomic():
        if connection.vendor == "postgresql" and not nested:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def alone(wait: bool) -> bool:
    """Whether nobody else folds until the end of this transaction. SQLite has one writer anyway."""
    if wait or connection.vendor != "postgresql":
        database.alone(LOCK)
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [database.lock_number(LOCK)])
        return bool(cursor.fetchone()[0])


def _replant(paths: dict[int, str], deltas: Deltas) -> None:
    """Units that lie elsewhere in the tree than when they were counted in: what is above them changes."""
    moved = [place for place in Place.objects.all() if paths.get(place.pk, place.path) != place.path]
    for place in moved:
        old, new = set(_ids(place.path)[:-1]), set(_ids(paths[place.pk])[:-1])
        for kind, rule, *counts in Tally.objects.filter(unit=place.pk, below=False).values_list("kind", "rule_id", *COUNTS):
            for above in old - new:
                _add(deltas, (above, True, kind, rule), [-number for number in counts])
            for above in new - old:
                _add(deltas, (above, True, kind, rule), counts)
        place.path = paths[place.pk]
    if moved:
        Place.objects.bulk_update(moved, ["path"])


def _write(deltas: Deltas) -> None:
    changed = sorted((key, counts) for key, counts in deltas.items() if any(counts))
    rows.upsert(Tally, KEY, COUNTS, [(*key, *counts) for key, counts in changed], add=True)


def _add(deltas: Deltas, key: tuple[int, bool, int, int], counts: Iterable[int]) -> None:
    row = deltas.setdefault(key, [0, 0, 0])
    for place, number in enumerate(counts):
        row[place] += number


def _ids(path: str) -> list[int]:
    return [int(part) for part in path.strip("/").split("/")]
