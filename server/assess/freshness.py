"""How old a machine's last report is, measured by its own unit's interval, and what came out of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from server.units.models import Policy

FRESH, SILENT = 2, 10
"""Fresh: reported within so many of its unit's intervals; silent: not within so many."""

_HELD = Q(latest__isnull=False)
"""Whoever removes its newest report takes what the machine repeats of it along, although that stands in the row still."""
JUDGED = _HELD & Q(fails__isnull=False)
FAILING = _HELD & Q(fails__gt=0)
UNCLEAR = _HELD & Q(fails=0) & (Q(unknowns__gt=0) | Q(passes=0))
"""Nothing fails, and something is unknown, or no check spoke of the machine at all: that nothing was found is no pass."""
PASSED = _HELD & Q(fails=0, unknowns=0, passes__gt=0)
"""In its last report, however old. Conditions on a Machine; each judged one fits one of the three."""


def fresh_of(policies: dict[int, Policy], now: datetime) -> Q:
    """Condition on a Machine: its last report is fresh. `policies`: of every unit, by its id."""
    by_interval: dict[int, list[int]] = {}
    for pk, policy in policies.items():
        by_interval.setdefault(policy.interval_seconds, []).append(pk)
    if not by_interval:
        return Q(pk__in=[])
    # most units of a country go by one interval: the others are listed, and it has whoever is in none of them
    commonest = max(by_interval, key=lambda seconds: len(by_interval[seconds]))
    others = [pk for seconds, pks in by_interval.items() if seconds != commonest for pk in pks]
    condition = Q(reported_at__gte=now - timedelta(seconds=FRESH * commonest))
    if others:
        condition &= ~Q(unit__in=others)
    for seconds, pks in by_interval.items():
        if seconds != commonest:
            condition |= Q(unit__in=pks, reported_at__gte=now - timedelta(seconds=FRESH * seconds))
    return _HELD & condition


def freshness(at: datetime | None, policy: Policy, now: datetime) -> str:
    """never · fresh · late · silent."""
    if at is None:
        return "never"
    age = (now - at).total_seconds() / policy.interval_seconds
    return "fresh" if age <= FRESH else "late" if age <= SILENT else "silent"
