"""What stands between every request and every page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import translation

Handler = Callable[[HttpRequest], HttpResponse]

POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""No inline script or style anywhere. `data:` pictures are the arrows that style sheets draw."""
OPEN = ("/api/", "/metrics", "/healthz", "/readyz")
"""Paths that no session guards: agents sign each request, monitoring sees no content."""


class Proxy:
    """Behind a proxy of our own the peer is the proxy: take the address it saw, or one guesser would lock everybody out.

    Only the last entry of X-Forwarded-For is the proxy's word; those before it are what the sender wrote.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.CONFIG.behind_tls_proxy and request.META.get("REMOTE_ADDR") in ("127.0.0.1", "::1", ""):
            seen = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
            if seen:
                request.META["REMOTE_ADDR"] = seen
        return self.get_response(request)


class Headers:
    """Security headers on every answer, static files and errors included."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["Content-Security-Policy"] = POLICY
        response["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
        response["X-Frame-Options"] = "DENY"
        response.setdefault("Cache-Control", "no-store")
        # Django's own stand on every page; what is refused before a page is reached has these
        response.setdefault("X-Content-Type-Options", "nosniff")
        response.setdefault("Referrer-Policy", settings.SECURE_REFERRER_POLICY)
        response.setdefault("Cross-Origin-Opener-Policy", settings.SECURE_CROSS_ORIGIN_OPENER_POLICY)
        return response


class Language:
    """Vietnamese unless the person switched. The browser's own wish is not asked: it is English on most machines here."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        wish = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
        language = wish if wish in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
        with translation.override(language):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
        response.setdefault("Content-Language", language)
        response.setdefault("Vary", "Cookie")
        return response


class LogOnRequired(LoginRequiredMiddleware):
    """Every page needs a log-on unless it says otherwise; agents and monitoring have their own ways."""

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., Any], view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        if request.path.startswith(OPEN):
            return None
        return super().process_view(request, view_func, view_args, view_kwargs)


class MustChangePassword:
    """Whoever was given a password sees nothing before choosing an own one."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(OPEN) and request.user.is_authenticated and request.user.must_change:
            allowed = {reverse("password"), reverse("log-off"), reverse("set_language")}
            if request.path not in allowed:
                return redirect("password")
        return self.get_response(request)
