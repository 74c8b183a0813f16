"""Is this the machine it was? Compared by hardware with each report; a person decides what a difference means.

    hardware-changed   the agent's key reports from other hardware than before: a new board, a restored image, or a copy
    two-machines       ... and from the former again soon after: one key, two machines
    same-id            another machine in service has the same system id and other hardware: a cloned image
    installed-anew     another machine in service has this hardware: it was installed anew and enrolled a second time

Nothing is refused for it: facts are kept, the alarm says that they may be of two machines.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from collectors.facts.identity import Identity
from collectors.model import Snapshot
from server.assess.judge import raise_alarm
from server.ingest.models import IN_SERVICE, Machine, StoredSnapshot
from server.statements import Select
from server.trips import ahead

BACK_SOON = timedelta(days=7)
NAMED = 5
_FILLER = re.compile(
    r"(?i)(?:to be filled.*|default string|none|n/?a|not (?:applicable|available|specified)|unknown|invalid|system serial number"
    r"|serial ?number|chassis.*|o\.?e\.?m\.?|empty|[0x.\-_ ]*|1234567(?:89?0?)?|\*+|\?+)"
)
"""What makers write where they left the number out: it says nothing about who is who."""


def serial_of(identity: Identity) -> str:
    """The hardware's serial number; empty where it is not known, or filler."""
    text = (identity.serial or "").strip()
    return "" if filler(text) else text[:128]


def filler(serial: str) -> bool:
    """It is no number of one machine."""
    return _FILLER.fullmatch(serial) is not None


def watch(machine: Machine, stored: StoredSnapshot, snapshot: Snapshot, known: frozenset[str]) -> None:
    """Called with each snapshot that becomes an own machine's newest, before what was known of it is overwritten.

    `known`: hardware addresses it told before.
    """
    identity = snapshot.told(Identity)
    if identity is None or not machine.own:
        return
    serial, macs = serial_of(identity), frozenset(identity.macs or ())
    if _other(machine.serial, known, serial, macs):
        kind = "two-machines" if _was_before(machine, serial, macs, stored.received_at) else "hardware-changed"
        raise_alarm(
            machine, kind, stored.pk, was=machine.serial or ", ".join(sorted(known)), now=serial or ", ".join(sorted(macs))
        )
    if (
        (serial, identity.machine_id or "") != (machine.serial, machine.machine_id)
        or not macs <= known
        or machine.latest_id is None
    ):
        _look_for_doubles(machine, stored, identity.machine_id or "", serial, macs)
    machine.serial = serial or machine.serial


def _other(serial: str, macs: frozenset[str], now: str, cards: frozenset[str]) -> bool:
    """Surely other hardware: where both say a serial number it decides, else no card in common."""
    if serial and now:
        return serial != now
    return bool(macs and cards) and not macs & cards


def _was_before(machine: Machine, serial: str, macs: frozenset[str], now: datetime) -> bool:
    """An earlier report within BACK_SOON came from this hardware."""
    recent = StoredSnapshot.objects.filter(machine=machine, received_at__gt=now - BACK_SOON).order_by("-orders_at")
    for one in recent[1:20]:
        told = one.snapshot().told(Identity)
        if told and not _other(serial, macs, serial_of(told), frozenset(told.macs or ())):
            return True
    return False


def _look_for_doubles(machine: Machine, stored: StoredSnapshot, machine_id: str, serial: str, macs: frozenset[str]) -> None:
    for other in alike(machine, machine_id, serial, macs):
        cards = frozenset(other.cards.values_list("mac", flat=True))
        kind = "same-id" if _other(other.serial, cards, serial, macs) else "installed-anew"
        # of a machine elsewhere only the number: whoever reads this alarm may not see that unit
        name = other.name if other.unit_id == machine.unit_id else ""
        raise_alarm(machine, kind, stored.pk, number=other.pk, **({"name": name} if name else {}))


_others = Machine.objects.filter(IN_SERVICE, own=True).select_related("unit").order_by("pk")
_by_id = Select(lambda text: _others.filter(machine_id=text)[: NAMED + 1])
_by_serial = Select(lambda text: _others.filter(serial=text)[: NAMED + 1])
_by_card = Select(lambda mac: _others.filter(cards__mac=mac)[: NAMED + 1])


def alike(machine: Machine, machine_id: str, serial: str, macs: frozenset[str]) -> list[Machine]:
    """Other machines in service that may be this one: the same system id, serial number or card."""
    # each by an index of its own: asked at once, the database would walk through all machines
    asked = [(_by_id, machine_id), (_by_serial, serial), *((_by_card, mac) for mac in sorted(macs))]
    asked = [(those, value) for those, value in asked if value]
    with ahead(*(those.of(value) for those, value in asked)):
        others = {other.pk: other for those, value in asked for other in those(value) if other.pk != machine.pk}
    return [others[pk] for pk in sorted(others)][:NAMED]
