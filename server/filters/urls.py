from __future__ import annotations

from django.urls import path

from server.filters import views

urlpatterns = [
    path("filters/save/", views.save, name="filter-save"),
    path("filters/<int:pk>/remove/", views.remove, name="filter-remove"),
]
