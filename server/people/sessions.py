"""How many log-ons one person may have open, and how long one may stand idle."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from server.people.models import SecondFactor, Visit
from server.units.models import User
from server.web.middleware import OPEN
from server.web.requests import user_of

SEEN = "seen"
PROVIDED = "factor-provided"
"""In a session: the log-on service asked for a second factor that settings.toml accepts."""
NOTED_SECONDS = 60


def begin(user: User, key: str, address: str) -> None:
    """A log-on; the oldest ones beyond what one person may have end by it."""
    Visit.objects.update_or_create(key=key, defaults={"user": user, "address": address[:45]})
    most = settings.CONFIG.sessions_per_person
    open_ones = set(Session.objects.filter(session_key__in=user.visits.values("key")).values_list("session_key", flat=True))
    user.visits.exclude(key__in=open_ones | {key}).delete()
    ended = list(user.visits.exclude(key=key).order_by("-began_at").values_list("key", flat=True)[max(0, most - 1) :])
    Session.objects.filter(session_key__in=ended).delete()
    user.visits.filter(key__in=ended).delete()


def end_all(user: User) -> None:
    """Of a person who was disabled or reset."""
    Session.objects.filter(session_key__in=user.visits.values("key")).delete()
    user.visits.all().delete()


class Idle:
    """Ends a session nobody used for a while."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(OPEN) and request.user.is_authenticated:
            now = int(time.time())
            seen = request.session.get(SEEN, now)
            if now - seen > settings.CONFIG.idle_minutes * 60:
                logout(request)
                return redirect(reverse("log-on") + "?idle=1")
            if SEEN not in request.session or now - seen > NOTED_SECONDS:  # a write per click would be too much
                request.session[SEEN] = now
        return self.get_response(request)


class MustHaveSecondFactor:
    """Whoever holds a role that settings.toml names sets up a second factor before seeing anything."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(OPEN) and request.user.is_authenticated and not request.user.must_change:
            allowed = {reverse(name) for name in ("second-factor", "log-off", "password", "set_language")}
            if request.path not in allowed and asked_of(request.user) and not proven(request):
                return redirect("second-factor")
        return self.get_response(request)


def asked_of(user: User) -> bool:
    roles = settings.CONFIG.second_factor_for
    return bool(roles) and user.memberships.filter(role__in=roles).exists()


def proven(request: HttpRequest) -> bool:
    """Whether a second factor stands behind this log-on: the person's own, or the log-on service's."""
    return bool(request.session.get(PROVIDED)) or has_factor(user_of(request))


def has_factor(user: User) -> bool:
    return SecondFactor.objects.filter(user=user).exclude(confirmed_at=None).exists()
