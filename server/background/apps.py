from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class BackgroundConfig(AppConfig):
    name = "server.background"
    label = "background"

    def ready(self) -> None:
        """The queue is read, and every room's tasks.py, so that a worker knows what a row's name stands for."""
        from server.background import run  # noqa: F401  (and with it queue.py and delivery.py)

        autodiscover_modules("tasks")
