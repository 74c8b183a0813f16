from __future__ import annotations

from django.apps import AppConfig


class FindingsConfig(AppConfig):
    name = "server.findings"
    label = "findings"

    def ready(self) -> None:
        from server.findings import signals  # noqa: F401  (connects the receivers)
