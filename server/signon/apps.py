from __future__ import annotations

from django.apps import AppConfig


class SignonConfig(AppConfig):
    name = "server.signon"
    label = "signon"
