"""What the frame of every page needs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from collectors import VERSION
from server.assess import watch
from server.feeds import status as feeds
from server.units.models import User
from server.units.rights import ADMINISTER


def shell(request: HttpRequest) -> dict[str, Any]:
    """Version for the footer and for style addresses; what an administrator is told."""
    user = getattr(request, "user", None)
    if not isinstance(user, User) or user.must_change:
        return {"version": VERSION}
    administers = user.does(ADMINISTER)
    refused = [(name, why, watch.stands(name)) for name, why in sorted(watch.refused.items())] if administers else []
    return {
        "version": VERSION, "administers": administers, "packs_refused": refused,
        "feeds_foot": feeds.foot(),
    }  # fmt: skip
