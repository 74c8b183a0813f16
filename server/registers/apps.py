from __future__ import annotations

from django.apps import AppConfig


class RegistersConfig(AppConfig):
    name = "server.registers"
    label = "registers"

    def ready(self) -> None:
        from server.registers import membership  # noqa: F401  (says which machines a system has)
