from __future__ import annotations

from django.apps import AppConfig


class AssessConfig(AppConfig):
    name = "server.assess"
    label = "assess"
