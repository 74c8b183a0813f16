"""How long a log-on that somebody else vouched for lasts here: his word is of that moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from server.ingest.access import address_of
from server.journal import models as journal
from server.signon.models import Identity
from server.signon.sections import Source
from server.web.middleware import OPEN

MARK = "signon"
ASKS_NOTHING = ("/healthz", "/readyz", "/metrics")
"""These must answer while the database does not."""


def source_of(kind: str) -> Source | None:
    """Its section of settings.toml."""
    found: Source | None = getattr(settings.CONFIG, kind, None)
    return found


@receiver(user_logged_in)
def logged_on(sender: Any, request: HttpRequest, user: Any, **rest: Any) -> None:
    identity = Identity.objects.filter(user=user).first()
    source = source_of(identity.kind) if identity else None
    if identity and source:
        request.session[MARK] = {"kind": identity.kind, "until": int(time.time() + source.session_hours * 3600)}
        label = f"{identity.kind}:{identity.subject}"
        journal.write("user.signon", user.username, address=address_of(request), identity=label)


class Ends:
    """Ends a log-on whose time is over, or whose source is no longer in settings.toml, however busy it is."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path in ASKS_NOTHING:
            return self.get_response(request)
        mark = request.session.get(MARK) if request.user.is_authenticated else None
        if mark and (time.time() >= mark["until"] or source_of(mark["kind"]) is None):
            logout(request)
            if not request.path.startswith(OPEN):
                return redirect(reverse("log-on") + "?idle=1")
        return self.get_response(request)
