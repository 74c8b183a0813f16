from __future__ import annotations

from django.urls import path

from server.stations import views

urlpatterns = [path("machines/<int:pk>/scan/", views.scan_now, name="scan-now")]
