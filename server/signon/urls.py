from __future__ import annotations

from django.urls import path

from server.signon import views

urlpatterns = [
    path("log-on/oidc/", views.begin, name="oidc"),
    path("log-on/oidc/answer/", views.answer, name="oidc-answer"),
    path("log-off/", views.log_off, name="log-off"),
]
