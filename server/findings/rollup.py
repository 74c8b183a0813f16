"""Each day's end, kept per unit: what trends are drawn from.

A day is what the tallies say now, less what came after its end. So a day that was missed is worked out as exactly as the day
before, and rolling up a day again changes it only where a late snapshot has told more of it.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from server.findings import changes, tally
from server.findings.codes import FAIL, NOT_ASKED, SEVERITIES
from server.findings.models import Change, Daily, Head, Rule, Standing, Tally, Transition
from server.units.models import Unit

DAY = timedelta(days=1)
SLICE = 50
"""Units written at once."""
BACK = 100
"""Days that are caught up at most: a collector that stood still for longer shows a gap."""
Rows = dict[tuple[int, int], dict[int, list[int]]]
"""(unit, kind) -> rule -> fail, unknown, pass."""


class Moment(NamedTuple):
    """The end of a day, as of now."""

    differences: Rows
    """To be added to the tallies, of each unit with what is below it."""
    machines: Counter[tuple[int, int]]


class _Row(NamedTuple):
    fail: int
    unknown: int
    passed: int
    fails: Counter[int]
    packed: bytes


def roll_up(day: date) -> int:
    """Keep the end of that day; how many rows. Any number of times, from any day on that is over."""
    end = datetime.combine(day + DAY, time.min, timezone.get_current_timezone())
    paths = dict(Unit.objects.values_list("pk", "path"))
    severities = dict(Rule.objects.values_list("pk", "severity"))
    written = 0
    tally.fold_all()
    with tally.still():
        moment = _moment(end, paths)
        found = _tallies(moment.differences, severities)
    units = sorted(paths)
    for start in range(0, len(units), SLICE):
        part = units[start : start + SLICE]
        new = [_row(unit, kind, day, moment.machines[unit, kind], row) for unit in part for kind, row in found.get(unit, ())]
        with transaction.atomic():
            Daily.objects.filter(unit__in=part, date=day).delete()
            Daily.objects.bulk_create(new)
        written += len(new)
    return written


def missed(today: date | None = None) -> list[date]:
    """The days that are over and were not rolled up, oldest first."""
    yesterday = (today or timezone.localdate()) - DAY
    last = Daily.objects.order_by("-date").values_list("date", flat=True).first()
    first = Head.objects.order_by("first_at").values_list("first_at", flat=True).first()
    if first is None:
        return []
    begin = last + DAY if last else timezone.localtime(first).date()
    begin = max(begin, yesterday - BACK * DAY)
    return [begin + number * DAY for number in range((yesterday - begin).days + 1)]


def pack(rules: Mapping[int, Sequence[int]]) -> bytes:
    """Rule, fail, unknown, pass, again and again."""
    numbers = array("i", [number for rule, counts in sorted(rules.items()) for number in (rule, *counts)])
    if sys.byteorder == "big":
        numbers.byteswap()
    return zlib.compress(numbers.tobytes())


def of_rule(packed: changes.Packed, rule: int) -> tuple[int, int, int]:
    """The counts of one rule, from what `pack` gave."""
    numbers = array("i", zlib.decompress(packed))
    if sys.byteorder == "big":
        numbers.byteswap()
    try:
        i = 4 * numbers[::4].index(rule)
    except ValueError:
        return 0, 0, 0
    return numbers[i + 1], numbers[i + 2], numbers[i + 3]


def _moment(end: datetime, paths: dict[int, str]) -> Moment:
    differences: Rows = {}
    for unit, kind, packed in Change.objects.values_list("unit_id", "kind", "packed").iterator():
        for rule, counts in changes.sums([packed]).items():
            _add(differences, paths, unit, kind, rule, counts)
    later = Head.objects.filter(first_at__gte=end, unit__isnull=False)
    counts_of_later = Standing.objects.filter(machine__in=later.values("machine")).order_by()
    for unit, kind, rule, verdict, number in counts_of_later.values_list(
        "machine__head__unit", "machine__head__kind", "rule_id", "verdict"
    ).annotate(number=Count("*")):
        _add(differences, paths, unit, kind, rule, _one(verdict, -number))
    # known after the end, too: nothing is known before it is seen, and that has an index
    turned = Transition.objects.filter(
        written_at__gte=end, at__gte=end, machine__head__first_at__lt=end, machine__head__unit__isnull=False
    ).order_by()
    for unit, kind, rule, was, now, number in turned.values_list(
        "machine__head__unit", "machine__head__kind", "rule_id", "was", "now"
    ).annotate(number=Count("*")):
        _add(differences, paths, unit, kind, rule, [a + b for a, b in zip(_one(was, number), _one(now, -number), strict=True)])
    machines: Counter[tuple[int, int]] = Counter()
    heads = (
        Head.objects.filter(first_at__lt=end, unit__isnull=False)
        .order_by()
        .values_list("unit_id", "kind")
        .annotate(number=Count("*"))
    )
    for unit, kind, number in heads:
        for one in _upwards(paths, unit):
            machines[one, kind] += number
    return Moment(differences, machines)


def _tallies(differences: Rows, severities: dict[int, int]) -> dict[int, list[tuple[int, _Row]]]:
    """Unit -> (kind, its row) of each kind that has a count. Walked in the order of the key, so that one unit is in memory."""
    found: dict[int, list[tuple[int, _Row]]] = {}
    held = Tally.objects.order_by("unit", "below", "kind", "rule").values_list("unit_id", "kind", "rule_id", *tally.COUNTS)
    of_unit = {unit: list(rows) for unit, rows in groupby(sorted(differences), key=itemgetter(0))}
    for unit, counted in groupby(held.iterator(chunk_size=5000), key=itemgetter(0)):
        kinds: dict[int, dict[int, list[int]]] = {}
        for _unit, kind, rule, *counts in counted:
            _sum(kinds.setdefault(kind, {}), rule, counts)
        _finish(found, unit, kinds, of_unit.pop(unit, []), differences, severities)
    for unit, keys in of_unit.items():
        _finish(found, unit, {}, keys, differences, severities)
    return found


def _finish(
    found: dict[int, list[tuple[int, _Row]]], unit: int, kinds: dict[int, dict[int, list[int]]], keys: list[tuple[int, int]],
    differences: Rows, severities: dict[int, int],
) -> None:  # fmt: skip
    for key in keys:
        for rule, counts in differences[key].items():
            _sum(kinds.setdefault(key[1], {}), rule, counts)
    for kind, rules in sorted(kinds.items()):
        if some := {rule: row for rule, row in rules.items() if any(row)}:
            found.setdefault(unit, []).append((kind, _summed(some, severities)))


def _summed(rules: dict[int, list[int]], severities: dict[int, int]) -> _Row:
    fail, unknown, passed = (sum(row[place] for row in rules.values()) for place in range(3))
    fails: Counter[int] = Counter()
    for rule, row in rules.items():
        fails[severities.get(rule, 0)] += row[0]
    return _Row(fail, unknown, passed, fails, pack(rules))


def _row(unit: int, kind: int, day: date, machines: int, row: _Row) -> Daily:
    return Daily(
        unit_id=unit, kind=kind, date=day, machines=machines, fail=row.fail, unknown=row.unknown, passed=row.passed,
        **{word: row.fails[code] for word, code in SEVERITIES.items()}, taken_at=timezone.now(), packed=row.packed,
    )  # fmt: skip


def _sum(rules: dict[int, list[int]], rule: int, counts: Sequence[int]) -> None:
    row = rules.setdefault(rule, [0, 0, 0])
    for place, number in enumerate(counts):
        row[place] += number


def _one(verdict: int, number: int) -> list[int]:
    counts = [0, 0, 0]
    if verdict != NOT_ASKED:
        counts[verdict - FAIL] = number
    return counts


def _add(differences: Rows, paths: dict[int, str], unit: int, kind: int, rule: int, counts: Sequence[int]) -> None:
    for one in _upwards(paths, unit):
        _sum(differences.setdefault((one, kind), {}), rule, counts)


def _upwards(paths: dict[int, str], unit: int) -> list[int]:
    return [int(part) for part in paths[unit].strip("/").split("/")] if unit in paths else []
