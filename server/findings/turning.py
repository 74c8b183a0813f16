"""How a machine stands, and what turned: read and written alike for a snapshot that is the newest and for one that comes late."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.utils import timezone

from server.findings import rows
from server.findings.codes import NOT_ASKED
from server.findings.models import Standing, Transition
from server.outlets import news

TRANSITION = ("machine_id", "rule_id", "was", "now", "cause", "turn", "at", "written_at", "snapshot")


class Held(NamedTuple):
    """A verdict as it stands."""

    verdict: int
    since: datetime
    failing_since: datetime | None


def standing(machine: int, only: Collection[int] | None = None) -> dict[int, Held]:
    """Rule -> how it stands."""
    held = Standing.objects.filter(machine=machine)
    if only is not None:
        held = held.filter(rule__in=only)
    rows_held = held.values_list("rule_id", "verdict", "since", "failing_since")
    return {rule: Held(verdict, since, failing_since) for rule, verdict, since, failing_since in rows_held}


def note(machine: int, turned: list[tuple[int, int, int]], position: tuple[datetime, UUID], cause: int, turn: int = 0) -> None:
    """Write what turned at a snapshot, and that it is to be told."""
    (at, snapshot), written = position, timezone.now()
    rows.insert(
        Transition, TRANSITION, [(machine, rule, was, now, cause, turn, at, written, snapshot) for rule, was, now in turned]
    )
    news.note(machine, turned, cause, at, written)


def differences(before: dict[int, int], after: dict[int, int]) -> list[tuple[int, int, int]]:
    """(rule, was, now) of each rule whose verdict is another one."""
    turned = [(rule, before.get(rule, NOT_ASKED), now) for rule, now in after.items() if before.get(rule) != now]
    return turned + [(rule, was, NOT_ASKED) for rule, was in before.items() if rule not in after]
