from __future__ import annotations

from django.urls import path

from server.assignments import picking, views

urlpatterns = [
    path("work/", views.work, name="work"),
    path("work/work.csv", views.as_file, name="work-csv"),
    path("work/give/", views.give, name="work-give"),
    path("work/findings/", picking.findings, name="work-findings"),
    path("work/findings/<int:rule>/", picking.machines, name="work-machines"),
    path("machines/<int:pk>/work/", picking.of_machine, name="take-machine"),
    path("work/<int:pk>/", views.assignment, name="assignment"),
    path("work/<int:pk>/comment/", views.comment, name="assignment-comment"),
]
