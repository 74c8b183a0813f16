from __future__ import annotations

from django.urls import path

from server.schedules import views

urlpatterns = [
    path("schedules/", views.schedules, name="schedules"),
    path("units/<int:pk>/scan-all/", views.scan_all, name="scan-all"),
]
