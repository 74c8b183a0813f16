from __future__ import annotations

from django.urls import path

from server.overview import first_steps, views

urlpatterns = [
    path("", views.overview, name="overview"),
    path("units/<int:pk>/overview/", views.overview, name="unit-overview"),
    path("matrix/", views.matrix_page, name="matrix"),
    path("first-steps/", first_steps.first_steps, name="first-steps"),
    path("first-steps/arrived/", first_steps.arrived, name="first-steps-arrived"),
    path("rules/<int:rule>/", views.rule, name="rule"),
]
