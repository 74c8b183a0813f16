from __future__ import annotations

from django.urls import path

from server.enrolment import views

urlpatterns = [
    path("enrolment/", views.waiting, name="enrolment-waiting"),
    path("enrolment/<str:pk>/approve/", views.decide, {"word": "approve"}, name="enrolment-approve"),
    path("enrolment/<str:pk>/refuse/", views.decide, {"word": "refuse"}, name="enrolment-refuse"),
    path("machines/<int:pk>/retire/", views.retire, name="retire-machine"),
    path("machines/<int:pk>/unite/", views.unite, name="unite-machine"),
]
