"""Scans that a person asked for, until they came."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from server.ingest.models import Agent, Machine, StoredSnapshot
from server.units.scope import Scoped

GOOD_FOR = timedelta(days=1)
MOST = 50
"""Jobs a station is told at a time."""


class ScanRequest(models.Model):
    """A target is to be looked at before its time. It carries a name the station knows, and no address, account or command."""

    REACHED_BY = "machine__unit__path"

    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="scan_requests")
    asked_by = models.CharField(max_length=200)
    asked_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True)

    objects: ClassVar[Scoped[ScanRequest]] = Scoped()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["machine"], condition=Q(closed_at=None), name="one_open_scan_request")]

    def __str__(self) -> str:
        return f"{self.machine}: {self.asked_at:%Y-%m-%d %H:%M}"


def waiting(machine: Machine) -> ScanRequest | None:
    """The request that is still to be answered."""
    return machine.scan_requests.filter(closed_at=None, asked_at__gt=timezone.now() - GOOD_FOR).first()


def ask(machine: Machine, by: str) -> bool:
    """Ask for a scan; False when one is asked for already. One that nobody answered in a day makes way."""
    now = timezone.now()
    machine.scan_requests.filter(closed_at=None, asked_at__lte=now - GOOD_FOR).update(closed_at=now)
    return ScanRequest.objects.get_or_create(machine=machine, closed_at=None, defaults={"asked_by": by, "asked_at": now})[1]


def jobs(agent: Agent) -> list[dict[str, Any]]:
    """What a station is to be told, oldest first."""
    since = timezone.now() - GOOD_FOR
    found = ScanRequest.objects.filter(machine__agent=agent, machine__own=False, closed_at=None, asked_at__gt=since)
    return [{"id": pk, "scan": name} for pk, name in found.order_by("pk").values_list("pk", "machine__name")[:MOST]]


def answered(stored: StoredSnapshot) -> None:
    """A snapshot came: a request from before it was made is answered."""
    open_ones = ScanRequest.objects.filter(machine=stored.machine, closed_at=None, asked_at__lte=stored.collected_at)
    open_ones.update(closed_at=stored.received_at)
