"""The information systems of a part of the tree: those without an approved level first."""

from __future__ import annotations

from typing import NamedTuple

from django.db.models import Case, Count, IntegerField, Value, When

from server.registers.systems import DECIDED, Member, System
from server.units.models import Unit, User

SHOWN = 8


class Systems(NamedTuple):
    rows: list[tuple[System, int]]
    """Each with the number of machines and devices that belong to it."""
    all: int
    unapproved: int
    """Those that say so without naming a decision as well."""


def systems(user: User | None, unit: Unit) -> Systems:
    mine = (
        (System.objects.all() if user is None else System.objects.visible_to(user))
        .filter(unit__path__under=unit.path)
        .exclude(state="stopped")
    )
    late = Case(When(DECIDED, then=Value(1)), default=Value(0), output_field=IntegerField())
    shown = list(mine.order_by(late, "-level_approved", "-level_proposed", "name", "pk")[:SHOWN])
    counted = dict(Member.objects.filter(system__in=shown).order_by().values_list("system").annotate(number=Count("pk")))
    rows = [(system, counted.get(system.pk, 0)) for system in shown]
    if len(shown) < SHOWN:
        return Systems(rows, len(shown), sum(not system.decided for system in shown))
    told = mine.order_by().aggregate(every=Count("pk"), decided=Count("pk", filter=DECIDED))
    return Systems(rows, told["every"], told["every"] - told["decided"])
