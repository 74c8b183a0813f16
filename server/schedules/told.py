"""What an agent is told besides what to judge by: when, how often, how fast, and whether a person wants a scan now."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.utils import timezone

from collectors.timetable import thaws
from server.ingest.models import Agent, Machine
from server.schedules import rollouts
from server.schedules.resolve import resolve, rows_of, told
from server.stations import models as stations
from server.units.models import Policy, Unit
from server.units.models import resolve as resolve_policy


class Told(NamedTuple):
    """All of it."""

    kind: str
    policy: Policy
    interval_seconds: int
    """For agents that know no schedule."""
    schedule: dict[str, Any] | None
    station_schedule: dict[str, Any] | None
    poll_seconds: int
    bytes_per_second: int | None
    recommended_version: str | None
    jobs: list[dict[str, Any]]


def to(agent: Agent) -> Told:
    """Five questions to the database: every agent asks every quarter of an hour."""
    units = {unit.pk: unit for unit in Unit.objects.filter(pk__in=agent.unit.ids)}
    rows = rows_of(units)
    kind = Machine.objects.values_list("kind", flat=True).get(agent=agent, own=True)
    held, devices = resolve(agent.unit, kind, units, rows), resolve(agent.unit, "network", units, rows)
    underway = rollouts.underway(agent.unit)
    frozen = thaws(held.table, timezone.now().timestamp()) is not None
    return Told(
        kind=kind,
        policy=rollouts.applied(underway, agent.pk, resolve_policy(agent.unit, units)),
        interval_seconds=held.table.period,
        schedule=told(held),
        station_schedule=told(devices),
        poll_seconds=held.poll_seconds,
        bytes_per_second=held.bytes_per_second,
        recommended_version=rollouts.version_for(underway, agent.pk),
        jobs=[] if frozen else stations.jobs(agent, held.scans_per_minute),
    )
