"""Scans that a person asked for, of a machine with an agent or of a station's target, until they came."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from server.ingest.models import Agent, Machine, StoredSnapshot
from server.statements import Update
from server.units.models import Unit
from server.units.scope import Scoped

GOOD_FOR = timedelta(days=1)
MOST = 50
"""Jobs an agent is told at a time."""
MINUTE = timedelta(minutes=1)


class ScanRequest(models.Model):
    """A machine is to be looked at before its time: by its own agent, or by the station that knows it by name.

    It carries no address, account or command.
    """

    REACHED_BY = "machine__unit__path"

    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="scan_requests")
    asked_by = models.CharField(max_length=200)
    asked_at = models.DateTimeField(default=timezone.now)
    told_at = models.DateTimeField(null=True, help_text="When its turn came and the agent heard of it")
    closed_at = models.DateTimeField(null=True)

    objects: ClassVar[Scoped[ScanRequest]] = Scoped()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["machine"], condition=Q(closed_at=None), name="one_open_scan_request")]
        indexes = [models.Index(fields=["told_at"], condition=Q(told_at__isnull=False), name="scan_requests_told")]

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


def jobs(agent: Agent, per_minute: int) -> list[dict[str, Any]]:
    """What an agent is to be told, oldest first. What it was told stays on the list until it came; what is new waits for its
    turn: a site, which is the agent's unit, gets no more than so many a minute.
    """
    now = timezone.now()
    mine = ScanRequest.objects.filter(machine__agent=agent, closed_at=None, asked_at__gt=now - GOOD_FOR).order_by("pk")
    found = list(mine.values_list("pk", "machine__own", "machine__name", "told_at")[:MOST])
    waiting = [pk for pk, _own, _name, told_at in found if told_at is None]
    admitted = _admit(agent.unit_id, waiting, per_minute, now) if waiting else set()
    return [
        {"id": pk, "itself": True} if own else {"id": pk, "scan": name}
        for pk, own, name, told_at in found
        if told_at is not None or pk in admitted
    ]


def _admit(site: int, waiting: list[int], per_minute: int, now: datetime) -> set[int]:
    """Those whose turn it is."""
    with transaction.atomic():
        # one at a time for each site, or two who ask together are both told the last free place
        Unit.objects.select_for_update().filter(pk=site).values_list("pk").first()
        told = ScanRequest.objects.filter(told_at__gt=now - MINUTE, machine__agent__unit=site).count()
        turn = waiting[: max(0, per_minute - told)]
        ScanRequest.objects.filter(pk__in=turn, told_at=None).update(told_at=now)
    return set(turn)


_answer = Update(
    lambda machine, made: ScanRequest.objects.filter(machine=machine, closed_at=None, asked_at__lte=made), "closed_at"
)


def answered(stored: StoredSnapshot) -> None:
    """A snapshot came: a request from before it was made is answered."""
    _answer(stored.received_at, stored.machine_id, stored.collected_at)
