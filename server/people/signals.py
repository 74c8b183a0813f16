"""A log-on opens a visit."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest

from server.ingest.access import address_of
from server.people import sessions


@receiver(user_logged_in)
def logged_on(sender: Any, request: HttpRequest, user: Any, **rest: Any) -> None:
    if request.session.session_key is None:
        request.session.save()
    sessions.begin(user, str(request.session.session_key), address_of(request))
