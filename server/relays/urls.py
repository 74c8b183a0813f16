from __future__ import annotations

from django.urls import path

from server.relays import views

urlpatterns = [
    path("relays/", views.relays, name="relays"),
    path("relays/<str:pk>/revoke/", views.revoke_relay, name="revoke-relay"),
]
