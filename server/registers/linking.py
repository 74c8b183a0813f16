"""Which machine is which entry of the equipment register: by serial number, by asset tag, by hand.

A machine counts only where it lies in the unit of the entry or below: whoever writes a stranger's serial number into their own
register learns nothing of that machine. What fits two is left to a person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from server.ingest.models import IN_SERVICE, Machine
from server.registers.models import COMPUTERS, DISPOSED, Item, ItemChange, key_of
from server.registers.record import Change

SERIAL, TAG, HAND, MOVED = "serial", "tag", "hand", "moved"


def free() -> QuerySet[Machine]:
    """Machines in service that no entry claims."""
    return Machine.objects.filter(IN_SERVICE, ~Exists(Item.objects.filter(machine=OuterRef("pk")))).select_related("unit")


def join(items: Iterable[Item], by: str) -> int:
    """Link those of these entries that have no machine and fit exactly one; how many."""
    done = 0
    lacking = [item for item in items if item.machine_id is None and item.state != DISPOSED and (item.serial_key or item.tag)]
    if not lacking:
        return 0
    by_serial, by_name = _indexes()
    for item in lacking:
        found, how = _only(by_serial.get(item.serial_key, ()), item), SERIAL
        if found is None and item.tag:
            found, how = _only(by_name.get(item.tag.casefold(), ()), item), TAG
        done += found is not None and link(item, found, by, how)
    return done


def _indexes() -> tuple[dict[str, list[Machine]], dict[str, list[Machine]]]:
    by_serial: dict[str, list[Machine]] = defaultdict(list)
    by_name: dict[str, list[Machine]] = defaultdict(list)
    for machine in free().only("pk", "name", "hostname", "serial", "unit__path").iterator(2000):
        if key := key_of(machine.serial):
            by_serial[key].append(machine)
        for name in {machine.name.casefold(), machine.hostname.casefold()} - {""}:
            by_name[name].append(machine)
    return by_serial, by_name


def _only(machines: Sequence[Machine], item: Item) -> Machine | None:
    """The only machine of its unit that fits, unless it carries another serial number than the entry."""
    fit = [machine for machine in machines if machine.unit.path.startswith(item.unit.path)]
    if len(fit) != 1 or (item.serial_key and (key := key_of(fit[0].serial)) and key != item.serial_key):
        return None
    return fit[0]


def link(item: Item, machine: Machine, by: str, how: str = HAND) -> bool:
    """False where another entry or another person was quicker."""
    with transaction.atomic():
        if Item.objects.filter(machine=machine).exists() or not Machine.objects.filter(IN_SERVICE, pk=machine.pk).exists():
            return False
        if not Item.objects.filter(pk=item.pk, machine=None, unit=item.unit_id).update(machine=machine):
            return False
        ItemChange.objects.create(item=item, by=by, kind=Change.LINKED, field="machine", new=f"{machine.name} · {how}")
    item.machine = machine
    return True


def part(item: Item, by: str) -> None:
    """Take the link away."""
    with transaction.atomic():
        name = item.machine.name if item.machine else ""
        Item.objects.filter(pk=item.pk).update(machine=None)
        ItemChange.objects.create(item=item, by=by, kind=Change.LINKED, field="machine", old=name)


def follow(by: str) -> int:
    """A machine was moved out of the unit of its entry: the entry goes along, and its history says so."""
    rows = Item.objects.exclude(machine=None).values_list("pk", "unit__path", "machine__unit__path")
    astray = [pk for pk, path, there in rows if not there.startswith(path)]
    for pk in astray:
        item = Item.objects.select_related("unit", "machine__unit").get(pk=pk)
        assert item.machine is not None
        to = item.machine.unit
        with transaction.atomic():
            if Item.objects.filter(pk=pk, version=item.version).update(unit=to, version=item.version + 1):
                ItemChange.objects.create(item=item, by=by, kind=Change.FACTS, field="unit", old=item.unit.name, new=to.name)
    return len(astray)


# --- gaps ----------------------------------------------------------------------------------------------------------------


def unseen(now: datetime, days: int) -> Q:
    """Condition on entries with a machine: it did not report for so many days, or never."""
    before = now - timedelta(days=days)
    return ~Q(state=DISPOSED) & Q(machine__isnull=False) & (Q(machine__latest=None) | Q(machine__reported_at__lt=before))


ALONE = Q(machine=None, device_class__in=COMPUTERS) & ~Q(state=DISPOSED)
"""Condition on entries: a computer or network device of which no machine reports."""
