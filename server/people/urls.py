from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.urls import path

from server.people import views

urlpatterns = [
    path("log-on/", login_not_required(views.LogOn.as_view()), name="log-on"),
    path("log-on/second/", views.second_step, name="second-step"),
    path("second-factor/", views.second_factor, name="second-factor"),
]
