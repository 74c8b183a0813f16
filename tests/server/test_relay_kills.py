"""Agents, relay and centre killed at random (kill -9), again and again; then every snapshot is accounted for by its id."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.server.people import Host
from tests.server.relays import Agent, Relay
from tests.server.running import ROOT, Collector

pytestmark = pytest.mark.system
ROUNDS = int(os.environ.get("RASOAT_KILL_ROUNDS", "4"))
VICTIMS = ("relay", "agent", "centre", "relay")


def started(folder: Path) -> subprocess.Popen[bytes]:
    """`rasoat agent once --if-due`: nothing is due, so it delivers what waits."""
    return subprocess.Popen(
        [sys.executable, "-m", "agent", "agent", "once", "--if-due", "--quiet", "--state-dir", str(folder)],
        cwd=ROOT, env={**os.environ, "RASOAT_RETRY_SECONDS": "0.05", "RASOAT_TRIES": "2"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def settled(agent: Agent, relay: Relay) -> None:
    """A state folder as `rasoat agent enrol` leaves it, with a scan just made."""
    assert agent.centre
    known = {"agent_id": agent.host.agent, "unit": "Sở", "url": relay.url, "name": agent.host.name}
    agent.state.keep("identity.json", known | {"centre": agent.centre.document(), "relay": True})
    agent.state.key_file.write_bytes(agent.host.private)
    agent.state.key_file.chmod(0o600)
    agent.state.keep("contact.json", {"last_scan": time.time()})


def test_nothing_is_lost_and_nothing_double(tmp_path: Path) -> None:
    chance = random.Random(20_261_129)
    collector = Collector(tmp_path / "centre")
    collector.start()
    relay = Relay(tmp_path / "relay", collector)
    relay.start()
    token = collector.command("token", "new", "--uses", "9", "--quiet").stdout.strip()
    agents = [Agent(tmp_path / f"a{number}", Host(f"may-{number}")) for number in range(3)]
    for agent in agents:
        agent.enrol(relay.url, token)
        settled(agent, relay)
    made: dict[str, str] = {}
    killed = dict.fromkeys(("agent", "relay", "centre"), 0)
    try:
        for number in range(ROUNDS):
            for agent in agents:
                made[agent.look()] = agent.host.name
            running = [started(agent.state.folder) for agent in agents]
            time.sleep(chance.uniform(0.2, 1.5))
            victim = VICTIMS[number % len(VICTIMS)]
            killed[victim] += 1
            if victim == "agent":
                running[chance.randrange(3)].send_signal(signal.SIGKILL)
            elif victim == "relay":
                relay.kill()
            else:
                collector.kill()
            for process in running:
                process.wait(60)
            if victim == "relay":
                relay.start()
            elif victim == "centre":
                collector.start()
        deadline = time.monotonic() + 90
        while any(agent.waiting for agent in agents) and time.monotonic() < deadline:
            for agent in agents:
                assert started(agent.state.folder).wait(60) in (0, 4)
            time.sleep(0.3)
        assert all(killed.values()), killed
        stored = [pk for pk, _size in collector.stored()]
        assert sorted(stored) == sorted(made), "every one, once, and nothing else"
        for agent in agents:
            assert agent.waiting == []
            assert agent.spool.refusals() == []
            assert agent.spool.dropped() == 0
            assert agent.distrusted == []
        assert relay.health()["waiting"] == 0
        assert json.loads((relay.folder / "report.json").read_text())["error"] == ""
    finally:
        relay.stop()
        collector.stop()
