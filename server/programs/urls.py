from __future__ import annotations

from django.urls import path

from server.programs import views

urlpatterns = [
    path("keys/", views.keys, name="keys"),
    path("keys/<int:pk>/revoke/", views.revoke, name="revoke-key"),
]
