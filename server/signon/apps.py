from __future__ import annotations

from django.apps import AppConfig


class SignonConfig(AppConfig):
    name = "server.signon"
    label = "signon"

    def ready(self) -> None:
        from server.signon import sessions  # noqa: F401  (registers what happens at a log-on)
