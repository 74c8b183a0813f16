"""What runs while the hosts report: a PostgreSQL, web processes and workers, each in a group of its own so that it can be killed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from tests.postgres import Cluster

ROOT = Path(__file__).resolve().parents[2]
SAFE = {
    "fsync": "on", "full_page_writes": "on", "shared_buffers": "1GB", "max_wal_size": "4GB", "maintenance_work_mem": "512MB",
    "max_connections": "80",
}  # fmt: skip
"""As safe as one in service: a commit is on the disk."""


class Program:
    """One of the collector's processes with its children."""

    def __init__(self, name: str, words: list[str], data: Path, port: int = 0) -> None:
        self.name, self.words, self.data, self.port = name, words, data, port
        self.process: subprocess.Popen[bytes] | None = None
        self.held_down = False
        """Not to be started again, whoever was about to."""
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        with self._lock:
            if self.held_down or self.process is not None:
                return
            self.process = subprocess.Popen(
                [sys.executable, "-m", "server.cli", *self.words],
                cwd=ROOT,
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                env=environment(self.data),
                stdout=subprocess.DEVNULL,
                stderr=(self.data / f"{self.name}.log").open("ab"),
            )

    def await_ready(self, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(OSError), urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                if answer.status == 200:
                    return
            time.sleep(0.2)
        raise AssertionError(f"{self.name} does not come up: {self.log()[-2000:]}")

    def kill(self) -> None:
        """kill -9 of it and its children, in mid-whatever."""
        with self._lock:
            if self.process is not None:
                with suppress(ProcessLookupError):
                    os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
                self.process = None

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(25)
            except subprocess.TimeoutExpired:
                self.kill()
            self.process = None

    def log(self) -> str:
        return (self.data / f"{self.name}.log").read_text(errors="replace")


def environment(data: Path) -> dict[str, str]:
    found = {**os.environ, "RASOAT_DATA": str(data), "LC_ALL": "C.UTF-8", "PYTHONPATH": str(ROOT)}
    found.pop("DJANGO_SETTINGS_MODULE", None)
    return found


def command(data: Path, *words: str) -> str:
    """What `rasoat server` says."""
    done = subprocess.run(
        [sys.executable, "-m", "server.cli", *words], env=environment(data), cwd=ROOT, text=True, capture_output=True, check=False, timeout=600
    )  # fmt: skip
    assert done.returncode == 0, done.stderr or done.stdout
    return done.stdout


class Meter(threading.Thread):
    """CPU seconds and memory of groups of processes, looked at every second: what a killed one had used stays counted."""

    def __init__(self, site: Site) -> None:
        super().__init__(name="meter", daemon=True)
        self._site, self._over = site, threading.Event()
        self._seen: dict[str, dict[tuple[int, float], float]] = {}
        self.peak_mib: dict[str, float] = {}
        self._lock = threading.Lock()

    def run(self) -> None:
        while not self._over.wait(1):
            self.look()

    def look(self) -> dict[str, float]:
        """CPU seconds so far: web, worker, postgresql, hosts (this process)."""
        with self._lock:
            for group, pid in list(self._site.pids()):
                self._note(group, pid)
            found = {group: sum(seconds.values()) for group, seconds in self._seen.items()}
        mine = psutil.Process().cpu_times()
        return {"web": 0.0, "worker": 0.0, "postgresql": 0.0} | found | {"hosts": mine.user + mine.system}

    def _note(self, group: str, pid: int) -> None:
        """Of a process, its living children, and those of its children that ended: these are in its own sum."""
        seconds = 0.0
        with suppress(psutil.Error):
            root = psutil.Process(pid)
            for process in (root, *root.children(recursive=True)):
                with suppress(psutil.Error), process.oneshot():
                    times = process.cpu_times()
                    seconds += times.user + times.system + times.children_user + times.children_system
                    mib = process.memory_info().rss / 2**20
                    self.peak_mib[group] = max(self.peak_mib.get(group, 0), mib)
            mine = self._seen.setdefault(group, {})
            mine[pid, root.create_time()] = max(seconds, mine.get((pid, root.create_time()), 0.0))

    def end(self) -> None:
        self._over.set()


class Site:
    """One collector on one PostgreSQL; `webs` web processes and `workers` workers."""

    def __init__(self, folder: Path, cluster: Cluster, url: str, webs: int, workers: int) -> None:
        self.folder, self.cluster, self.url = folder, cluster, url
        self.data = folder / "collector"
        command(self.data, "init", "--unit", "Centre", "--level", "3", "--lang", "en", "--database", url)
        with (self.data / "settings.toml").open("a") as settings:
            settings.write('background_work = "off"\none_person_for = ["pack-change"]\n')
        self.webs = [self._web(f"web-{n + 1}") for n in range(webs)]
        self.workers = [Program(f"worker-{n + 1}", ["worker"], self._beside(f"worker-{n + 1}")) for n in range(workers)]
        self.meter = Meter(self)

    def _beside(self, name: str) -> Path:
        """The data directory of another machine of the same collector."""
        return Path(shutil.copytree(self.data, self.folder / name))

    def _web(self, name: str) -> Program:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        return Program(name, ["run", "--port", str(port), "--workers", "1"], self._beside(name), port)

    def start(self) -> None:
        for program in (*self.webs, *self.workers):
            program.start()
        for program in self.webs:
            program.await_ready()
        self.meter.start()

    def stop(self) -> None:
        self.meter.end()
        for program in (*self.webs, *self.workers):
            program.held_down = True
            if program.process is not None:
                with suppress(ProcessLookupError):
                    program.process.terminate()
        for program in (*self.webs, *self.workers):
            program.stop()

    def pids(self) -> Iterator[tuple[str, int]]:
        for group, programs in (("web", self.webs), ("worker", self.workers)):
            for program in programs:
                if (process := program.process) is not None:
                    yield f"{group}", process.pid
        if (postmaster := self.cluster.process) is not None:
            yield "postgresql", postmaster.pid


@contextmanager
def site(webs: int = 2, workers: int = 2, **settings: str) -> Iterator[Site]:
    """All of it, with Django in this process on the same database. Gone afterwards, also after Ctrl-C."""
    from tests.postgres import using

    # the collector's own modules read their settings when they are imported first
    with tempfile.TemporaryDirectory(prefix="rasoat-fleet-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        os.environ |= {"RASOAT_DATA": str(folder / "collector"), "DJANGO_SETTINGS_MODULE": "server.settings"}
        with Cluster.started(**(SAFE | settings)) as cluster:
            url = cluster.create()
            found = Site(folder, cluster, url, webs, workers)
            import django

            django.setup()
            with using(url):
                try:
                    yield found
                finally:
                    found.stop()


def sized(url: str) -> int:
    """Bytes of the database."""
    import psycopg

    with psycopg.connect(url) as connection:
        row: Any = connection.execute("SELECT pg_database_size(current_database())").fetchone()
        return int(row[0])
