from __future__ import annotations

from django.apps import AppConfig


class FiltersConfig(AppConfig):
    name = "server.filters"
    label = "filters"
