"""A real collector: its own process under gunicorn, its own data directory, a real socket."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from tests.server.people import MEDIA_TYPE

PACKS = Path(__file__).parent / "packs"
ROOT = Path(__file__).parents[2]


class Answer(NamedTuple):
    status: int
    document: Any
    headers: Any


class Collector:
    PATIENCE = 60.0
    """Seconds it may take to start."""

    def __init__(self, data: Path, database: str = "", works: bool = False) -> None:
        self.data, self.database = data, database
        self.tls: ssl.SSLContext | None = None
        self._place()
        where = ("--database", database) if database else ()
        self.first_words = self.command("init", "--unit", "Sở", "--lang", "en", *where).stdout
        if not works:  # a worker takes seconds to start, and few tests ask for what it does
            with (data / "settings.toml").open("a") as settings:
                settings.write('background_work = "off"\n')
        shutil.copytree(PACKS, data / "packs")
        self.command("unit", "set", "Sở", "--baseline", "mini")

    def _place(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def beside(self, data: Path) -> Collector:
        """Another one on the same PostgreSQL, as on another machine."""
        other = copy.copy(self)
        other.data = Path(shutil.copytree(self.data, data))
        other._place()
        return other

    @property
    def password(self) -> str:
        found = re.search(r": (\S{5}-\S{5}-\S{5}-\S{5})$", self.first_words, re.M)
        assert found, self.first_words
        return found[1]

    def command(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self._run("server.cli", *words, check=check)

    def django(self, *words: str) -> str:
        """What Django's own commands say."""
        return self._run("django", *words, "--settings", "server.settings").stdout

    def _run(self, module: str, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "RASOAT_DATA": str(self.data), "LC_ALL": "C.UTF-8"}
        environment.pop("DJANGO_SETTINGS_MODULE", None)
        return subprocess.run(
            [sys.executable, "-m", module, *words],
            env=environment,
            cwd=ROOT,
            text=True,
            capture_output=True,
            check=check,
            timeout=120,
        )

    def start(self) -> None:
        environment = {**os.environ, "RASOAT_DATA": str(self.data)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "server.cli", "run", "--port", str(self.port), "--workers", "2"],
            env=environment, cwd=ROOT, start_new_session=True, stderr=(self.data / "log").open("ab"),
        )  # fmt: skip
        deadline = time.monotonic() + self.PATIENCE
        while time.monotonic() < deadline:
            try:
                if self.get("/readyz").status == 200:
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError((self.data / "log").read_text())

    def kill(self) -> None:
        """kill -9 of the master and its workers, in mid-whatever."""
        assert self.process
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
            self.process = None

    def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        return self._ask(urllib.request.Request(self.url + path, headers=headers or {}))

    def post(self, path: str, body: bytes, media_type: str) -> Answer:
        return self._ask(urllib.request.Request(self.url + path, data=body, headers={"Content-Type": media_type}))

    def enrol(self, host: Any) -> None:
        token = self.command("token", "new", "--quiet").stdout.strip()
        answer = self.post("/api/v1/enrol", json.dumps(host.request(token)).encode(), "application/json")
        assert answer.status == 201, answer
        host.agent = answer.document["agent_id"]

    def send(self, blob: bytes) -> Answer:
        return self.post("/api/v1/snapshots", blob, MEDIA_TYPE)

    def stored(self) -> list[tuple[str, int]]:
        """(id, size) of every snapshot in the database, read past the server."""
        return self.rows("select id, length(sealed) from ingest_storedsnapshot order by id")

    def rows(self, query: str) -> list[Any]:
        """Read past the server."""
        import sqlite3

        import psycopg

        with closing(psycopg.connect(self.database) if self.database else sqlite3.connect(self.data / "db.sqlite3")) as database:
            return database.execute(query).fetchall()

    def _ask(self, request: urllib.request.Request) -> Answer:
        try:
            with urllib.request.urlopen(request, timeout=30, context=self.tls) as response:
                return Answer(response.status, _read(response), response.headers)
        except urllib.error.HTTPError as error:
            return Answer(error.code, _read(error), error.headers)


def _read(response: Any) -> Any:
    body = response.read().decode()
    return json.loads(body) if "json" in response.headers.get("Content-Type", "") else body
