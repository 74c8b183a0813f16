"""Rows that belong to machines in service, of what a person sees of a unit."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from server.ingest.models import IN_SERVICE, Machine
from server.units.models import Unit, User
from server.units.rights import SEE

R = TypeVar("R", bound=Model)


def serving(rows: QuerySet[R], user: User, unit: Unit | None = None) -> QuerySet[R]:
    """Those of `rows`, whose model has a `machine`, that this person sees of a unit and everything below it; of all there is without one."""
    below = Q(path__under=unit.path) if unit else Q()
    if Unit.objects.exclude(user.reach(SEE) & below).exists():
        mine = user.reach_of("machine__unit__path", SEE)
        return rows.filter(mine & (Q(machine__unit__path__under=unit.path) if unit else Q()), machine__retired_at=None)
    return of_the_whole_tree(rows)


def of_the_whole_tree(rows: QuerySet[R]) -> QuerySet[R]:
    """Those of all machines in service. The ones out of service are few, so they are left out: a country's machines and units need
    not be joined to millions of rows."""
    return rows.exclude(machine__in=Machine.objects.exclude(IN_SERVICE).values("pk"))
