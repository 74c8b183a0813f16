from __future__ import annotations

from django.apps import AppConfig


class SweepsConfig(AppConfig):
    name = "server.sweeps"
    label = "sweeps"

    def ready(self) -> None:
        from server.sweeps import signals  # noqa: F401  (connects the receiver)
