from __future__ import annotations

from django.urls import path

from server.configurations import views

urlpatterns = [
    path("configurations/", views.devices, name="configurations"),
    path("machines/<int:pk>/configurations/", views.versions, name="configuration-versions"),
    path("machines/<int:pk>/configurations/compare/", views.compare, name="configuration-compare"),
    path("machines/<int:pk>/configurations/<int:version>/", views.version, name="configuration"),
    path("machines/<int:pk>/configurations/<int:version>/text/", views.text, name="configuration-text"),
]
