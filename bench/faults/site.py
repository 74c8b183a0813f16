"""What runs in a cell: database, web processes, worker, relay, agents, and a line between any two of them.

    a0 ------------------ line ---------------- web --- line --- PostgreSQL        a0: believes the collector by TLS alone
    a1 (sealed) --------- line ---------------- web                                a1: sealed for the centre, directly
    a2, a3 --- line --- relay --- line -------- web        worker --- line --- PostgreSQL

Made once and stopped; each cell works on a copy of its own. More machines than agents: MACHINES have reported once before, so that
judging all of them again takes a while.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agent.state import State
from bench.faults.harm import Disk
from bench.faults.hosts import Agent
from bench.faults.line import Line
from bench.faults.programs import PATIENCE, Database, Program, until
from collectors.seal import parse, unpack, verify
from collectors.seal_delta import read, restore
from tests.server.people import Host
from tests.server.relays import Relay, free_port
from tests.server.running import ROOT, Collector

WAYS = ("plain", "sealed", "relay", "relay")
MACHINES = 40
AGENTS = [f"may-{number}" for number in range(len(WAYS))]
TIMER, SYSTEMD = "timer", "systemd"


class Centre(Collector):
    """Whose commands may take their time."""

    def _run(self, module: str, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"RASOAT_DATA": str(self.data), "LC_ALL": "C.UTF-8"}
        environment.pop("DJANGO_SETTINGS_MODULE", None)
        return _said([sys.executable, "-m", module, *words], environment, check)

    def both_verified(self) -> subprocess.CompletedProcess[str]:
        """`rasoat server findings verify` and `journal verify`, in one process."""
        text = "import sys; from server.cli import main; sys.exit(main(['findings', 'verify']) or main(['journal', 'verify']))"
        return _said([sys.executable, "-c", text], os.environ | {"RASOAT_DATA": str(self.data), "LC_ALL": "C.UTF-8"}, check=False)


class Outpost(Relay):
    def command(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return _said(
            [sys.executable, "-m", "agent", "relay", *words, "--state-dir", str(self.folder), "--lang", "en"],
            dict(os.environ),
            check,
        )


def _said(words: list[str], environment: dict[str, str], check: bool) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(words, env=environment, cwd=ROOT, text=True, capture_output=True, check=False, timeout=PATIENCE)
    assert not (check and done.returncode), (words, done.returncode, done.stdout[-1000:], done.stderr[-2000:])
    return done


def web_of(collector: Collector, processes: int = 1, **environment: str) -> Program:
    """Its web processes, not begun yet."""
    words = ["-m", "server.cli", "run", "--port", str(collector.port), "--workers", str(processes)]
    return Program("web", words, collector.data, collector.url, RASOAT_DATA=str(collector.data), **environment)


class Base:
    """A collector, a relay and agents that know each other, stopped; `machines` have reported once."""

    def __init__(self, folder: Path, postgresql: bool, machines: int = MACHINES) -> None:
        self.folder = folder
        self.database: Database | None = None
        web = None
        if postgresql:
            place = folder / "pg"
            place.mkdir()
            folder.chmod(0o755)
            self.database = Database(place, free_port())
            self.database.start()
            self.database.sql(f"CREATE DATABASE {Database.NAME} TEMPLATE template0")
        try:
            self.collector = Centre(folder / "centre", self.database.url() if self.database else "")
            with (self.collector.data / "settings.toml").open("a") as settings:
                settings.write('worker_silence_seconds = 2\nlock_wait_seconds = 5\none_person_for = ["pack-change"]\n')
            web = web_of(self.collector)
            web.start()
            self.token = self.collector.command("token", "new", "--uses", "999", "--quiet").stdout.strip()
            self.relay = Outpost(folder / "relay", self.collector, free_mb=0, report_seconds=2)
            centre = json.loads((self.relay.folder / "relay.json").read_text())["centre"]
            self.machines = [Host(f"tinh-{number}") for number in range(machines)]
            self.signed: dict[str, str] = {}
            self.agents = [Agent(folder / name, Host(name), way) for name, way in zip(AGENTS, WAYS, strict=True)]
            for host in (*self.machines, *(agent.host for agent in self.agents)):
                self._enrol(host)
            for host in self.machines:
                snapshot = host.snapshot()
                blob = host.seal(snapshot)
                assert self.collector.send(blob).status == 201
                self.signed[snapshot.id] = hashlib.sha256(unpack(blob)).hexdigest()
            for agent in self.agents:
                agent.settle_in("http://127.0.0.1:1", centre if agent.way != "plain" else None)
        finally:
            if web:
                web.stop()
            if self.database:
                self.database.stop()

    def _enrol(self, host: Host) -> None:
        answer = self.collector.post("/api/v1/enrol", json.dumps(host.request(self.token)).encode(), "application/json")
        assert answer.status == 201, answer
        host.agent = answer.document["agent_id"]


class Site:
    """A copy of the base that runs, with what was done to it and how it came back noted."""

    def __init__(self, base: Base, folder: Path, seed: str, disks: dict[str, float], clock: dict[str, dict[str, str]]) -> None:
        self.folder, self.chance = folder, random.Random(seed)
        self.done: dict[str, int] = {}
        self.back: list[str] = []
        self.beyond: dict[str, int] = {}
        self.lines: list[Line] = []
        self.disks = {part: Disk(folder / _FOLDERS[part], mib) for part, mib in disks.items()}
        self.signed = dict(base.signed)
        self.database = base.database
        self.db_line = self.worker_line = None
        data = folder / "centre"
        shutil.copytree(base.collector.data, data, dirs_exist_ok=True)
        data.chmod(0o700)
        self.collector: Centre = copy.copy(base.collector)
        self.collector.data, self.collector.process = data, None
        self.collector._place()
        if base.database is not None:
            place = folder / "pg"
            place.mkdir(exist_ok=True)
            self.database = base.database.moved(place, free_port())
            self.database.settings = self.database.settings | Database.SAFE
            self.database.environment = clock.get("database", {})
            self.db_line, self.worker_line = self._line(self.database.port), self._line(self.database.port)
            self.collector.database = self.database.url()
            settle_settings(data, self.database.url(port=self.db_line.port))
        self.web = web_of(self.collector, 2 if seed.startswith("server") else 1, **clock.get("server", {}))
        self.worker = Program(
            "worker",
            ["-m", "server.cli", "worker"],
            folder / "worker",
            RASOAT_DATA=str(folder / "worker"),
            **clock.get("worker", {}),
        )
        if self.worker_line:
            self.beside()
        self.front = self._line(self.collector.port)
        self.upstream = self._line(self.collector.port)
        self.relay = self._relay(base, clock.get("relay", {}))
        self.behind = self._line(int(self.relay.url.rpartition(":")[2]))
        self.agents = [
            agent.moved(folder / "agents" / agent.host.name, self.behind.url if agent.way == "relay" else self.front.url)
            for agent in base.agents
        ]
        for agent in self.agents:
            agent.environment = clock.get("agent", {})

    def beside(self) -> None:
        """The worker's data directory: another machine of the same collector."""
        assert self.database
        assert self.worker_line
        shutil.copytree(self.collector.data, self.worker.folder, dirs_exist_ok=True)
        settle_settings(self.worker.folder, self.database.url(port=self.worker_line.port))

    def _relay(self, base: Base, clock: dict[str, str]) -> Program:
        folder, port = self.folder / "relay", free_port()
        shutil.copytree(base.relay.folder, folder, dirs_exist_ok=True)
        folder.chmod(0o700)
        text = re.sub(r"^port: .*$", f"port: {port}", (folder / "relay.yaml").read_text(), flags=re.M)
        (folder / "relay.yaml").write_text(text)
        state = State(folder)
        state.keep_sound("relay.json", (state.read("relay.json") or {}) | {"url": self.upstream.url})
        words = ["-m", "agent", "relay", "run", "--state-dir", str(folder), "--lang", "en"]
        return Program("relay", words, folder, f"http://127.0.0.1:{port}", "/healthz", **clock)

    def _line(self, port: int) -> Line:
        line = Line(port, self.chance.randrange(1 << 30))
        self.lines.append(line)
        return line

    def start(self) -> None:
        if self.database:
            self.database.start()
        self.web.start()
        self.relay.start()

    def close(self) -> None:
        for line in self.lines:
            line.mend()
        for program in (self.worker, self.relay, self.web):
            program.kill()
        if self.database:
            self.database.kill()
        for line in self.lines:
            line.close()
        for disk in self.disks.values():
            disk.remove()

    # -- what is noted ---------------------------------------------------------------------------------------------------

    def did(self, what: str, times: int = 1) -> None:
        self.done[what] = self.done.get(what, 0) + times

    def came_back(self, how: str) -> None:
        """By systemd, the agent's timer, or a command of the documentation; nothing noted: by itself."""
        if how not in self.back:
            self.back.append(how)

    def restart(self, program: Program | Database) -> None:
        """As systemd does with what ended."""
        self.came_back(SYSTEMD)
        program.start()

    def relay_waits(self) -> int:
        return len(list((self.relay.folder / "spool").glob("*.sealed")))

    def digest_of(self, snapshot: str) -> str:
        """sha256 of what the collector has under that id, whose seal fits its agent's key: it was signed so by that agent."""
        row = self.collector.rows(
            f"SELECT s.base_id, s.sealed, a.public_key FROM ingest_storedsnapshot s JOIN ingest_agent a ON a.id = s.agent_id WHERE s.id = '{snapshot}'"
        )[0]
        plain = unpack(bytes(row[1])) if row[0] is None else self._restored(row[0], bytes(row[1]))
        verify(parse(plain), bytes(row[2]))
        return hashlib.sha256(plain).hexdigest()

    def _restored(self, base: str, difference: bytes) -> bytes:
        whole = self.collector.rows(f"SELECT sealed FROM ingest_storedsnapshot WHERE id = '{base}'")[0][0]
        return restore(read(difference), unpack(bytes(whole)).partition(b"\n")[2])

    # -- rounds ----------------------------------------------------------------------------------------------------------

    def look(self, each: int = 4, days: float = 0) -> None:
        for agent in self.agents:
            for _ in range(each):
                agent.look(self.chance, days)

    def deliver(self) -> list[subprocess.Popen[str]]:
        return [agent.deliver() for agent in self.agents]

    def ended(self, running: list[subprocess.Popen[str]]) -> None:
        for agent, process in zip(self.agents, running, strict=True):
            agent.ended(process)

    def arriving(self, running: list[subprocess.Popen[str]]) -> None:
        """Until something of what is on its way has arrived, or all have ended; then a moment more."""
        before = self._left()
        until(lambda: self._left() != before or all(one.poll() is not None for one in running), "something arrives", every=0.002)
        time.sleep(self.chance.uniform(0, 0.15))

    def _left(self) -> tuple[int, int]:
        return sum(len(agent.waiting) for agent in self.agents), self.relay_waits()

    def drain(self, seconds: float = PATIENCE, refused: bool = False) -> None:
        """Everything is delivered that anybody still has: runs of the agents, one after the other, as their timers start them.
        `refused`: some of it was damaged, and a run in which the collector refused that ends with 1."""

        def empty() -> bool:
            for agent in self.agents:
                if agent.waiting:
                    code = agent.ended(agent.deliver())
                    if code not in ((0, 1, 4) if refused else (0, 4)):
                        raise AssertionError(f"{agent.host.name} ended with {code}: {agent.said[-1]}")
            return not any(agent.waiting for agent in self.agents) and self.relay_waits() == 0

        until(empty, f"all is delivered: {[agent.waiting for agent in self.agents]}", seconds, 0.3)


_FOLDERS = {"agent": "agents", "relay": "relay", "server": "centre", "worker": "worker", "database": "pg"}


def settle_settings(data: Path, url: str) -> None:
    path = data / "settings.toml"
    path.write_text(re.sub(r"^database = .*$", f"database = {json.dumps(url)}", path.read_text(), flags=re.M))


@contextmanager
def site(base: Base, seed: str, disks: dict[str, float] | None = None, clock: Any = None) -> Iterator[Site]:
    """One that runs; gone afterwards. A cell with a clock names the parts that go by it."""
    folder = Path(tempfile.mkdtemp(prefix="rasoat-fault-"))
    folder.chmod(0o755)
    found = None
    try:
        found = Site(base, folder, seed, disks or {}, clock or {})
        found.start()
        yield found
    finally:
        if found is not None:
            found.close()
        subprocess.run(["sh", "-c", f"grep -o ' {folder}[^ ]* ' /proc/mounts | xargs -r -n1 umount -l"], check=False)
        shutil.rmtree(folder, ignore_errors=True)
