"""Which information system a machine belongs to, as the register says: asked by whoever reads people's words (waivers/attesting.py)."""

from __future__ import annotations

import unicodedata

from server.ingest.models import Machine
from server.registers.systems import System
from server.waivers import attesting


def belongs(machine: Machine, system: str) -> bool | None:
    """To the system of that name or code, of the machine's unit or one above.

    None where no such system is in the register, or one is and nothing was written down as belonging to it: an entry without
    members was not filled in, and says nothing of who is no member.
    """
    wanted = _plain(system)
    named = [
        one
        for one in System.objects.filter(unit__in=machine.unit.ids)
        if wanted and wanted in (_plain(one.name), _plain(one.code))
    ]
    if any(one.machines.filter(pk=machine.pk).exists() for one in named):
        return True
    return False if named and all(one.members.exists() for one in named) else None


def _plain(name: str) -> str:
    """In NFC and without case. Accents stay: two systems may differ by one."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


if belongs not in attesting.MEMBERSHIP:
    attesting.MEMBERSHIP.append(belongs)
