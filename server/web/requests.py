"""What views read from a request."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest

from server.units.models import User


def user_of(request: HttpRequest) -> User:
    """The person; the middleware has seen to it that there is one."""
    return cast(User, request.user)
