"""Whoever answers for findings is told before the due day, and after it: by the pages, and by a row of the journal.

Outlets that tell alarms carry the row further, by e-mail too. One row a day for each unit and person: fifty findings that are
due on one day are one reminder.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from django.db import transaction

from server.assignments.models import Assignment
from server.journal import models as journal
from server.units.models import Unit, User

COLLECTOR = "collector"
STEPS = (7, 1, -1, -7, -30)
"""Days before the due day at which somebody is told; after it where less than nothing."""


def step_of(left: int) -> int | None:
    """The last step that was reached, however many were missed; None: there is time."""
    return min((step for step in STEPS if left <= step), default=None)


def remind(today: date) -> int:
    """How many findings were told of. Each step is told once; another due day begins anew."""
    grouped: dict[tuple[int, int | None], list[tuple[Assignment, int]]] = defaultdict(list)
    rows = Assignment.objects.filter(closed_at=None, due__isnull=False).select_related("unit", "owner")
    for one in rows.order_by("due", "pk").iterator(500):
        assert one.due is not None
        step = step_of((one.due - today).days)
        if step is not None and (one.reminded is None or step < one.reminded):
            grouped[one.unit_id, one.owner_id].append((one, step))
    return sum(_tell(found, today) for found in grouped.values())


def _tell(found: list[tuple[Assignment, int]], today: date) -> int:
    told = []
    with transaction.atomic():
        for one, step in found:
            # a person may have set another day meanwhile
            if Assignment.objects.filter(pk=one.pk, due=one.due, reminded=one.reminded, closed_at=None).update(reminded=step):
                told.append(one)
        if told:
            _write(told[0].unit, told[0].owner, told, today)
    return len(told)


def _write(unit: Unit, owner: User | None, told: list[Assignment], today: date) -> None:
    days = [one.due for one in told if one.due is not None]
    over = sum(day < today for day in days)
    journal.write(
        "work.due", COLLECTOR, unit_path=unit.path, subject=f"{owner or '–'} – {unit.name}", owner=owner.username if owner else None,
        findings=len(told), overdue=over, until=min(days).isoformat(),
    )  # fmt: skip
