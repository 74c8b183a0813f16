from __future__ import annotations

from django.urls import path

from server.evidence import views

urlpatterns = [
    path("evidence/", views.bundles, name="evidence"),
    path("evidence/<int:pk>/", views.take, name="evidence-file"),
]
