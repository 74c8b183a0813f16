"""How old each feed is: for the command, the page, the API and the foot of every page."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from django.core.cache import cache
from django.utils import timezone

from server.feeds.models import Feed
from server.feeds.parsers import KINDS

FOOT, FOOT_SECONDS = "feeds.foot", 60


class Standing(NamedTuple):
    """A feed as it stands on a day."""

    name: str
    kind: str
    publisher: str
    licence: str
    data_date: date | None
    age_days: int | None
    limit_days: int
    old: bool
    """Over its limit, or without data: what rests on it is unknown."""
    imported_at: object
    bundle: int | None
    """0: it came by itself. This and the counts are None of a feed that never came."""
    digest: str
    records: int | None
    rows: int | None
    left_out: int | None
    reread: bool
    """An earlier version of its parser read it: the file should be imported again, to be read anew."""
    refused: str
    refused_at: object


def standings(today: date | None = None) -> list[Standing]:
    """All feeds; those that carry nothing first."""
    today = today or timezone.localdate()
    found = [_standing(feed, today) for feed in Feed.objects.select_related("generation")]
    return sorted(found, key=lambda one: (not one.old, one.name))


def foot(today: date | None = None) -> list[tuple[str, date | None, bool]]:
    """(feed, date of its data, old) of those that age; asked for once a minute."""
    told = cache.get(FOOT)
    if told is None:
        told = [(one.name, one.data_date, one.old) for one in standings(today) if one.limit_days]
        cache.set(FOOT, told, FOOT_SECONDS)
    return list(told)


def _standing(feed: Feed, today: date) -> Standing:
    now = feed.generation
    return Standing(
        feed.name, feed.kind, feed.publisher, feed.licence, now.data_date if now else None, feed.age_days(today), feed.limit,
        feed.is_old(today), now.imported_at if now else None, now.bundle if now else None, now.digest if now else "",
        now.records if now else None, now.rows if now else None, now.left_out if now else None, _reread(feed), feed.refused, feed.refused_at,
    )  # fmt: skip


def _reread(feed: Feed) -> bool:
    kind = KINDS.get(feed.kind)
    return bool(kind and feed.generation and feed.generation.parser < kind.number)
