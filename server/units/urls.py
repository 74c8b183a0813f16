from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.urls import path

from server.units import views

urlpatterns = [
    path("log-on/", login_not_required(views.LogOn.as_view()), name="log-on"),
    path("log-off/", login_not_required(views.LogOff.as_view()), name="log-off"),
    path("password/", views.Password.as_view(), name="password"),
]
