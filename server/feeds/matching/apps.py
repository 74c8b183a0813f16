from __future__ import annotations

from django.apps import AppConfig


class MatchingConfig(AppConfig):
    name = "server.feeds.matching"
    label = "matching"

    def ready(self) -> None:
        from server.feeds.matching import signals  # noqa: F401  (connects the receiver)
