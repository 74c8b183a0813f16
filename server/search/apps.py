from __future__ import annotations

from django.apps import AppConfig


class SearchConfig(AppConfig):
    name = "server.search"
    label = "search"

    def ready(self) -> None:
        from server.search import signals  # noqa: F401  (connects the receivers)
