from __future__ import annotations

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "server.approvals"
    label = "approvals"

    def ready(self) -> None:
        from server.approvals import packs  # noqa: F401  (declares its kind)
