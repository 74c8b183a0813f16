"""Which machine has which program of the register, counted anew where reports or rules turned."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from django.db import transaction

from server.registers.installed import Listing, Outside, Program, Use
from server.registers.models import Seen
from server.units.models import Unit

VERSIONS = 20
"""Versions of one entry on one machine: kernels and libraries lie there many times."""


class Rules(NamedTuple):
    """What the entries that speak for a unit are called on machines."""

    exact: dict[str, list[int]]
    prefixes: tuple[tuple[str, int], ...]
    makers: dict[str, list[int]]
    stamp: str


def rules_of(entries: Iterable[Program]) -> Rules:
    exact: dict[str, list[int]] = {}
    prefixes: list[tuple[str, int]] = []
    makers: dict[str, list[int]] = {}
    told = hashlib.sha256()
    for entry in entries:
        told.update(f"{entry.pk}\n{entry.rules}\n".encode())
        for line in entry.rules.splitlines():
            word = " ".join(line.split()).casefold()
            if word.startswith("@") and len(word) > 1:
                makers.setdefault(word[1:].strip(), []).append(entry.pk)
            elif word.endswith("*") and len(word) > 1:
                prefixes.append((word[:-1], entry.pk))
            elif word and word not in "@*":
                exact.setdefault(word, []).append(entry.pk)
    return Rules(exact, tuple(prefixes), makers, told.hexdigest())


class Found(NamedTuple):
    """What rules make of one list of programs."""

    uses: frozenset[tuple[int, str]]
    outside: frozenset[tuple[str, str]]


def apply(rules: Rules, programs: Iterable[tuple[str, str, str]]) -> Found:
    uses: dict[int, set[str]] = {}
    outside = set()
    for name, version, maker in programs:
        word = " ".join(name.split()).casefold()
        named = [*rules.exact.get(word, ()), *(entry for prefix, entry in rules.prefixes if word.startswith(prefix))]
        for entry in named:
            kept = uses.setdefault(entry, set())
            kept.discard("")
            if len(kept) < VERSIONS:
                kept.add(version[:200])
        of_maker = rules.makers.get(" ".join(maker.split()).casefold(), ()) if maker else ()
        for entry in of_maker:
            uses.setdefault(entry, {""})
        if not named and not of_maker:
            outside.add((name[:253], maker[:200]))
    return Found(frozenset((entry, version) for entry, kept in uses.items() for version in kept), frozenset(outside))


def dirty() -> list[int]:
    """Units whose counts are of another time: a report or a rule turned, a machine came, went or was retired."""
    entries = list(Program.objects.exclude(rules="").order_by("pk"))
    stamps: dict[int, str] = {}
    found: set[int | None] = set()
    rows = Seen.objects.values_list("programs_id", "counted", "counted_in", "machine__unit_id", "machine__unit__path", "machine__retired_at")  # fmt: skip
    for programs, counted, counted_in, unit, path, retired in rows.iterator(2000):
        if unit not in stamps:
            stamps[unit] = rules_of(_for(path, entries)).stamp
        if counted != expected(stamps[unit], programs, retired is None) or (counted and counted_in != unit):
            found |= {unit, counted_in}
    return sorted(unit for unit in found if unit is not None)


def expected(stamp: str, programs: str | None, in_service: bool) -> str:
    """What `Seen.counted` says once it was counted."""
    return hashlib.sha256(f"{stamp}{programs}".encode()).hexdigest() if programs and in_service else ""


def _for(path: str, entries: Iterable[Program]) -> list[Program]:
    ids = set(map(int, path.strip("/").split("/")))
    return [entry for entry in entries if entry.unit_id in ids]


def count(unit: Unit) -> int:
    """Count the machines of that unit itself anew; how many."""
    rules = rules_of(_for(unit.path, Program.objects.exclude(rules="").order_by("pk")))
    seen = list(Seen.objects.filter(machine__unit=unit).select_related("machine"))
    found: dict[str, Found] = {}
    uses, outside = [], Counter[tuple[str, str]]()
    for one in seen:
        programs = one.programs_id if one.machine.retired_at is None else None
        one.counted, one.counted_in = expected(rules.stamp, programs, True), unit.pk
        if programs is None:
            continue
        if programs not in found:
            found[programs] = apply(rules, Listing.objects.get(pk=programs).programs)
        uses += [Use(program_id=entry, machine_id=one.pk, version=version) for entry, version in sorted(found[programs].uses)]
        outside.update(found[programs].outside)
    with transaction.atomic():
        Use.objects.filter(machine__in=[one.pk for one in seen]).delete()
        Use.objects.bulk_create(uses, batch_size=1000)
        Outside.objects.filter(unit=unit).delete()
        Outside.objects.bulk_create(
            [Outside(unit=unit, name=name, maker=maker, machines=many) for (name, maker), many in outside.items()],
            batch_size=1000,
        )
        Seen.objects.bulk_update(seen, ["counted", "counted_in"], batch_size=500)
    return len(seen)
