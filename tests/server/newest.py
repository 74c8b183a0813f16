"""What machines repeat of their newest report, brought up to date after a test changed reports in the table."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from server.ingest.models import OUTCOME, Machine

REPEATED = ("reported_at", *OUTCOME)


def said(machine: Machine) -> dict[str, Any]:
    """What the newest report itself says of them."""
    newest = machine.latest
    judged = getattr(newest, "assessment", None)
    at: datetime | None = newest.orders_at if newest else None
    return {"reported_at": at} | {name: judged and getattr(judged, column) for name, column in OUTCOME.items()}


def repeat() -> None:
    for machine in Machine.objects.select_related("latest__assessment"):
        Machine.objects.filter(pk=machine.pk).update(**said(machine))
