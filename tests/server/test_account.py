"""Nothing acknowledged is ever lost: the collector and real agents are killed (kill -9) at random moments while spools are
delivered, whole and as differences; then every snapshot is accounted for by its id and its bytes, on both databases.

RASOAT_ACCOUNT_ROUNDS=200 goes on for longer than the suite has time.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from agent.spool import Spool
from agent.state import State
from collectors.seal import unpack
from collectors.seal_delta import read, restore
from tests.server.people import Host
from tests.server.running import ROOT, Collector

pytestmark = pytest.mark.system
ROUNDS = int(os.environ.get("RASOAT_ACCOUNT_ROUNDS", "3"))
AGENTS, EACH = 3, 4


class Site:
    """A host with a spool; what it signed is remembered beside, to be held against what the collector has."""

    def __init__(self, folder: Path, collector: Collector, host: Host) -> None:
        collector.enrol(host)
        self.host, self.state = host, State(folder)
        self.state.prepare()
        self.spool = Spool(folder, 1 << 26)
        self.spool.prepare()
        self.state.keep("identity.json", {"agent_id": host.agent, "unit": "Sở", "url": collector.url, "name": host.name})
        self.state.key_file.write_bytes(host.private)
        self.state.key_file.chmod(0o600)
        self.state.keep("contact.json", {"last_scan": time.time()})
        self.signed: dict[str, bytes] = {}

    def look(self, chance: random.Random) -> None:
        snapshot = self.host.snapshot(min_length=chance.randint(6, 14))
        blob = self.host.seal(snapshot)
        self.signed[snapshot.id] = unpack(blob)
        self.spool.put(snapshot.id, self.host.name, blob)

    def deliver(self) -> subprocess.Popen[bytes]:
        """`rasoat agent once --if-due`: nothing is due, so it delivers what waits."""
        return subprocess.Popen(
            [sys.executable, "-m", "agent", "agent", "once", "--if-due", "--quiet", "--state-dir", str(self.state.folder)],
            cwd=ROOT, env={**os.environ, "RASOAT_RETRY_SECONDS": "0.05", "RASOAT_TRIES": "2"},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    @property
    def acknowledged(self) -> set[str]:
        """What left the spool: these the agent has no other copy of."""
        return set(self.signed) - {entry.id for entry in self.spool.waiting()}


def kept(collector: Collector) -> dict[str, bytes]:
    """Id -> the bytes that were signed, read past the server."""
    rows: list[tuple[str, str | None, Any]] = collector.rows("select id, base_id, sealed from ingest_storedsnapshot")
    assert len({pk for pk, _base, _sealed in rows}) == len(rows)
    whole = {pk: unpack(bytes(sealed)) for pk, base, sealed in rows if base is None}
    parts = {pk: restore(read(bytes(sealed)), whole[base].partition(b"\n")[2]) for pk, base, sealed in rows if base is not None}
    return whole | parts


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_every_snapshot_is_accounted_for(tmp_path: Path, kind: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("postgres").create() if kind == "postgresql" else ""
    chance = random.Random(11_930)
    collector = Collector(tmp_path / "centre", url)
    collector.start()
    sites = [Site(tmp_path / f"a{number}", collector, Host(f"may-{number}")) for number in range(AGENTS)]
    try:
        for number in range(ROUNDS):
            for site in sites:
                for _ in range(EACH):
                    site.look(chance)
            running = [site.deliver() for site in sites]
            if number % 2:
                time.sleep(chance.uniform(0, 2))
            else:  # into the middle: as soon as something of this round has arrived
                before = sum(len(site.acknowledged) for site in sites)
                deadline = time.monotonic() + 30
                while sum(len(site.acknowledged) for site in sites) == before and time.monotonic() < deadline:
                    time.sleep(0.005)
            collector.kill()
            running[chance.randrange(AGENTS)].send_signal(signal.SIGKILL)
            for process in running:
                process.wait(60)
            collector.start()
            here = kept(collector)
            for site in sites:
                assert {pk: here.get(pk) for pk in site.acknowledged} == {pk: site.signed[pk] for pk in site.acknowledged}
        deadline = time.monotonic() + 120
        while any(site.spool.waiting() for site in sites) and time.monotonic() < deadline:
            for process in [site.deliver() for site in sites]:
                assert process.wait(60) in (0, 4)
        assert kept(collector) == {pk: plain for site in sites for pk, plain in site.signed.items()}, "each, once, byte for byte"
        differences = collector.rows("select count(*) from ingest_storedsnapshot where base_id is not null")[0][0]
        for site in sites:
            assert site.spool.refusals() == []
            assert site.spool.dropped() == 0
        assert differences > 0
        judged = collector.rows("select count(*) from assess_storedassessment")[0][0]
        assert judged == AGENTS * EACH * ROUNDS
        # these hosts share one hardware, which is an alarm of its own
        alarms = {kind for (kind,) in collector.rows("select kind from assess_alarm")}
        assert alarms <= {"installed-anew", "same-id"}
    finally:
        collector.stop()
