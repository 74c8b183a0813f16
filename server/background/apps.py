from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class BackgroundConfig(AppConfig):
    name = "server.background"
    label = "background"

    def ready(self) -> None:
        """Every room's tasks.py is read, so that a worker knows what a row's name stands for."""
        autodiscover_modules("tasks")
