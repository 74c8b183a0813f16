"""How long transitions are kept. What stands, since when, and each day's counts stay whatever is removed."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from server.findings.models import Head, Transition

SLICE = 2000


def forget(before: datetime, limit: int = SLICE) -> int:
    """Remove transitions that were known before then, oldest first; how many. 0: there is none.

    That the machines' history begins later is noted first, so that a snapshot which comes too late for it moves no "since".
    """
    with transaction.atomic():
        Head.objects.filter(Q(kept_from=None) | Q(kept_from__lt=before), first_at__lt=before).update(kept_from=before)
    with transaction.atomic():
        oldest = list(
            Transition.objects.filter(written_at__lt=before).order_by("written_at").values_list("pk", flat=True)[:limit]
        )
        return Transition.objects.filter(pk__in=oldest).delete()[0]
