"""For whom background work and the console act: what they may is what that person may now."""

from __future__ import annotations

from server.units.models import Unit, User
from server.units.rights import ADMIN

CONSOLE = "console"


class Gone(Exception):
    """Whoever asked for it may do nothing here any more."""


def person(name: str, on_console: bool = False) -> User:
    """Raises Gone. `on_console`: whoever sits at the collector itself may do everything, and has no account."""
    if on_console:
        user = User(username=CONSOLE)
        user.__dict__["_held"] = [(path, ADMIN) for path in Unit.objects.filter(parent=None).values_list("path", flat=True)]
        return user
    found = User.objects.filter(username=name, is_active=True).first()
    if found is None:
        raise Gone(f"{name} may not do this any more")
    return found
