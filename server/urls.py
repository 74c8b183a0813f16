"""Every address of the collector."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.i18n import set_language

from server.api import api
from server.programs.metrics import metrics
from server.web import views

urlpatterns = [
    path("", include("server.overview.urls")),
    path("", include("server.search.urls")),
    path("", include("server.assess.urls")),
    path("", include("server.configurations.urls")),
    path("", include("server.stations.urls")),
    path("", include("server.schedules.urls")),
    path("", include("server.relays.urls")),
    path("", include("server.coverage.urls")),
    path("", include("server.programs.urls")),
    path("", include("server.enrolment.urls")),
    path("", include("server.signon.urls")),
    path("", include("server.people.urls")),
    path("", include("server.units.urls")),
    path("", include("server.ingest.urls")),
    path("", include("server.approvals.urls")),
    path("", include("server.waivers.urls")),
    path("", include("server.assignments.urls")),
    path("", include("server.calendar.urls")),
    path("", include("server.differences.urls")),
    path("", include("server.filters.urls")),
    path("", include("server.campaigns.urls")),
    path("", include("server.registers.urls")),
    path("", include("server.documents.urls")),
    path("", include("server.outlets.urls")),
    path("", include("server.evidence.urls")),
    path("", include("server.journal.urls")),
    path("", include("server.background.urls")),
    path("", include("server.feeds.matching.urls")),
    path("", include("server.sweeps.urls")),
    path("", include("server.feeds.urls")),
    path("language/", login_not_required(set_language), name="set_language"),
    path("theme/", login_not_required(views.theme), name="theme"),
    path("api/", api.urls),
    path("healthz", views.healthz),
    path("readyz", views.readyz),
    path("metrics", metrics),
]

handler400 = views.bad_request
handler403 = views.forbidden
handler404 = views.not_found
handler500 = views.broken
