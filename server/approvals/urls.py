from __future__ import annotations

from django.urls import path

from server.approvals import views

urlpatterns = [
    path("approvals/", views.requests, name="requests"),
    path("approvals/<int:pk>/", views.one, name="request"),
    path("approvals/<int:pk>/approve/", views.decide, {"word": "approve"}, name="request-approve"),
    path("approvals/<int:pk>/refuse/", views.decide, {"word": "refuse"}, name="request-refuse"),
    path("approvals/<int:pk>/withdraw/", views.decide, {"word": "withdraw"}, name="request-withdraw"),
    path("approvals/<int:pk>/file/", views.file, name="request-file"),
    path("approvals/<int:pk>/preview/", views.preview, name="request-preview"),
    path("units/<int:pk>/pack-change/", views.pack_change, name="pack-change"),
]
