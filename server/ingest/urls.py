from __future__ import annotations

from django.urls import path

from server.ingest import views

urlpatterns = [
    path("tokens/", views.tokens, name="tokens"),
    path("tokens/<int:pk>/revoke/", views.revoke_token, name="revoke-token"),
    path("agents/<str:pk>/revoke/", views.revoke_agent, name="revoke-agent"),
]
