from __future__ import annotations

from django.urls import path

from server.feeds.matching import views

urlpatterns = [
    path("vulnerabilities/", views.weaknesses, name="vulnerabilities"),
    path("vulnerabilities/<slug:weakness>/", views.weakness, name="vulnerability"),
    path("machines/<int:pk>/vulnerabilities/", views.machine, name="machine-vulnerabilities"),
]
