"""Between two scans: what a person asked for is done once, and asking costs next to nothing."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from agent.schedule import TICK
from collectors.timetable import Hours, Timetable
from tests.agent.collector import Collector
from tests.agent.conftest import Run

pytestmark = pytest.mark.system


def work(**more: Any) -> dict[str, Any]:
    from baselines.loader import load

    pack = load("tcvn_11930_2017")
    return {
        "level": 2, "kind": "server", "baseline": {"id": pack.id, "digest": pack.digest}, "tailoring": None,
        "interval_seconds": 21600, "jobs": [], **more,
    }  # fmt: skip


def once(rasoat: Run, state: Path) -> int:
    return rasoat("agent", "once", "--if-due", "--quiet", "--state-dir", state).returncode


def kept(state: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((state / name).read_text())
    return found


def test_a_scan_that_somebody_asked_for_is_made_once_and_what_is_asked_of_others_is_not(
    rasoat: Run, enrolled: Path, collector: Collector
) -> None:
    collector.work = work(jobs=[{"id": 6, "scan": "sw1"}, {"id": 7, "itself": True}])
    assert once(rasoat, enrolled) in (0, 1, 3)
    assert len(collector.stored) == 1
    assert once(rasoat, enrolled) == 0
    assert len(collector.stored) == 1, "done once, though the collector still says it"
    collector.work = work(jobs=[{"id": 8, "itself": True}])
    assert once(rasoat, enrolled) in (0, 1, 3)
    assert len(collector.stored) == 2


def test_nothing_new_is_said_without_a_body_and_what_was_asked_for_is_not_forgotten(
    rasoat: Run, enrolled: Path, collector: Collector
) -> None:
    collector.work = work()
    collector.tag = '"1"'
    assert once(rasoat, enrolled) == 0
    assert kept(enrolled, "asked.json")["tag"] == '"1"'
    (enrolled / "asked.json").write_text(json.dumps({"tag": '"1"', "at": 0, "own": [7], "targets": [], "done": []}))
    assert once(rasoat, enrolled) in (0, 1, 3)
    assert collector.unchanged == 1
    assert len(collector.stored) == 1


def test_when_to_scan_is_learnt_by_asking_and_what_to_judge_by_is_not(rasoat: Run, enrolled: Path, collector: Collector) -> None:
    before = work()
    (enrolled / "policy.json").write_text(json.dumps({name: before[name] for name in before if name != "jobs"}))
    table = Timetable(86400, 3600, (Hours(frozenset({0}), 60, 180),))
    collector.work = work(level=5, schedule=table.document(), poll_seconds=3600, bytes_per_second=9000, recommended_version="9.9")
    assert once(rasoat, enrolled) == 0
    policy = kept(enrolled, "policy.json")
    assert policy["level"] == 2
    assert Timetable.read(policy["schedule"]) == table
    assert (policy["poll_seconds"], policy["bytes_per_second"], policy["recommended_version"]) == (3600, 9000, "9.9")
    asked = len(collector.requests)
    assert once(rasoat, enrolled) == 0
    assert len(collector.requests) == asked, "the collector wants to be asked once an hour"
    again = kept(enrolled, "asked.json")
    (enrolled / "asked.json").write_text(json.dumps(again | {"at": time.time() - 3600 + TICK / 2}))
    collector.work = work(schedule={"hours": "always"}, bytes_per_second="fast", recommended_version="; reboot")
    assert once(rasoat, enrolled) == 0
    policy = kept(enrolled, "policy.json")
    assert (policy["schedule"], policy["bytes_per_second"], policy["recommended_version"]) == (None, None, None)


def test_outside_its_hours_a_machine_waits_and_is_still_asked_for_now(rasoat: Run, enrolled: Path, collector: Collector) -> None:
    later = time.gmtime(time.time() + 12 * 3600)
    closed = Timetable(
        86400, 3600, (Hours(frozenset(range(7)), later.tm_hour * 60, later.tm_hour * 60 + 59),), zone="UTC", utc_offset=0
    )
    told = work(schedule=closed.document())
    (enrolled / "policy.json").write_text(json.dumps({name: told[name] for name in told if name != "jobs"}))
    (enrolled / "contact.json").write_text(json.dumps({"last_scan": time.time() - 86400}))
    collector.work = told
    assert once(rasoat, enrolled) == 0
    assert not collector.stored
    collector.work = told | {"jobs": [{"id": 1, "itself": True}]}
    assert once(rasoat, enrolled) in (0, 1, 3)
    assert len(collector.stored) == 1


def test_offline_and_with_an_older_collector_the_agent_works_as_before(rasoat: Run, enrolled: Path, collector: Collector) -> None:
    assert once(rasoat, enrolled) == 0, "the collector answers 503: no scan was due, nothing waits"
    (enrolled / "contact.json").write_text(json.dumps({"last_scan": time.time() - 10 * 86400}))
    collector.work = work()
    assert once(rasoat, enrolled) in (0, 1, 3)
    assert len(collector.stored) == 1
    assert kept(enrolled, "policy.json")["schedule"] is None
