from __future__ import annotations

from django.urls import path

from server.outlets import views

urlpatterns = [
    path("outlets/", views.outlets, name="outlets"),
    path("outlets/<int:pk>/<str:act>/", views.act, name="outlet-act"),
]
