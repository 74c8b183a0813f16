"""Which snapshots are kept: those of the last so many days (settings.toml), and whatever something still points to.

Never removed: the newest of a machine, the one an open alarm is about, the first and last that showed a kept version of a
configuration, and those a row of another table refers to. A room that keeps a snapshot's id as text says so by `keeps`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from server.assess.models import Alarm
from server.configurations.models import Version
from server.findings.models import Head
from server.ingest.models import Machine, StoredSnapshot

SLICE = 200
Ids = Collection[str]
Keeper = Callable[[Ids], Iterable[Any]]
_KEEPERS: list[Keeper] = []


def keeps(function: Keeper) -> Keeper:
    """Declare: of these snapshots, the ones the function gives must stay."""
    _KEEPERS.append(function)
    return function


@keeps
def _open_alarms(ids: Ids) -> Iterable[Any]:
    return Alarm.objects.filter(closed_at=None, snapshot__in=ids).values_list("snapshot", flat=True)


@keeps
def _configurations(ids: Ids) -> Iterable[Any]:
    for name in ("first_snapshot", "last_snapshot"):
        yield from Version.objects.filter(**{f"{name}__in": ids}).values_list(name, flat=True)


@keeps
def _standings(ids: Ids) -> Iterable[Any]:
    uuids = [UUID(pk) for pk in ids]
    for name in ("snapshot", "first_snapshot"):
        yield from Head.objects.filter(**{f"{name}__in": uuids}).values_list(name, flat=True)


@keeps
def _rows(ids: Ids) -> Iterable[Any]:
    """Whatever refers to it and is not removed together with it."""
    for relation in StoredSnapshot._meta.related_objects:
        if relation.on_delete is not models.CASCADE:
            field = relation.field
            yield from relation.related_model._base_manager.filter(**{f"{field.name}__in": ids}).values_list(
                field.attname, flat=True
            )


def before() -> datetime | None:
    """What is older goes; None when everything is kept."""
    days: int = settings.CONFIG.keep_snapshot_days
    return timezone.now() - timedelta(days=days) if days else None


def slices(after: int = 0) -> Iterator[tuple[int, int]]:
    """Remove what is not to be kept: after each slice (how many, the machine it was about). Each is a transaction of its own.

    Now and then 0 where there was nothing to remove, so that the caller may end it. `after`: begin behind that machine, where an
    earlier run was interrupted; doing one again does no harm.
    """
    limit = before()
    if limit is None:
        return
    # part by part: a question that is still open while we write would see an old state, and SQLite refuses to write on that
    while part := list(Machine.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:SLICE]):
        for machine in part:
            yield from ((count, machine) for count in _rounds(machine, limit))
        after = part[-1]
        yield 0, after


def _rounds(machine: int, limit: datetime) -> Iterator[int]:
    """What was kept for the sake of something that is gone now goes in the next round."""
    removed = True
    while removed:
        removed = False
        for count in _of(machine, limit):
            removed = True
            yield count


def _of(machine: int, limit: datetime) -> Iterator[int]:
    old = StoredSnapshot.objects.filter(machine=machine, orders_at__lt=limit).order_by("orders_at", "pk")
    passed: set[str] = set()
    while ids := list(old.exclude(pk__in=passed).values_list("pk", flat=True)[:SLICE]):
        with transaction.atomic():
            # what may come to point to one of them is written with the machine's row held
            list(Machine.objects.select_for_update().filter(pk=machine).values_list("pk"))
            kept = {str(pk) for keeper in _KEEPERS for pk in keeper(ids)}
            newest = StoredSnapshot.objects.filter(machine=machine).order_by("-orders_at", "-pk").values_list("pk", flat=True)[:1]
            kept.update(newest)
            gone = [pk for pk in ids if pk not in kept]
            StoredSnapshot.objects.filter(pk__in=gone).delete()
        passed |= kept & set(ids)
        if gone:
            yield len(gone)


def prune(progress: Callable[[int], None] = lambda count: None) -> int:
    """All of it at once; how many."""
    total = 0
    for count, _machine in slices():
        total += count
        progress(total)
    return total
