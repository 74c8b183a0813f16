"""Who may answer for a finding: people who may handle findings where it lies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Q
from django.utils import timezone

from server.units.models import Membership, Unit, User
from server.units.rights import HANDLE, roles_for


def able(unit: Unit) -> list[User]:
    """People with that right in the unit, by any unit above it; those who cannot log on any more are none."""
    return able_in_all([unit])


def able_in_all(units: Iterable[Unit]) -> list[User]:
    """Those who have it in each of several units, asked for together."""
    lines = {one.pk: set(one.ids) for one in units}
    today = timezone.localdate()
    holding = Membership.objects.filter(Q(until=None) | Q(until__gte=today), role__in=roles_for(HANDLE))
    held: dict[int, set[int]] = defaultdict(set)
    for user, unit in holding.filter(unit__in=set().union(*lines.values())).values_list("user_id", "unit_id"):
        held[user].add(unit)
    mine = [user for user, where in held.items() if lines and all(where & line for line in lines.values())]
    return list(User.objects.filter(pk__in=mine, is_active=True).order_by("full_name", "username"))


def is_able(user: User | None, unit: Unit) -> bool:
    """Rights may have been taken away since."""
    return user is not None and user.is_active and user.may(HANDLE, unit)
