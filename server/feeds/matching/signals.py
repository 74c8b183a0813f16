"""A feed has other data: all machines are matched again, in the background."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from server.background.periodic import COLLECTOR
from server.feeds.matching import tasks
from server.feeds.models import Feed
from server.feeds.store import swapped


@receiver(swapped)
def match_again(sender: object, feed: Feed, **more: Any) -> None:
    """Inside the transaction of the swap."""
    if feed.kind in tasks.CONCERNS:
        tasks.follow(COLLECTOR)
