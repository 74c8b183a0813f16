"""Views stand in the way of a migration that changes what they read: they go before it and come back after it."""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.db.models.signals import post_migrate, pre_migrate
from django.dispatch import receiver

from server.analysts import making

OURS = "server.analysts"
"""Each app sends these signals; once is enough."""


@receiver(pre_migrate)
def away(sender: Any, using: str, plan: Any = (), **rest: Any) -> None:
    if sender.name == OURS and plan and making.wanted(connections[using]):
        making.drop(connections[using])


@receiver(post_migrate)
def back(sender: Any, using: str, **rest: Any) -> None:
    """Also where an earlier run broke off between the two, or a newer version says a view otherwise."""
    connection = connections[using]
    if sender.name == OURS and making.wanted(connection) and not making.current(connection):
        making.make(connection)
