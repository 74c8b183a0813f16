"""The real agent against the real collector: enrol, look, judge, deliver; and both come to the same verdicts."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server.running import ROOT, Collector

pytestmark = pytest.mark.system


def rows(collector: Collector, query: str) -> list[tuple]:
    with sqlite3.connect(collector.data / "db.sqlite3") as database:
        return database.execute(query).fetchall()


def test_the_machine_and_the_collector_agree(tmp_path: Path) -> None:
    collector = Collector(tmp_path / "collector")
    tailoring = tmp_path / "strict.yaml"
    tailoring.write_text("name: Sở\nparams:\n  access.password: {min_length: 20}\n")
    collector.command("unit", "set", "Sở", "--level", "3", "--tailoring", str(tailoring))
    token = collector.command("token", "new", "--quiet").stdout.strip()

    def agent(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "RASOAT_TOKEN": token, "LC_ALL": "C.UTF-8"}
        command = [sys.executable, "-m", "agent", "agent", *words, "--state-dir", str(tmp_path / "agent")]
        return subprocess.run(command, env=environment, cwd=ROOT, text=True, capture_output=True, timeout=180)

    collector.start()
    try:
        enrolled = agent("enrol", collector.url, "--name", "may-that")
        assert enrolled.returncode == 0, enrolled.stderr
        first = agent("once")
        assert first.returncode in (0, 1, 3), first.stderr
        kept = rows(
            collector, "select level, baseline, agent, length(tailoring), fail + unknown + passed from assess_storedassessment"
        )
        assert kept == [(3, "mini", "agrees", 64, 5)]
        assert rows(collector, "select count(*) from assess_alarm") == [(0,)]

        collector.kill()
        down = agent("once")
        assert down.returncode == 4, "could not deliver; kept in the spool"
        assert len(collector.stored()) == 1
        collector.start()
        assert agent("once").returncode in (0, 1, 3)
        assert len(collector.stored()) == 3, "the spooled one and the new one"
    finally:
        collector.stop()
