"""The collector's settings and the tests' own tasks."""

from __future__ import annotations

from server.settings import *  # noqa: F403
from server.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.server.slowly"]
