from __future__ import annotations

from django.apps import AppConfig


class CoverageConfig(AppConfig):
    name = "server.coverage"
    label = "coverage"
