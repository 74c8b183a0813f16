"""Errors, and what monitoring asks."""

from __future__ import annotations

import logging
import sys

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from baselines.loader import BaselineError
from collectors import VERSION
from server.assess import packs, watch
from server.errors import away, error_response, unavailable
from server.web.context import THEME, THEMES
from server.web.middleware import OPEN

log = logging.getLogger(__name__)

RETRY_SECONDS = 30


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if away(exception):  # Django takes a session that could not be written for one that was ended meanwhile
        return _unavailable(request, exception)
    return _page(request, 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 404)


def broken(request: HttpRequest) -> HttpResponse:
    """Without the request: what the frame asks of the database may be the very thing that is broken."""
    if away(error := sys.exc_info()[1]):
        return _unavailable(request, error)
    if request.path.startswith("/api/"):
        return _page(request, 500)
    return HttpResponse(render_to_string("web/error.html", {"status": 500, "version": VERSION}), status=500)


def _unavailable(request: HttpRequest, error: BaseException | None) -> HttpResponse:
    """Whatever asked for it, in front of the pages too: sessions, what relays sealed."""
    log.error("the database does not take it: %s", str(error).strip().partition("\n")[0])
    if request.path.startswith(OPEN):
        response = unavailable()
    else:
        response = HttpResponse(render_to_string("web/error.html", {"status": 503, "version": VERSION}), status=503)
        response["Retry-After"] = str(RETRY_SECONDS)
    response._has_been_logged = True  # type: ignore[attr-defined]  # one line for each, not a trace: the whole country asks
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    log.warning("CSRF check failed: %s", reason)
    return _page(request, 403, "web/csrf.html")


def _page(request: HttpRequest, status: int, template: str = "web/error.html") -> HttpResponse:
    if request.path.startswith("/api/"):
        return error_response(
            status, {404: "not-found", 400: "bad-request", 403: "forbidden"}.get(status, "bug"), "see /api/docs"
        )
    return render(request, template, {"status": status}, status=status)


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Remember which colours a person wants on this device; anything else than a colour: as the system has them."""
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        back = "/"
    wanted = request.POST.get("theme", "")
    response = redirect(back)
    if wanted in THEMES:
        response.set_cookie(
            THEME, wanted, max_age=settings.LANGUAGE_COOKIE_AGE, httponly=True, samesite="Lax", secure=settings.CONFIG.https
        )
    else:
        response.delete_cookie(THEME, samesite="Lax")
    return response


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. Nothing else is asked, so that a busy database does not get it restarted."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """The database is there and up to date, and the packs load."""
    problems = []
    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            problems.append("migrations are missing: run `rasoat server init`")
    except DatabaseError as error:
        problems.append(f"database: {error}")
    try:
        for name in packs.names():
            packs.get(name)
    except (BaselineError, OSError) as error:
        problems.append(f"pack: {error}")
    warnings = [f"pack {name}: {watch.said(name)}: {why}" for name, why in sorted(watch.refused.items())]
    found = {"ready": not problems, "version": VERSION, "problems": problems, "warnings": warnings}
    return JsonResponse(found, status=503 if problems else 200)
