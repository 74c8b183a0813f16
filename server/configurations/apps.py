from __future__ import annotations

from django.apps import AppConfig


class ConfigurationsConfig(AppConfig):
    name = "server.configurations"
    label = "configurations"
