"""What the frame of every page needs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from collectors import VERSION
from server.assess import watch
from server.assignments import asking as assignments
from server.calendar import reminding as calendar
from server.feeds import status as feeds
from server.units.models import User
from server.units.rights import ADMINISTER

THEME = "rasoat_theme"
THEMES = ("light", "dark")
"""Colours a person chose; without a choice they are those of the system."""


def shell(request: HttpRequest) -> dict[str, Any]:
    """Version for the footer and for style addresses; what an administrator is told."""
    user = getattr(request, "user", None)
    theme = request.COOKIES.get(THEME, "")
    frame = {"version": VERSION, "theme": theme if theme in THEMES else ""}
    if not isinstance(user, User) or user.must_change:
        return frame
    administers = user.does(ADMINISTER)
    refused = [(name, why, watch.stands(name)) for name, why in sorted(watch.refused.items())] if administers else []
    return frame | {
        "administers": administers, "packs_refused": refused,
        "feeds_foot": feeds.foot(), "work_due": assignments.due(user), "deadlines_told": calendar.told(user),
    }  # fmt: skip
