"""What was seen of each machine, one at a time, from its newest report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import QuerySet

from collectors.facts.hardware import Hardware
from collectors.facts.identity import Identity
from collectors.facts.interfaces import Interfaces
from collectors.model import Snapshot
from collectors.seal import SealError
from server.ingest.models import IN_SERVICE, Machine
from server.units.models import Unit

SLICE = 100
NETWORK = ("router", "switch", "firewall")


@dataclass(frozen=True)
class Seen:
    """A machine and its newest report; None: it never reported, or the report cannot be opened (`why`)."""

    machine: Machine
    snapshot: Snapshot | None
    why: str = ""

    @property
    def identity(self) -> Identity | None:
        return self.snapshot.told(Identity) if self.snapshot else None

    @property
    def hardware(self) -> Hardware | None:
        return self.snapshot.told(Hardware) if self.snapshot else None

    @property
    def interfaces(self) -> Interfaces | None:
        return self.snapshot.told(Interfaces) if self.snapshot else None

    @property
    def network(self) -> bool:
        return self.machine.kind in NETWORK


def under(unit: Unit) -> QuerySet[Machine]:
    """Machines in service of a unit and everything below it."""
    return Machine.objects.filter(IN_SERVICE, unit__path__under=unit.path)


def each(rows: QuerySet[Machine]) -> Iterator[Seen]:
    """By number, a hundred at a time: no question is open while the caller writes, and never more than that in memory."""
    after = 0
    ordered = rows.select_related("unit", "latest", "latest__base").order_by("pk")
    while part := list(ordered.filter(pk__gt=after)[:SLICE]):
        for machine in part:
            yield _seen(machine)
        after = part[-1].pk


def _seen(machine: Machine) -> Seen:
    if machine.latest is None:
        return Seen(machine, None, "it never reported")
    try:
        return Seen(machine, machine.latest.snapshot())
    except (SealError, ValueError) as error:
        return Seen(machine, None, f"its newest report cannot be opened: {error}")
