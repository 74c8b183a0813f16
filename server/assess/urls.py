from __future__ import annotations

from django.urls import path

from server.assess import views

urlpatterns = [
    path("machines/", views.machines, name="machines"),
    path("machines/<int:pk>/", views.machine, name="machine"),
    path("machines/<int:pk>/snapshots/<str:snapshot>/raw/", views.raw, name="raw-snapshot"),
    path("alarms/<int:pk>/close/", views.close_alarm, name="close-alarm"),
]
