from __future__ import annotations

from django.apps import AppConfig


class WaiversConfig(AppConfig):
    name = "server.waivers"
    label = "waivers"

    def ready(self) -> None:
        from server.waivers import asking, signals  # noqa: F401  (declares its kind, connects the receivers)
