from __future__ import annotations

from django.urls import path

from server.waivers import views
from server.waivers.models import Attestation, Waiver

urlpatterns = [
    path("waivers/", views.waivers, name="waivers"),
    path("waivers/<int:pk>/", views.waiver, name="waiver"),
    path("waivers/<int:pk>/file/", views.file, {"model": Waiver}, name="waiver-file"),
    path("waivers/<int:pk>/end/", views.end, name="end-waiver"),
    path("machines/<int:pk>/waivers/new/", views.ask_for_machine, name="ask-waiver"),
    path("units/<int:pk>/waivers/new/", views.ask_for_unit, name="ask-unit-waiver"),
    path("units/<int:pk>/attestations/new/", views.attest, name="attest"),
    path("attestations/<int:pk>/file/", views.file, {"model": Attestation}, name="attestation-file"),
    path("attestations/<int:pk>/take-back/", views.take_back, name="take-back"),
]
