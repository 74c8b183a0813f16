"""Who may answer for a finding: people who may handle findings where it lies."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q
from django.utils import timezone

from server.units.models import Membership, Unit, User
from server.units.rights import HANDLE, roles_for


def able(unit: Unit) -> list[User]:
    """People with that right in the unit, by any unit above it; those who cannot log on any more are none."""
    today = timezone.localdate()
    holding = Membership.objects.filter(Q(until=None) | Q(until__gte=today), role__in=roles_for(HANDLE), unit__in=unit.ids)
    return list(User.objects.filter(pk__in=holding.values("user"), is_active=True).order_by("full_name", "username"))


def able_in_all(units: Iterable[Unit]) -> list[User]:
    """Those who have it in each of several units."""
    found: list[User] | None = None
    for unit in {one.pk: one for one in units}.values():
        here = able(unit)
        found = here if found is None else [one for one in found if one in here]
    return found or []


def is_able(user: User | None, unit: Unit) -> bool:
    """Rights may have been taken away since."""
    return user is not None and user.is_active and user.may(HANDLE, unit)
