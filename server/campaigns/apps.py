from __future__ import annotations

from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "server.campaigns"
    label = "campaigns"

    def ready(self) -> None:
        from server.campaigns import excusing  # noqa: F401  (declares its kind)
