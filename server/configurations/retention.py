"""Which versions are kept: the current one, those of the last so many days, and the last one of each month.

settings.toml says how many days and months. The month's last copy is the customer's rule: configurations of important
devices are copied on the last day of each month.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TypeVar

from django.conf import settings
from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from server.configurations.models import MonthEnd, Standing, Text, Version
from server.ingest.models import Machine

Row = TypeVar("Row", bound=Model)


def prune(machine: Machine | None = None) -> int:
    """Forget the versions that are not to be kept, of one device or of all; how many. The newest is never among them."""
    config, now = settings.CONFIG, timezone.now()
    if config.keep_configuration_months:
        oldest = months_back(timezone.localtime(now).date(), config.keep_configuration_months)
        _of(MonthEnd.objects.filter(month__lt=oldest), machine).delete()
    old = _of(Version.objects.filter(last_at__lt=now - timedelta(days=config.keep_configuration_days)), machine)
    kept = Q(pk__in=MonthEnd.objects.values("version")) | Q(pk__in=Standing.objects.exclude(current=None).values("current"))
    gone = list(old.exclude(kept).values_list("pk", "text"))
    Version.objects.filter(pk__in=[pk for pk, _text in gone]).delete()
    Text.objects.filter(pk__in={text for _pk, text in gone}, versions=None).delete()
    return len(gone)


def _of(rows: QuerySet[Row], machine: Machine | None) -> QuerySet[Row]:
    return rows if machine is None else rows.filter(machine=machine)


def months_back(day: date, months: int) -> date:
    """The first day of the month so many months before the one of that day."""
    count = day.year * 12 + day.month - 1 - months
    return date(count // 12, count % 12 + 1, 1)
