from __future__ import annotations

from django.apps import AppConfig


class Documents(AppConfig):
    name = "server.documents"
    label = "documents"
