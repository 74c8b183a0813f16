"""Data of feeds, put in force by hand: for tests of what is done with them. Hand-made, in the words of the tables."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.db.models import Max
from django.utils import timezone

from server.feeds.codes import FIXED
from server.feeds.models import Affected, Content, Feed, Generation


def given(name: str, *rows: Content, kind: str = "debian", age: int = 0, limit: int = 14) -> Generation:
    """A feed's new generation with these rows, in force; the one before stays in the tables, as after a swap."""
    feed = Feed.objects.get_or_create(name=name, defaults={"kind": kind, "limit_days": limit})[0]
    made = Generation.objects.create(
        feed=feed, data_date=timezone.localdate() - timedelta(days=age), complete=True, digest=f"{Generation.objects.count():064}"
    )
    for row in rows:
        row.generation = made
        row.pk = None
        row.save(force_insert=True)
    feed.generation = made
    feed.save()
    return made


def mended(package: str, fixed: str, identifier: str = "CVE-2026-1000", ecosystem: str = "debian:12", **more: Any) -> Affected:
    return Affected(ecosystem=ecosystem, package=package, identifier=identifier, state=FIXED, fixed_version=fixed, **more)


def newest(name: str) -> date:
    found = Generation.objects.filter(feed__name=name).aggregate(newest=Max("data_date"))["newest"]
    assert isinstance(found, date)
    return found
