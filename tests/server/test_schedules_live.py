"""The real agent and the real collector: what a person asks for now, and when to look, reach the machine by its own asking."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from collectors.timetable import Timetable
from tests.server.running import ROOT, Collector

pytestmark = pytest.mark.system


def test_a_whole_unit_is_asked_and_its_schedule_is_learnt(tmp_path: Path) -> None:
    collector = Collector(tmp_path / "collector")
    token = collector.command("token", "new", "--quiet").stdout.strip()
    state = tmp_path / "agent"

    def agent(*words: str) -> int:
        environment = {**os.environ, "RASOAT_TOKEN": token, "LC_ALL": "C.UTF-8"}
        command = [sys.executable, "-m", "agent", "agent", *words, "--state-dir", str(state)]
        return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, timeout=180).returncode

    collector.command("schedule", "set", "Sở", "--poll", "15m")  # as often as its clock ticks: it asks at each wake
    collector.start()
    try:
        assert agent("enrol", collector.url, "--name", "may-that") == 0
        assert agent("once") in (0, 1, 3)
        assert agent("once", "--if-due") == 0
        assert len(collector.stored()) == 1, "nobody asked, and nothing is due"
        collector.command("schedule", "scan", "Sở")
        assert agent("once", "--if-due") in (0, 1, 3)
        assert len(collector.stored()) == 2
        collector.command(
            "schedule", "set", "Sở", "--hours", "daily 22:00-05:00", "--poll", "15m", "--interval", "2d", "--bandwidth", "1M"
        )
        assert agent("once", "--if-due") == 0
        assert len(collector.stored()) == 2, "asked for once, done once"
        policy = json.loads((state / "policy.json").read_text())
        assert Timetable.read(policy["schedule"]).days == 2
        assert policy["bytes_per_second"] == 1024 * 1024
    finally:
        collector.stop()
