"""A list or a letter came: reports are held against it, in the background. Other data come to letters with the matches made by them."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from server.background.periodic import COLLECTOR
from server.feeds.models import Feed
from server.feeds.store import swapped
from server.sweeps import tasks


@receiver(swapped)
def look_again(sender: object, feed: Feed, **more: Any) -> None:
    """Inside the transaction of the swap."""
    if feed.kind == "indicators":
        tasks.follow_lists(COLLECTOR)
    elif feed.kind == "warnings":
        tasks.follow_letters(COLLECTOR)
