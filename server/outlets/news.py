"""The list of what turned: written by those who judge, numbered by one, read by outlets, forgotten once all have it.

An id is drawn before its transaction commits, so on PostgreSQL a lower one may appear after a higher one was read. Nothing
here is remembered by id: a row waits without a number until somebody sees it, that is until it is committed, and whoever
gives numbers holds the row of Order until they are committed too. So numbers appear in their own order. Two reports of one
machine wait for each other (its Head), so they are numbered in the order they were judged in.
"""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from django.db import transaction
from django.db.models import Min, Q

from server.findings import changes
from server.outlets.models import Order, Outlet, Turned
from server.statements import insert

SLICE = 500


def note(machine: int, turned: list[tuple[int, int, int]], cause: int, at: datetime, written: datetime) -> None:
    """To be told: (rule, was, now) of each. Inside the transaction that writes them."""
    if turned:
        told = {"uid": uuid4(), "at": at, "written_at": written, "cause": cause, "packed": changes.pack(turned)}
        insert(Turned, {"machine_id": machine, **told})


def sort(limit: int = SLICE) -> int:
    """Give numbers to what is committed and has none; how many. 0: there is none."""
    with transaction.atomic():
        order = _order(lock=True)
        rows = list(Turned.objects.filter(number=None).order_by("pk").only("pk")[:limit])
        for row in rows:
            order.last += 1
            row.number = order.last
        Turned.objects.bulk_update(rows, ["number"], batch_size=200)
        if rows:
            order.save()
    return len(rows)


def last() -> int:
    """The highest number there is: all below are there or were told."""
    return _order().last


def forget(limit: int = 2000) -> int:
    """Remove what every outlet has behind it; how many."""
    behind = Outlet.objects.filter(verdicts=True).aggregate(found=Min("number"))["found"]
    told = Q(number__lte=last() if behind is None else behind)
    oldest = list(Turned.objects.filter(told).order_by("number").values_list("pk", flat=True)[:limit])
    return Turned.objects.filter(pk__in=oldest).delete()[0] if oldest else 0


def _order(lock: bool = False) -> Order:
    rows = Order.objects.select_for_update() if lock else Order.objects.all()
    found = rows.filter(pk=1).first()
    if found is None:
        Order.objects.get_or_create(pk=1)
        found = rows.get(pk=1)
    return found
