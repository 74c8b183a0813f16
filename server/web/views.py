"""Errors, and what monitoring asks."""

from __future__ import annotations

import hmac
import logging
import sys

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_safe

from baselines.loader import BaselineError
from collectors import VERSION
from server.assess import packs, watch
from server.assess.models import Alarm, StoredAssessment
from server.background import keeper
from server.background.models import Job
from server.errors import away, error_response, unavailable
from server.ingest import counters
from server.ingest.access import REFUSALS_KEPT
from server.ingest.models import Machine, Refusal, StoredSnapshot
from server.relays.models import in_trouble
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
    warnings = [f"pack {name}: the one before stays in force: {why}" for name, why in sorted(watch.refused.items())]
    found = {"ready": not problems, "version": VERSION, "problems": problems, "warnings": warnings}
    return JsonResponse(found, status=503 if problems else 200)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text, for this machine itself or for whoever knows the token of settings.toml."""
    if not _may_measure(request):
        return error_response(403, "forbidden", "from another machine /metrics needs the metrics_token of settings.toml")
    verdicts = StoredAssessment.objects.filter(snapshot__in=Machine.objects.exclude(latest=None).values("latest"))
    sums = verdicts.aggregate(*(Sum(name, default=0) for name in ("fail", "unknown", "passed", "manual", "not_applicable")))
    lines = [
        *_metric("rasoat_machines", "gauge", "Machines enrolled", [("", Machine.objects.count())]),
        *_metric(
            "rasoat_machines_reported",
            "gauge",
            "Machines that reported at least once",
            [("", Machine.objects.exclude(latest=None).count())],
        ),
        *_metric("rasoat_snapshots", "gauge", "Snapshots kept", [("", StoredSnapshot.objects.count())]),
        *_metric("rasoat_alarms_open", "gauge", "Open alarms", [("", Alarm.objects.filter(closed_at=None).count())]),
        *_metric(
            "rasoat_refused_last_day", "gauge", "Refused uploads and enrolments, last 24 hours", [("", _refused_last_day())]
        ),
        *_jobs(),
        *_metric(
            "rasoat_relays_in_trouble", "gauge", "Relays silent, with an old backlog, or short of room", [("", in_trouble())]
        ),
        *_metric("rasoat_jobs_unattended", "gauge", "1: jobs wait and no worker runs", [("", int(keeper.unattended()))]),
        *_metric(
            "rasoat_verdicts",
            "gauge",
            "Verdicts of the newest snapshot of each machine",
            [(f'{{verdict="{name.removesuffix("__sum").replace("passed", "pass")}"}}', value) for name, value in sums.items()],
        ),
        *_uploads(),
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4; charset=utf-8")


def _jobs() -> list[str]:
    counted = dict(Job.objects.order_by().values_list("state").annotate(Count("pk")))
    by_state = [(f'{{state="{state}"}}', counted.get(state, 0)) for state, _word in Job.STATES]
    return _metric("rasoat_jobs", "gauge", "Background jobs kept, by state", [*by_state])


def _uploads() -> list[str]:
    found = counters.total()
    return [
        *_metric("rasoat_uploads_total", "counter", "Uploads that were opened and answered", [("", found.taken)]),
        *_metric("rasoat_uploads_turned_away_total", "counter", "Uploads told to come again later", [("", found.away)]),
        *_metric("rasoat_upload_seconds_total", "counter", "Time the opened ones took", [("", round(found.seconds, 3))]),
        *_metric("rasoat_uploads_inside", "gauge", "Uploads being read, waiting or opened now", [("", found.inside)]),
    ]


def _refused_last_day() -> int:
    return Refusal.objects.filter(at__gt=timezone.now() - REFUSALS_KEPT).count()


def _may_measure(request: HttpRequest) -> bool:
    token = settings.CONFIG.metrics_token
    if token and hmac.compare_digest(request.headers.get("Authorization", "").encode(), f"Bearer {token}".encode()):
        return True
    # a proxy on this machine makes strangers look local
    return request.META.get("REMOTE_ADDR") in ("127.0.0.1", "::1") and "X-Forwarded-For" not in request.headers


def _metric(name: str, kind: str, text: str, values: list[tuple[str, float]]) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}", *(f"{name}{labels} {value}" for labels, value in values)]
