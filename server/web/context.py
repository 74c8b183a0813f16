"""What the frame of every page needs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from collectors import VERSION
from server.units.models import User


def shell(request: HttpRequest) -> dict[str, Any]:
    """Version for the footer and for style addresses; whether the administrators' pages are offered."""
    user = getattr(request, "user", None)
    return {"version": VERSION, "administers": isinstance(user, User) and not user.must_change and user.administers}
