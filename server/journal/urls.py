from __future__ import annotations

from django.urls import path

from server.journal import views

urlpatterns = [path("journal/", views.entries, name="journal")]
