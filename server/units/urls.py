from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.urls import path

from server.units import views
from server.units.forms import FORMS

urlpatterns = [
    path("units/", views.units, name="units"),
    path("units/<int:pk>/", views.unit, name="unit"),
    *(path(f"units/<int:pk>/{action}/", views.act, {"action": action}, name=f"unit-{action}") for action in FORMS),
    path("log-on/", login_not_required(views.LogOn.as_view()), name="log-on"),
    path("log-off/", login_not_required(views.LogOff.as_view()), name="log-off"),
    path("password/", views.Password.as_view(), name="password"),
]
