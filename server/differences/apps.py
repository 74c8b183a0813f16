from __future__ import annotations

from django.apps import AppConfig


class DifferencesConfig(AppConfig):
    name = "server.differences"
    label = "differences"
