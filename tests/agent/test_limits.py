"""A run that takes too much ends itself, says why, loses nothing and sends nothing half-looked; no test here waits for a set time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from agent import config, limits
from agent.errors import Refusal
from agent.limits import LOOKING, REST, Limits, Usage
from agent.service import units
from agent.state import State
from tests.agent.collector import Collector
from tests.agent.conftest import ROOT, Run, environment, fill
from tests.agent.test_polling import work

pytestmark = pytest.mark.xdist_group("limits")  # they look for each other's commands among the processes of the machine

HOG = """
import sys, threading, time
from agent.cli import main
import agent.limits as limits
import collectors.run as run
from collectors.catalog import questions

def memory(shell):
    held = []
    while True:
        held.append(bytearray(1 << 20))

def slow_memory(shell):
    held = []
    while True:
        held.append(bytearray(1 << 20))
        time.sleep(0.01)

def spin(shell):
    while True:
        pass

def command(shell):
    return shell.run("sleep", "31047", timeout=31047)

def deaf(shell):
    while True:  # as a library that swallows whatever is raised
        try:
            while True:
                pass
        except BaseException:
            pass

def loose(shell):
    import subprocess
    subprocess.Popen(["sleep", "31047"])  # begun, and broken off before anybody waits for it
    raise limits.Stopped

def stubborn(shell):
    import subprocess
    try:
        while True:
            pass
    except BaseException:  # as a library that tidies up after itself
        subprocess.Popen(["touch", sys.argv[-1] + "/begun"]).wait()

def killed(shell):
    import os, signal
    os.kill(os.getpid(), signal.SIGKILL)

