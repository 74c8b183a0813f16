"""Network systems: by the train of the release and its place in it, with the order of collectors/devices/release_forms.py."""

from __future__ import annotations

from typing import cast

from collectors.devices.release_forms import FORMS, reading
from collectors.devices.releases import Row, concerns
from collectors.errors import CollectError
from collectors.model import Platform
from server.feeds.matching.host import Host
from server.feeds.matching.outcome import NO_FEED, NO_SYSTEM, Left, Outcome
from server.feeds.matching.said import FIX, NOT_YET, Book, Match

TRAIN = "release-train"


def is_device(host: Host) -> bool:
    """Its system is one whose releases can be compared."""
    return host.os_id in {platform.value for platform in FORMS}


def match(host: Host, book: Book) -> Outcome:
    platform = Platform(host.os_id)
    outcome = Outcome(host.os_id)
    if host.firmware is None:
        outcome.reason, outcome.detail = NO_SYSTEM, host.why("firmware")
        return outcome
    try:
        release = reading(platform, host.firmware)
    except CollectError as error:
        outcome.reason, outcome.detail = NO_FEED, str(error)
        return outcome
    outcome.ecosystem = f"{host.os_id}:{release.train}"
    rows = cast("tuple[Row, ...]", book.trains(host.os_id))
    found = next((row for row in rows if row.train == release.train), None)
    if found is None:
        outcome.reason, outcome.detail = NO_FEED, outcome.ecosystem
        return outcome
    outcome.assessed = 1
    if found.covers != "all":
        outcome.left.append(Left(host.os_id, host.firmware, "list-not-whole", found.covers))
    for one in found.advisories:
        if not concerns(platform, one, release):
            continue
        note = "condition" if one.condition else ""
        outcome.matches.append(
            Match(one.id, host.os_id, host.firmware, one.fixed or "", FIX if one.fixed else NOT_YET, TRAIN, note)
        )
    return outcome
