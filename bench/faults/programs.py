"""The programs of a site: started, killed, stopped, and asked whether they are there."""

from __future__ import annotations

import copy
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from tests.postgres import Cluster, _account, _die_with_parent, binaries
from tests.server.running import ROOT

PATIENCE = 900.0
"""Seconds after which a cell gives up: a machine that is busy with other things is slow, and that is no fault of ours."""


def until(true: Callable[[], Any], what: str, seconds: float = PATIENCE, every: float = 0.05) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"not in {seconds:.0f} s: {what}")
        time.sleep(every)


class Program:
    """One process with its children, in a group of its own."""

    def __init__(self, name: str, words: list[str], folder: Path, url: str = "", ready: str = "/readyz", **env: str) -> None:
        self.name, self.words, self.folder, self.url, self.ready = name, words, folder, url, ready
        self.environment: dict[str, str] = dict(env)
        self.process: subprocess.Popen[bytes] | None = None
        self.log_file = folder.parent / f"{folder.name}-{name}.log"

    def start(self, wait: bool = True) -> None:
        environment = os.environ | {"LC_ALL": "C.UTF-8", "PYTHONPATH": str(ROOT)} | self.environment
        environment.pop("DJANGO_SETTINGS_MODULE", None)
        self.process = subprocess.Popen(
            [sys.executable, *self.words], cwd=ROOT, env=environment, start_new_session=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=self.log_file.open("ab"),
        )  # fmt: skip
        if wait and self.url:
            try:
                until(self.is_ready, f"{self.name} comes up", every=0.1)
            except AssertionError as late:
                raise AssertionError(f"{late}: {self.log()[-3000:]}") from None

    def is_ready(self) -> bool:
        assert self.process is None or self.process.poll() is None, f"{self.name} ended: {self.log()[-3000:]}"
        return self.answers()

    def answers(self) -> bool:
        with suppress(OSError, urllib.error.HTTPError), urllib.request.urlopen(self.url + self.ready, timeout=10) as answer:
            return bool(answer.status == 200)
        return False

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """kill -9 of it and its children, in mid-whatever."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError):
                self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(30)
            self.kill()

    def log(self) -> str:
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""


class Database(Cluster):
    """A PostgreSQL that keeps what it was told and checks its pages; spoken to over TCP, so that the line can be cut."""

    port = 0
    environment: dict[str, str] = {}
    NAME = "rasoat"
    SAFE = {
        "fsync": "on", "full_page_writes": "on", "listen_addresses": "127.0.0.1", "max_connections": "60", "max_wal_size": "128MB",
        "min_wal_size": "32MB", "restart_after_crash": "on", "log_min_messages": "warning", "wal_level": "replica", "wal_keep_size": "512MB",
    }  # fmt: skip

    def __init__(self, folder: Path, port: int) -> None:
        self.port = port
        super().__init__(folder, **self.SAFE, port=str(port))
        self._run("pg_checksums", "--enable", "-D", self.data)

    def anew(self) -> None:
        """Another empty one in its place."""
        fresh = Database(self.folder, self.port)
        self.settings = fresh.settings

    def moved(self, folder: Path, port: int) -> Database:
        """A copy of what is stopped."""
        found = copy.copy(self)
        subprocess.run(["cp", "-a", f"{self.folder}/.", folder], check=True)
        found.folder, found.port, found.process = folder, port, None
        found.settings = self.settings | {"port": str(port)}
        found.environment = {}
        return found

    def url(self, name: str = NAME, port: int = 0) -> str:
        return f"postgresql://rasoat@127.0.0.1:{port or self.port}/{name}"

    def start(self, seconds: float = PATIENCE) -> None:
        """As systemd does: again, where what was killed has not quite gone."""
        deadline = time.monotonic() + seconds
        words = [word for name, value in self.settings.items() for word in ("-c", f"{name}={value}")]
        for _ in range(10):
            self.process = subprocess.Popen(
                [binaries() / "postgres", "-D", self.data, "-k", self.folder, *words],
                cwd=self.folder, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"} | self.environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=(self.folder / "log").open("ab"), preexec_fn=_die_with_parent, **_account(),
            )  # fmt: skip
            while self.process.poll() is None and time.monotonic() < deadline:
                if self.answers():
                    return
                time.sleep(0.05)
            time.sleep(1)
        raise AssertionError((self.folder / "log").read_text()[-3000:])

    def answers(self) -> bool:
        with suppress(psycopg.Error), psycopg.connect(self.url("postgres"), connect_timeout=5):
            return True
        return False

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """kill -9 of the postmaster; its children see it and end."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def kill_backend(self) -> bool:
        """kill -9 of one that is at work, where there is one: the postmaster then begins anew from its log."""
        with suppress(psycopg.Error):
            found = self.sql(
                "SELECT pid FROM pg_stat_activity WHERE datname = %s ORDER BY state <> 'active', random() LIMIT 1", self.NAME
            )
            if found:
                with suppress(ProcessLookupError):
                    os.kill(found[0][0], signal.SIGKILL)
                return True
        return False

    def tool(self, program: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [binaries() / program, *words], cwd=self.folder, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
            capture_output=True, text=True, check=False, **_account(),
        )  # fmt: skip

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
