"""Log-ons and log-offs go to the journal."""

from __future__ import annotations

from typing import Any

from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from server.ingest.access import address_of
from server.journal import models as journal


@receiver(user_logged_in)
def logged_on(sender: Any, request: HttpRequest, user: Any, **rest: Any) -> None:
    journal.write("user.log-on", user.username, address=address_of(request))


@receiver(user_logged_out)
def logged_off(sender: Any, request: HttpRequest, user: Any, **rest: Any) -> None:
    if user is not None:
        journal.write("user.log-off", user.username, address=address_of(request))


@receiver(user_login_failed)
def refused(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **rest: Any) -> None:
    # not the name that was typed: people type their password into the wrong field
    if request is not None:
        journal.write_sparingly("user.refused", "stranger", address=address_of(request))


@receiver(user_locked_out)
def locked_out(sender: Any, request: HttpRequest, username: str, ip_address: str, **rest: Any) -> None:
    journal.write_sparingly("user.locked-out", "stranger", address=ip_address or "")
