from __future__ import annotations

from django.urls import path

from server.background import views

urlpatterns = [
    path("jobs/", views.jobs, name="jobs"),
    path("jobs/<int:pk>/cancel/", views.cancel, name="cancel-job"),
    path("jobs/<int:pk>/again/", views.again, name="job-again"),
]
