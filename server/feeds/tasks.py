"""Putting feeds in force, and removing what they replaced."""

from __future__ import annotations

import logging
from typing import Any

from django.utils.translation import gettext_lazy as _

from server.background.declare import Outcome, Work, task
from server.feeds import incoming, store
from server.feeds.store import Refused

log = logging.getLogger(__name__)
LOCK = "feeds"
"""One import at a time: who comes second waits."""


@task("feeds.import", _("Take over feeds"), lock=LOCK)
def take_files(work: Work, place: str, files: list[dict[str, Any]]) -> Outcome:
    """One file after the other; one that is refused leaves its feed as it was and does not stop the others.

    Begun again after its worker died: what is in force already is recognised by its digest.
    """
    store.sweep(work)
    found = incoming.told(place, files)
    if not all(file.path.is_file() for file in found):
        raise FileNotFoundError("the copies of the bundle are gone, or lie on another machine; import it again")
    work.expect(sum(file.path.stat().st_size // 1024 for file in found))
    work.done = 0
    told: dict[str, str] = {}
    for file in found:
        try:
            made = store.take(file, work, work.job.asked_by)
            told[file.feed] = f"{made.rows}" if made is not None else "="
        except Refused as error:
            log.error("feed %s refused (%s): %s", file.feed, error.reason, error)
            told[file.feed] = f"{error.reason}: {error}"[:300]
    store.sweep(work)
    incoming.clear(place)
    return told


@task("feeds.sweep", _("Remove replaced data of feeds"), lock=LOCK)
def sweep(work: Work) -> Outcome:
    incoming.forget()
    return {"removed": store.sweep(work)}
