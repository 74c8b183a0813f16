"""Real workers: processes of their own, on a database of their own that this process uses too."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.server.running import PACKS, ROOT

PATIENCE = 40.0


class Site:
    """A data directory with its database, and what runs on it."""

    def __init__(self, data: Path, url: str = "", silence: float = 1.5) -> None:
        self.data, self.url = data, url
        self.holds = data / "holds"
        self.holds.mkdir()
        shutil.copytree(PACKS, data / "packs")
        (data / "secret.key").write_text("a key of the tests")
        (data / "settings.toml").write_text(f'database = "{url}"\nworker_silence_seconds = {silence}\nlock_wait_seconds = 10\n')
        self.processes: list[subprocess.Popen[bytes]] = []

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ, "RASOAT_DATA": str(self.data), "DJANGO_SETTINGS_MODULE": "tests.server.slowly.settings",
            "RASOAT_TEST_HOLDS": str(self.holds), "LC_ALL": "C.UTF-8",
        }  # fmt: skip

    def worker(self, *words: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "server.cli", "worker", *words],
            cwd=ROOT, env=self.environment, stderr=(self.data / "log").open("ab"), start_new_session=True,
        )  # fmt: skip
        self.processes.append(process)
        return process

    def hold(self, word: str) -> None:
        (self.holds / word).touch()

    def let_go(self, word: str) -> None:
        (self.holds / word).unlink()

    def reached(self, word: str) -> bool:
        return (self.holds / f"{word}.reached").exists()

    def until(self, true: Callable[[], Any]) -> None:
        """Wait for it. What the workers said is in the failure."""
        deadline = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < deadline, (self.data / "log").read_text()[-4000:]
            time.sleep(0.03)

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    @contextmanager
    def here(self) -> Iterator[None]:
        """Django's default database, in this process, is the site's."""
        from django.contrib.contenttypes.models import ContentType
        from django.db import connections

        from server.config import Config, Data
        from server.database import databases

        before_settings, before = connections.settings["default"], connections["default"]
        wanted = databases(Data(self.data), Config(database=self.url))["default"]
        connections.settings["default"] = connections.configure_settings({"default": wanted})["default"]
        fresh = connections["default"] = connections.create_connection("default")
        ContentType.objects.clear_cache()
        try:
            yield
        finally:
            fresh.close()
            connections.settings["default"] = before_settings
            connections["default"] = before
            ContentType.objects.clear_cache()
