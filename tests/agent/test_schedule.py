"""When an agent scans."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from agent.schedule import CLOCK_TOLERANCE, TICK, Outlook, next_scan, offset, rest
from tests.agent.collector import Collector
from tests.agent.conftest import environment, fill

NOW = 1_795_000_000.0
intervals = st.integers(60, 30 * 86400)


@given(st.uuids().map(str), intervals, st.integers(0, 30 * 86400))
def test_the_moment_is_an_agent_s_own_and_never_changes(agent: str, interval: int, jitter: int) -> None:
    moment = offset(agent, interval, jitter)
    assert 0 <= moment <= max(0, min(interval, jitter) - 1)
    assert moment == offset(agent, interval, jitter)


def test_agents_are_spread_evenly_over_the_jitter() -> None:
    moments = [offset(f"agent-{number}", 21600, 3600) for number in range(3600)]
    per_ten_minutes = [sum(1 for moment in moments if moment // 600 == part) for part in range(6)]
    assert min(per_ten_minutes) > 500


@given(intervals, st.integers(0, 86400), st.floats(0, NOW))
def test_the_next_scan_follows_the_last_within_one_interval_at_the_agent_s_moment(
    interval: int, moment: int, last: float
) -> None:
    due = next_scan(last, NOW, interval, moment)
    assert last < due <= last + interval + 1e-3
    assert (due - moment) % interval == 0


def test_a_machine_that_never_scanned_or_whose_clock_was_set_back_scans_now() -> None:
    assert next_scan(None, NOW, 3600, 0) == NOW
    assert next_scan(NOW + CLOCK_TOLERANCE + 1, NOW, 3600, 0) == NOW
    assert next_scan(NOW + 1, NOW, 3600, 0) > NOW


@given(st.floats(-1e6, 1e7), st.integers(0, 50), st.integers(0, 100))
def test_the_loop_never_spins_and_never_sleeps_through_a_tick(ahead: float, waiting: int, failures: int) -> None:
    pause = rest(Outlook(NOW + ahead, waiting), NOW, failures)
    assert 1 <= pause <= (3600 if waiting else TICK)


def test_run_sends_what_waits_and_ends_at_once_when_told_to(enrolled: Path, collector: Collector) -> None:
    (name,) = fill(enrolled)
    loop = subprocess.Popen([sys.executable, "-m", "agent", "agent", "run", "--state-dir", enrolled], env=environment())
    try:
        while name not in collector.stored:
            assert loop.poll() is None
            time.sleep(0.02)
        os.kill(loop.pid, signal.SIGTERM)
        assert loop.wait(30) == 0
    finally:
        loop.kill()
        loop.wait()


def test_run_refuses_to_start_on_a_machine_that_is_not_enrolled(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "agent", "agent", "run", "--state-dir", tmp_path / "none"],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "not enrolled" in done.stderr
