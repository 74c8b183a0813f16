"""Agents: state folders of their own, what each signed remembered beside, delivered by the command `rasoat agent once`."""

from __future__ import annotations

import copy
import hashlib
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from agent.spool import Spool, SpoolFull
from agent.state import KEY_SUM, State
from bench.faults.programs import PATIENCE
from collectors.seal import SealError, unpack
from tests.server.people import Host
from tests.server.running import ROOT


class Agent:
    """One host. Its snapshots are made here and put into its spool by the agent's own code; everything after is the command."""

    def __init__(self, folder: Path, host: Host, way: str) -> None:
        self.folder, self.host, self.way = folder, host, way
        self.signed: dict[str, str] = {}
        """Id -> sha256 of header line and snapshot, of all that came into its spool."""
        self.told_full: list[str] = []
        """Ids that found no room; whoever ran was told, and they were never kept."""
        self.environment: dict[str, str] = {}
        self.codes: Counter[int] = Counter()
        self.said: list[str] = []

    def moved(self, folder: Path, url: str) -> Agent:
        """A copy of it, whose collector is at another address."""
        found = copy.copy(self)
        found.folder = folder
        found.signed, found.told_full, found.codes, found.said, found.environment = dict(self.signed), [], Counter(), [], {}
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        folder.chmod(0o700)
        state = State(folder)
        state.keep_sound("identity.json", (state.read("identity.json") or {}) | {"url": url})
        return found

    @property
    def spool(self) -> Spool:
        return Spool(self.folder, 1 << 26)

    def settle_in(self, url: str, centre: dict[str, Any] | None) -> None:
        """A folder as `rasoat agent enrol` leaves it, with a scan just made."""
        state = State(self.folder)
        state.prepare()
        self.spool.prepare()
        known = {"agent_id": self.host.agent, "unit": "Sở", "url": url, "name": self.host.name}
        known[KEY_SUM] = hashlib.sha256(self.host.private).hexdigest()
        state.keep_sound("identity.json", known | ({"centre": centre, "relay": self.way == "relay"} if centre else {}))
        state.key_file.write_bytes(self.host.private)
        state.key_file.chmod(0o600)
        state.keep("contact.json", {"last_scan": time.time()})

    def look(self, chance: random.Random, days: float = 0) -> str:
        """One snapshot, by a clock that is so many days ahead."""
        snapshot = self.host.snapshot(age=timedelta(days=-days), min_length=chance.randint(6, 14))
        blob = self.host.seal(snapshot)
        try:
            self.spool.put(snapshot.id, self.host.name, blob)
        except (SpoolFull, OSError):
            self.told_full.append(snapshot.id)
        else:
            self.signed[snapshot.id] = hashlib.sha256(unpack(blob)).hexdigest()
        return snapshot.id

    def run(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """`rasoat agent once`, in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "agent", "agent", *words, "--state-dir", str(self.folder), "--lang", "en"],
            cwd=ROOT, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
            env=os.environ | {"RASOAT_RETRY_SECONDS": "0.05", "RASOAT_TRIES": "1", "RASOAT_INTERVAL_SECONDS": "2592000"} | self.environment | environment,
        )  # fmt: skip

    def deliver(self) -> subprocess.Popen[str]:
        """Nothing is due, so what waits is delivered."""
        return self.run("once", "--if-due", "--quiet")

    def ended(self, process: subprocess.Popen[str], seconds: float = PATIENCE) -> int:
        """How it ended; what it said is kept."""
        said = process.communicate(timeout=seconds)[1]
        if said.strip():
            self.said.append(said)
        self.codes[process.returncode] += 1
        self.adopt()
        return process.returncode

    @property
    def waiting(self) -> list[str]:
        return [entry.id for entry in self.spool.waiting()]

    @property
    def refused(self) -> dict[str, str]:
        return {entry["id"]: str(entry.get("why", "")) for entry in self.spool.refusals()}

    @property
    def acknowledged(self) -> set[str]:
        """What left the spool as taken: these the agent need not send again."""
        return set(self.signed) - set(self.waiting) - set(self.refused)

    def kept_aside(self, name: str) -> Path:
        """The file of one that waits."""
        return next(entry.path for entry in self.spool.waiting() if entry.id == name)

    def adopt(self) -> None:
        """Scans of its own, which are made when its clock says so: what it kept of them, in the spool or acknowledged."""
        for folder in ("spool", "acknowledged"):
            for path in (self.folder / folder).glob("*.sealed"):
                name = path.name.split(".")[folder == "acknowledged"]
                if name not in self.signed:
                    with suppress(SealError):  # damaged on purpose: then it is not counted as made
                        self.signed[name] = hashlib.sha256(unpack(path.read_bytes())).hexdigest()
