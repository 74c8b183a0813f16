"""Which machine is meant by a line of a list: by hardware address, else by name; never by an IP address, which is lent.

Two that fit is none: `ambiguous`, shown as its own list, and counted as one that does not report.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Q

from collectors.facts.identity import Identity
from collectors.model import Snapshot
from server.coverage.lists import label_of
from server.coverage.models import Card, Expected
from server.ingest.models import IN_SERVICE, Machine
from server.statements import Rows, Select, insert
from server.trips import ahead
from server.units.models import Unit

BY_MAC, BY_NAME, AMBIGUOUS, NOBODY = "mac", "name", "ambiguous", ""
SLICE = 500


cards = Rows(lambda machine: Card.objects.filter(machine=machine).values_list("mac"))
_lines = Expected.objects.select_related("unit")
_by_machine = Select(lambda machine: _lines.filter(machine=machine)[: 4 * SLICE])
_by_mac = Select(lambda mac: _lines.filter(mac=mac)[: 4 * SLICE])
_by_name = Select(lambda name: _lines.filter(hostname=name)[: 4 * SLICE])


class Index:
    """The machines of a part of the tree, by what lists may call them."""

    def __init__(self, machines: Iterable[Machine]) -> None:
        self.by_name: dict[str, list[Machine]] = defaultdict(list)
        self.by_mac: dict[str, list[Machine]] = defaultdict(list)
        known = {machine.pk: machine for machine in machines}
        for machine in known.values():
            for label in {label_of(machine.name), label_of(machine.hostname)} - {""}:
                self.by_name[label].append(machine)
        for pk, mac in Card.objects.filter(machine__in=list(known) if len(known) < SLICE else Machine.objects.all()).values_list(
            "machine_id", "mac"
        ):
            if pk in known:
                self.by_mac[mac].append(known[pk])

    def find(self, mac: str, hostname: str, unit: Unit) -> tuple[Machine | None, str]:
        """(machine, how). A name counts only between a unit and those above or below it: PC01 is everywhere."""
        found = self.by_mac.get(mac, []) if mac else []
        how = BY_MAC
        if not found and hostname:
            found = [one for one in self.by_name.get(hostname, []) if _related(one.unit.path, unit.path)]
            how = BY_NAME
        if not found:
            return None, NOBODY
        return (found[0], how) if len(found) == 1 else (None, AMBIGUOUS)


def _related(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def index_under(path: str) -> Index:
    """Of the machines of that unit, those below and those right above it."""
    return Index(Machine.objects.filter(IN_SERVICE, unit__path__under=path).select_related("unit"))


def rematch(rows: Iterable[Expected], index: Index) -> int:
    """Look again who is meant; how many changed. The caller's transaction."""
    changed = []
    for row in rows:
        machine, how = index.find(row.mac, row.hostname, row.unit)
        if (row.machine_id, row.matched_by) != (machine.pk if machine else None, how):
            row.machine, row.matched_by = machine, how
            changed.append(row)
    Expected.objects.bulk_update(changed, ["machine", "matched_by"], batch_size=SLICE)
    return len(changed)


def cards_of(machine: Machine) -> frozenset[str]:
    """Hardware addresses it told of itself."""
    return frozenset(mac for (mac,) in cards(machine.pk))


def note(machine: Machine, snapshot: Snapshot, before: frozenset[str]) -> None:
    """Called with each snapshot that became a machine's newest: keep its cards, and see whether a list waited for it."""
    identity = snapshot.told(Identity)
    if identity is None or identity.macs is None:  # what was known stays
        return
    now = frozenset(identity.macs)
    if before == now:
        return
    if gone := before - now:
        Card.objects.filter(machine=machine, mac__in=gone).delete()
    for mac in sorted(now - before):
        insert(Card, {"machine_id": machine.pk, "mac": mac})
    look_again(machine, before | now)


def look_again(machine: Machine, macs: Iterable[str] = ()) -> None:
    """A machine enrolled, was named or got another card: the lines that may mean it."""
    asked = [
        (_by_machine, machine.pk),
        *((_by_mac, mac) for mac in sorted(macs)),
        *((_by_name, name) for name in sorted({label_of(machine.name), label_of(machine.hostname)} - {""})),
    ]
    with ahead(*(lines.of(value) for lines, value in asked)):
        may = [row for lines, value in asked for row in lines(value)]
    rows = list({row.pk: row for row in may}.values())[: 4 * SLICE]
    if rows:
        also = Q(pk=machine.pk) | Q(cards__mac__in=[row.mac for row in rows if row.mac])
        names = [row.hostname for row in rows if row.hostname]
        also |= Q(hostname__in=names) | Q(name__in=names)
        rematch(rows, Index(Machine.objects.filter(also & IN_SERVICE).select_related("unit").distinct()))
