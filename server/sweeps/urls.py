from __future__ import annotations

from django.urls import path

from server.sweeps import views

urlpatterns = [
    path("sweeps/", views.overview, name="sweeps"),
    path("sweeps/lists/<slug:sheet>/", views.sheet, name="sweep"),
    path("sweeps/lists/<slug:sheet>/table/", views.sheet_table, name="sweep-table"),
    path("sweeps/letters/<slug:letter>/", views.letter, name="letter"),
    path("sweeps/letters/<slug:letter>/table/", views.letter_table, name="letter-table"),
    path("machines/<int:pk>/sweeps/", views.machine, name="machine-sweeps"),
]
