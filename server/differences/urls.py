from __future__ import annotations

from django.urls import path

from server.differences import views

urlpatterns = [
    path("machines/<int:pk>/differences/", views.machine, name="machine-differences"),
    path("machines/<int:pk>/differences.csv", views.machine_file, name="machine-differences-csv"),
    path("units/<int:pk>/differences/", views.unit, name="unit-differences"),
    path("units/<int:pk>/differences.csv", views.unit_file, name="unit-differences-csv"),
]