hog = globals()[sys.argv[1]]
run.questions = lambda platform: [("identity", dict(questions(platform))["identity"]), ("software", hog)]
run.FACT_LIMIT = 7200
limits.USUAL = limits.Limits(*map(float, sys.argv[2].split(",")))._replace(memory_mb=int(sys.argv[2].split(",")[2]))
limits.Watch.__init__.__defaults__ = (0.05, 0.5)
sys.exit(main(sys.argv[3:]))
"""
"""The agent with one fact that takes more than it should, and limits that are reached soon."""


def hogged(state: Path, hog: str, allowed: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", HOG, hog, allowed, "agent", "once", *words, "--state-dir", state],
        env=environment(), cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


def kept(state: Path, name: str = limits.FILE) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((state / name).read_text())
    return found


def left() -> list[psutil.Process]:
    """Commands of the agent that are still there."""
    return [process for process in psutil.process_iter(["cmdline"]) if process.info["cmdline"] == ["sleep", "31047"]]


@pytest.fixture
def serving(collector: Collector) -> Collector:
    collector.work = work()
    return collector


@pytest.mark.system
@pytest.mark.parametrize(
    ("hog", "allowed", "limit"),
    [
        ("slow_memory", "60,600,150", "memory"),
        ("spin", "60,2,400", "cpu"),
        ("command", "0.05,600,400", "minutes"),
        ("deaf", "60,2,400", "cpu"),
    ],
)
def test_a_look_that_takes_too_much_ends_itself_and_says_why(
    enrolled: Path, serving: Collector, rasoat: Run, hog: str, allowed: str, limit: str
) -> None:
    waiting = fill(enrolled)
    (enrolled / "contact.json").unlink()
    done = hogged(enrolled, hog, allowed, "--if-due", "--quiet")
    assert done.returncode == 6, done.stderr
    assert f"limit_{ {'memory': 'memory_mb', 'cpu': 'cpu_seconds'}.get(limit, limit) }" in done.stderr
    assert "software" in done.stderr, "what it was at"
    assert done.stderr.count("stopped") == 1
    found = kept(enrolled)
    assert (found["limit"], found["doing"]) == (limit, "software")
    assert found["taken"] >= found["allowed"]
    assert not (enrolled / LOOKING).exists()
    assert [path.name.partition(".")[0] for path in (enrolled / "spool").iterdir()] == waiting, "the spool is as it was"
    assert not serving.stored, "and nothing was sent that was half looked at"
    assert not left()
    shown = rasoat("agent", "status", "--state-dir", enrolled)
    assert f"limit_{limit}" in shown.stdout
    assert json.loads(rasoat("agent", "status", "--format", "json", "--state-dir", enrolled).stdout)["stopped"]["limit"] == limit


@pytest.mark.system
def test_a_command_that_begins_as_the_look_is_broken_off_is_ended_too(enrolled: Path, serving: Collector) -> None:
    done = hogged(enrolled, "loose", "60,600,400")
    assert done.returncode == 6, done.stderr
    assert not left()


@pytest.mark.system
def test_no_command_begins_after_the_look_was_broken_off(enrolled: Path, serving: Collector) -> None:
    done = hogged(enrolled, "stubborn", "60,2,400")
    assert done.returncode == 6, done.stderr
    assert not (enrolled / "begun").exists()


@pytest.mark.system
def test_one_fact_that_eats_all_memory_at_once_is_not_seen_and_costs_no_other(enrolled: Path, serving: Collector) -> None:
    """Quicker than the watch: the kernel refuses, and the fact says so."""
    from collectors.seal import unseal

    done = hogged(enrolled, "memory", "60,600,150")
    assert done.returncode in (1, 3, 6), done.stderr
    if done.returncode == 6:  # the watch was quicker
        assert kept(enrolled)["limit"] == "memory"
        assert not serving.stored
        return
    (blob,) = serving.stored.values()
    records = {one["fact"]: one for one in json.loads(unseal(blob).snapshot)["records"]}
    assert records["software"]["outcome"] == "bug"
    assert "more memory" in records["software"]["reason"]
    assert records["identity"]["outcome"] == "seen"


@pytest.mark.system
def test_afterwards_the_schedule_rests_the_collector_is_told_once_and_a_whole_look_ends_it(
    enrolled: Path, serving: Collector, rasoat: Run
) -> None:
    serving.work = work(jobs=[{"id": 7, "itself": True}])
    assert hogged(enrolled, "spin", "60,2,400", "--if-due").returncode == 6
    serving.requests.clear()
    for _ in range(2):
        assert rasoat("agent", "once", "--if-due", "--state-dir", enrolled).returncode == 0
    assert not serving.stored, "what somebody asked for is not tried all day either"
    asked = [line for line in serving.requests if "work" in line]
    assert len(asked) == 2
    assert "stopped=cpu" in asked[0]
    assert "doing=software" in asked[0]
    assert "stopped" not in asked[1]
    serving.work = work(jobs=[{"id": 7, "itself": True}, {"id": 8, "itself": True}])
    assert rasoat("agent", "once", "--if-due", "--state-dir", enrolled).returncode in (0, 1, 3)
    assert len(serving.stored) == 1, "who asks anew is heard"
    assert not (enrolled / limits.FILE).exists()


@pytest.mark.system
def test_a_run_that_was_killed_is_told_of_by_the_next(enrolled: Path, serving: Collector, rasoat: Run) -> None:
    (enrolled / "contact.json").unlink()
    for times in (0, 1, 2):
        assert hogged(enrolled, "killed", "60,600,400", "--if-due").returncode == -signal.SIGKILL
        assert kept(enrolled, LOOKING)["times"] == times
    assert kept(enrolled)["limit"] == "killed"
    assert rasoat("agent", "once", "--if-due", "--state-dir", enrolled).returncode == 0
    assert not serving.stored, "after two in a row it rests"
    assert "killed" in rasoat("agent", "status", "--state-dir", enrolled).stdout
    assert rasoat("agent", "once", "--state-dir", enrolled).returncode in (0, 1, 3), "but a person may"
    assert len(serving.stored) == 1
    assert not (enrolled / limits.FILE).exists()


@pytest.mark.system
def test_a_machine_that_was_switched_off_killed_nothing(enrolled: Path, serving: Collector) -> None:
    (enrolled / LOOKING).write_text(json.dumps({"at": 1.0, "boot": "another", "times": 5, "asked": []}))
    assert hogged(enrolled, "killed", "60,600,400").returncode == -signal.SIGKILL
    assert not (enrolled / limits.FILE).exists()
    assert kept(enrolled, LOOKING)["times"] == 0


@pytest.mark.parametrize(
    ("taken", "limit"),
    [
        ((14.9, 119, 399), None),
        ((15.1, 1, 1), "minutes"),
        ((1, 120.5, 1), "cpu"),
        ((1, 1, 401), "memory"),
        ((99, 999, 999), "minutes"),
    ],
)
def test_what_is_passed_first_is_named(taken: tuple[float, float, float], limit: str | None) -> None:
    assert (Usage(*taken).over(Limits()) or {}).get("limit") == limit
    assert Usage(*taken).over(Limits(None, None, 10_000)) is None


@pytest.mark.parametrize(
    ("found", "rests"),
    [
        ({"limit": "memory", "at": 1000.0}, True),
        ({"limit": "killed", "at": 1000.0, "times": 1}, False),
        ({"limit": "killed", "at": 1000.0, "times": 2}, True),
        ({"limit": "nonsense", "at": 1000.0}, False),
        ({"limit": "memory", "at": None}, False),
        ({"limit": "memory", "at": 9000.0}, False),
    ],
)
def test_when_it_rests(tmp_path: Path, found: dict[str, Any], rests: bool) -> None:
    """A stop in the future is a clock that was set back: nothing is known then, and it looks."""
    state = State(tmp_path)
    state.keep(limits.FILE, found)
    assert limits.resting(state, 2000.0) == (1000.0 + REST if rests else 0)


def test_a_station_has_as_long_as_its_targets_take_and_what_is_set_counts(tmp_path: Path) -> None:
    assert Limits.of(config.Config()) == Limits(15, 120, 400)
    assert Limits.of(config.Config(station_targets=tmp_path)) == Limits(None, None, 800)
    assert Limits.of(config.Config(station_targets=tmp_path, limit_minutes=60, limit_memory_mb=300)) == Limits(60, None, 300)


def test_a_limit_that_cannot_be_meant_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "agent.yaml").write_text("limit_minutes: 0\nlimit_cpu_seconds: 90\nlimit_memory_mb: 12\n")
    with pytest.raises(Refusal) as caught:
        config.load({"RASOAT_CONFIG": str(tmp_path / "agent.yaml"), "RASOAT_LIMIT_CPU_SECONDS": "much"})
    for place in (
        f"{tmp_path}/agent.yaml:1: limit_minutes",
        f"{tmp_path}/agent.yaml:3: limit_memory_mb",
        "RASOAT_LIMIT_CPU_SECONDS",
    ):
        assert place in str(caught.value)


def test_systemd_allows_a_little_more_than_a_run_allows_itself(tmp_path: Path) -> None:
    service = units("/bin/rasoat", tmp_path, Limits(15, 120, 400))["rasoat.service"]
    for line in ("TimeoutStartSec=960s", "MemoryMax=500M", f"Nice={limits.NICE}", "OOMPolicy=continue"):
        assert line in service.splitlines()
    assert "TimeoutStartSec=infinity" in units("/bin/rasoat", tmp_path, Limits(None, None, 800))["rasoat.service"]


@pytest.mark.system
def test_a_look_is_behind_everybody_else(enrolled: Path, serving: Collector) -> None:
    code = (
        "import sys, psutil, agent.once as once\nfrom agent.cli import main\nbefore = once._both\n"
        "def shown(*words, **more):\n    own = psutil.Process()\n    print('found', own.nice(), own.ionice().ioclass.name)\n    return before(*words, **more)\n"
        "once._both = shown\nsys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "agent", "once", "--quiet", "--state-dir", enrolled],
        env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    word, nice, sort = done.stdout.split()
    assert word == "found", done.stderr
    assert int(nice) >= max(limits.NICE, os.getpriority(os.PRIO_PROCESS, 0))
    assert sort == "IOPRIO_CLASS_IDLE"


@pytest.mark.system
def test_whoever_stops_the_service_is_no_accident(enrolled: Path, serving: Collector) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOG, "command", "60,600,400", "agent", "once", "--state-dir", enrolled],
        env=environment(),
        cwd=ROOT,
    )
    while not (enrolled / LOOKING).exists():
        assert process.poll() is None
        time.sleep(0.05)
    # the mark comes before the handler
    while not signal_caught(process.pid, signal.SIGTERM):
        time.sleep(0.05)
    process.terminate()
    assert process.wait(60) == -signal.SIGTERM
    assert not (enrolled / LOOKING).exists()
    assert not left()


def signal_caught(pid: int, number: int) -> bool:
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
    return bool(int(status["SigCgt"], 16) >> (number - 1) & 1)
