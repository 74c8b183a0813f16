from __future__ import annotations

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "server.people"
    label = "people"

    def ready(self) -> None:
        from server.people import signals  # noqa: F401  (registers them)
