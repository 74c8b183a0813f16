from __future__ import annotations

from django.apps import AppConfig


class AnalystsConfig(AppConfig):
    name = "server.analysts"
    label = "analysts"

    def ready(self) -> None:
        from server.analysts import signals  # noqa: F401  (connects the receivers)
