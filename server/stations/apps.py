from __future__ import annotations

from django.apps import AppConfig


class StationsConfig(AppConfig):
    name = "server.stations"
    label = "stations"
