"""Units with something left to do are reminded, some days before the deadline, each time once.

A reminder is a notice on the pages and a row of the journal; outlets that tell alarms carry it further, by e-mail too.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from server.campaigns.account import Account
from server.campaigns.models import Campaign, Notice
from server.journal import models as journal

COLLECTOR = "collector"


def remind(campaign: Campaign, now: datetime) -> int:
    """How many units. A day that was missed is made up for, by the nearest one only."""
    left = campaign.left(now)
    due = min((days for days in campaign.remind_days if left <= days), default=None)
    if due is None or left < 0:
        return 0
    account = Account(campaign, None)
    told = set(Notice.objects.filter(campaign=campaign, days__lte=due).values_list("part_id", flat=True))
    written = 0
    for part in account.answering():
        # whoever answers for itself only, beside units below that answer for themselves, is counted by itself
        apart = any(one.answers and one is not part and one.path.startswith(part.path) for one in account.parts.values())
        count = (account.numbers[part.pk] if apart else account.sum(part)).open
        if not count or part.pk in told:
            continue
        with transaction.atomic():
            _notice, new = Notice.objects.get_or_create(
                campaign=campaign, part=part, days=due, defaults={"left": left, "count": count, "at": now}
            )
            if new:
                journal.write(
                    "campaign.reminder", COLLECTOR, unit_path=part.unit.path, subject=f"{campaign.number} {campaign.subject} – {part.name}",
                    days=left, missing=count, until=campaign.deadline.isoformat(),
                )  # fmt: skip
                written += 1
    return written
