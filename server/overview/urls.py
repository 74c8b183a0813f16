from __future__ import annotations

from django.urls import path

from server.overview import views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("units/<int:pk>/overview/", views.overview, name="unit-overview"),
    path("matrix/", views.matrix_page, name="matrix"),
    path("rules/<int:rule>/", views.rule, name="rule"),
]
