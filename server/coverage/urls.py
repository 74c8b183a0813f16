from __future__ import annotations

from django.urls import path

from server.coverage import views

urlpatterns = [
    path("coverage/", views.coverage, name="coverage"),
    path("coverage/lists/", views.listings, name="coverage-lists"),
    path("coverage/<slug:gap>.csv", views.gap, name="coverage-gap"),
    path("coverage/expected/<int:pk>/excuse/", views.excuse, name="coverage-excuse"),
]
