"""What the collector may decide for an agent, and what it may not."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from agent.policy import PolicyError, in_force, pull
from agent.state import State
from agent.upload import Collector, Offline
from baselines.evaluate import evaluate
from baselines.loader import digest_of, load
from collectors.seal import request_token
from tests.agent.collector import Collector as Serving
from tests.agent.conftest import PACK
from tests.agent.snapshots import healthy

TAILORING = "name: Sở\nparams:\n  access.remote: {tries: 2}\n"


def texts() -> dict[str, str]:
    return load(PACK).files


def work(**changes: Any) -> dict[str, Any]:
    digest = digest_of(texts())
    base = {
        "server_time": "2026-11-22T03:00:00Z",
        "level": 3,
        "kind": "server",
        "baseline": {"id": "house", "digest": digest},
        "tailoring": None,
        "interval_seconds": 7200,
        "jobs": [],
    }
    return base | changes


def tailored(text: str = TAILORING) -> dict[str, Any]:
    return work(tailoring={"digest": hashlib.sha256(text.encode()).hexdigest(), "text": text})


@pytest.fixture
def serving(collector: Serving) -> Serving:
    collector.packs = {digest_of(texts()): texts()}
    collector.work = work()
    return collector


def ask(state: Path, serving: Serving) -> None:
    pull(Collector(serving.url), "agent-1", (state / "key").read_bytes(), State(state))


def test_level_baseline_and_kind_come_from_the_collector(enrolled: Path, serving: Serving) -> None:
    ask(enrolled, serving)
    policy = in_force(State(enrolled))
    assert (policy.level, policy.kind, policy.baseline.id, policy.interval_seconds) == (3, "server", "house", 7200)
    assert policy.baseline.digest == digest_of(texts())


def test_the_same_baseline_is_fetched_once(enrolled: Path, serving: Serving) -> None:
    ask(enrolled, serving)
    ask(enrolled, serving)
    assert len([request for request in serving.requests if "/packs/" in request]) == 1


def test_what_came_last_holds_while_the_collector_is_away(enrolled: Path, serving: Serving) -> None:
    serving.work = tailored()
    ask(enrolled, serving)
    serving.close()
    with pytest.raises(Offline):
        ask(enrolled, serving)
    policy = in_force(State(enrolled))
    assert policy.level == 3
    assert policy.tailoring is not None
    tries = policy.baseline.requirements["access.remote"].params["tries"]
    assert policy.tailoring.value("access.remote", "tries", tries, 3) == 2


def test_a_baseline_that_came_with_the_program_is_kept_too_so_that_an_upgrade_does_not_take_it_away(
    enrolled: Path, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = load("tcvn_11930_2017")
    serving.work = work(baseline={"id": own.id, "digest": own.digest})
    ask(enrolled, serving)
    assert not [request for request in serving.requests if "/packs/" in request], "nothing travels that is here already"
    monkeypatch.setattr("baselines.loader.builtin", lambda: ())
    assert in_force(State(enrolled)).baseline.digest == own.digest


def test_before_the_collector_ever_spoke_the_house_default_holds(enrolled: Path) -> None:
    policy = in_force(State(enrolled))
    assert (policy.baseline.id, policy.level, policy.kind, policy.tailoring) == ("tcvn_11930_2017", 2, None, None)


def test_a_baseline_that_is_not_the_announced_one_is_not_used(enrolled: Path, serving: Serving) -> None:
    ask(enrolled, serving)
    other = texts() | {"house/servers.yaml": texts()["house/servers.yaml"].replace("3: 3", "3: 4")}
    digest = digest_of(other)
    serving.work = work(level=1, baseline={"id": "house", "digest": digest})
    serving.packs[digest] = texts()
    with pytest.raises(PolicyError, match="digest"):
        ask(enrolled, serving)
    assert in_force(State(enrolled)).level == 3, "what was in force stays in force"


def test_a_kept_baseline_that_was_changed_on_disk_is_not_used(enrolled: Path, serving: Serving) -> None:
    ask(enrolled, serving)
    path = enrolled / "packs" / f"{digest_of(texts())}.json"
    path.write_text(path.read_text().replace("PermitRootLogin", "Permit"))
    with pytest.raises(PolicyError):
        in_force(State(enrolled))


def test_a_baseline_with_mistakes_is_not_used(enrolled: Path, serving: Serving) -> None:
    bad = texts() | {"checks/all.yaml": texts()["checks/all.yaml"].replace("op: at_most", "op: run_shell")}
    serving.packs[digest_of(bad)] = bad
    serving.work = work(baseline={"id": "house", "digest": digest_of(bad)})
    with pytest.raises(PolicyError, match="run_shell"):
        ask(enrolled, serving)


def test_a_tailoring_that_would_loosen_does_not(enrolled: Path, serving: Serving) -> None:
    serving.work = tailored(TAILORING.replace("2}", "99}"))
    ask(enrolled, serving)
    policy = in_force(State(enrolled))
    assert policy.tailoring is not None
    snapshot = healthy()
    before, after = (evaluate(snapshot, policy.baseline, 3, tailoring) for tailoring in (None, policy.tailoring))
    assert after.verdicts_digest() == before.verdicts_digest()
    assert policy.tailoring.value("access.remote", "tries", policy.baseline.requirements["access.remote"].params["tries"], 3) == 3


def test_a_tailoring_of_something_unknown_is_not_followed(enrolled: Path, serving: Serving) -> None:
    serving.work = tailored(TAILORING.replace("access.remote", "access.moon"))
    with pytest.raises(PolicyError, match=r"access\.moon"):
        ask(enrolled, serving)


def test_a_tailoring_that_is_not_the_announced_one_is_not_followed(enrolled: Path, serving: Serving) -> None:
    serving.work = tailored()
    serving.work["tailoring"]["text"] += "# changed\n"
    with pytest.raises(PolicyError, match="digest"):
        ask(enrolled, serving)


@pytest.mark.parametrize(
    "change",
    [
        {"level": "3"},
        {"level": True},
        {"level": 9},
        {"kind": "toaster"},
        {"kind": None},
        {"baseline": {"id": "../../etc", "digest": "0" * 64}},
        {"baseline": {"id": "house", "digest": "../../../etc/cron.d/x"}},
        {"baseline": None},
        {"tailoring": {"digest": "x", "text": 7}},
        {"interval_seconds": 0},
        {"interval_seconds": "soon"},
    ],
)
def test_an_answer_that_is_not_understood_changes_nothing(enrolled: Path, serving: Serving, change: dict[str, Any]) -> None:
    ask(enrolled, serving)
    before = {path: path.read_bytes() for path in enrolled.rglob("*") if path.is_file()}
    serving.work = work(**change)
    with pytest.raises(PolicyError):
        ask(enrolled, serving)
    assert {path: path.read_bytes() for path in enrolled.rglob("*") if path.is_file()} == before


def test_names_of_files_in_a_baseline_never_become_paths(enrolled: Path, serving: Serving) -> None:
    evil = texts() | {"../../../tmp/evil.yaml": "groups: []\n", "/etc/cron.d/evil": "groups: []\n"}
    serving.packs[digest_of(evil)] = evil
    serving.work = work(baseline={"id": "house", "digest": digest_of(evil)})
    ask(enrolled, serving)
    assert sorted(path.name for path in (enrolled / "packs").iterdir()) == [f"{digest_of(evil)}.json"]
    assert not Path("/etc/cron.d/evil").exists()


def test_orders_in_the_answer_are_ignored_and_not_kept(enrolled: Path, serving: Serving) -> None:
    canary = enrolled.parent / "canary"
    serving.work = work(jobs=[{"run": f"touch {canary}"}], command=f"touch {canary}", exec=["touch", str(canary)])
    ask(enrolled, serving)
    assert not canary.exists()
    assert "touch" not in (enrolled / "policy.json").read_text()


def test_a_machine_whose_clock_is_wrong_can_still_ask(enrolled: Path, serving: Serving) -> None:
    serving.ahead = 5 * 86400
    ask(enrolled, serving)
    assert in_force(State(enrolled)).level == 3


def test_the_interval_is_kept_within_reason(enrolled: Path, serving: Serving) -> None:
    serving.work = work(interval_seconds=1)
    ask(enrolled, serving)
    assert json.loads((enrolled / "policy.json").read_text())["interval_seconds"] == 300


def test_only_the_newest_baselines_stay_on_disk(enrolled: Path, serving: Serving) -> None:
    for number in range(6):
        changed = texts() | {"house/standard.yaml": texts()["house/standard.yaml"].replace("1.2.0", f"1.2.{number}")}
        serving.packs[digest_of(changed)] = changed
        serving.work = work(baseline={"id": "house", "digest": digest_of(changed)})
        ask(enrolled, serving)
    assert len(list((enrolled / "packs").iterdir())) <= 3
    assert in_force(State(enrolled)).baseline.version == "1.2.5"


def test_someone_else_s_signature_is_not_enough(enrolled: Path, serving: Serving) -> None:
    headers = {"Authorization": request_token("agent-1", b"\1" * 32, "GET", "/api/v1/agents/me/work", 0)}
    assert Collector(serving.url).ask("GET", "/api/v1/agents/me/work", headers=headers).status == 401
