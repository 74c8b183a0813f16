from __future__ import annotations

from django.apps import AppConfig


class UnitsConfig(AppConfig):
    name = "server.units"
    label = "units"

    def ready(self) -> None:
        from server.units import signals  # noqa: F401  (connects the receivers)
