from __future__ import annotations

from django.apps import AppConfig


class OutletsConfig(AppConfig):
    name = "server.outlets"
    label = "outlets"
