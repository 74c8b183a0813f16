"""One whole run of the agent on this very machine, against a collector that behaves or does not."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from baselines.evaluate import evaluate
from baselines.loader import digest_of, load
from baselines.tailoring import Tailoring
from collectors.model import Snapshot
from collectors.seal import unseal, verify
from tests.agent.collector import Collector, free_port
from tests.agent.conftest import PACK, Run, environment, fill
from tests.agent.test_policy import TAILORING, tailored, texts, work

pytestmark = pytest.mark.system


@pytest.fixture
def serving(collector: Collector) -> Collector:
    collector.packs = {digest_of(texts()): texts()}
    collector.work = work(kind="workstation")
    return collector


def status(rasoat: Run, state: Path) -> dict[str, Any]:
    done = rasoat("agent", "status", "--state-dir", state, "--format", "json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_run_scans_judges_as_told_signs_and_delivers(enrolled: Path, serving: Collector, rasoat: Run) -> None:
    serving.work = tailored() | {"kind": "workstation", "level": 2}
    done = rasoat("agent", "once", "--state-dir", enrolled)
    assert done.returncode in (0, 1, 3), done.stderr
    (blob,) = serving.stored.values()
    sealed = unseal(blob)
    verify(sealed, serving.agents["agent-1"])
    snapshot = Snapshot.from_bytes(sealed.snapshot)
    assert snapshot.problems() == []
    assert snapshot.target.kind == "workstation"
    assert snapshot.target.name == "web01"
    ours = evaluate(snapshot, load(PACK), 2, Tailoring.parse(TAILORING))
    assert sealed.judged == {
        "baseline": "house",
        "digest": digest_of(texts()),
        "tailoring": Tailoring.parse(TAILORING).digest,
        "level": 2,
        "verdicts": ours.verdicts_digest(),
    }
    found = status(rasoat, enrolled)
    assert found["last_scan"]["summary"] == ours.summary()
    assert found["last_scan"]["baseline"] == {"id": "house", "version": "1.2.0", "digest": digest_of(texts()), "level": 2}
    assert found["spool"]["waiting"] == 0
    assert found["contact"]["last_delivery"]
    assert found["contact"]["verdicts_agree"] is True


def test_while_the_collector_is_away_verdicts_stay_here_and_snapshots_wait(
    enrolled: Path, serving: Collector, rasoat: Run
) -> None:
    assert rasoat("agent", "once", "--state-dir", enrolled).returncode in (0, 1, 3)
    before = set(serving.stored)
    away = {"RASOAT_URL": f"http://127.0.0.1:{free_port()}"}
    for _ in range(2):
        done = rasoat("agent", "once", "--state-dir", enrolled, env=away)
        assert done.returncode == 4
        assert "cannot be asked" in done.stderr
    found = status(rasoat, enrolled)
    assert found["spool"]["waiting"] == 2
    assert found["last_scan"]["baseline"]["id"] == "house", "judged by what the collector said last"
    assert "refused" in found["contact"]["last_error"]
    assert rasoat("agent", "once", "--if-due", "--state-dir", enrolled).returncode == 0
    assert len(serving.stored.keys() - before) == 2
    assert status(rasoat, enrolled)["spool"]["waiting"] == 0


def test_a_disagreement_with_the_collector_is_told(enrolled: Path, serving: Collector, rasoat: Run) -> None:
    serving.agree = False
    done = rasoat("agent", "once", "--state-dir", enrolled)
    assert done.returncode in (0, 1, 3)
    assert "judged the same facts differently" in done.stderr
    assert status(rasoat, enrolled)["contact"]["verdicts_agree"] is False
    assert "judged the same facts differently" in " ".join(rasoat("agent", "status", "--state-dir", enrolled).stdout.split())


def test_a_baseline_that_cannot_be_used_does_not_cost_the_facts(enrolled: Path, serving: Collector, rasoat: Run) -> None:
    assert rasoat("agent", "once", "--state-dir", enrolled).returncode in (0, 1, 3)
    (pack,) = (enrolled / "packs").iterdir()
    pack.write_text("{}")
    serving.work = None
    before = set(serving.stored)
    done = rasoat("agent", "once", "--state-dir", enrolled)
    assert "cannot judge for itself" in done.stderr
    assert done.returncode == 3, "what nobody judged has not passed"
    (blob,) = (blob for pk, blob in serving.stored.items() if pk not in before)
    assert unseal(blob).judged is None


def test_it_scans_again_only_when_due(enrolled: Path, serving: Collector, rasoat: Run) -> None:
    assert rasoat("agent", "once", "--if-due", "--state-dir", enrolled).returncode == 0
    assert serving.requests == ["GET /api/v1/agents/me/work"], "asked whether somebody wants a scan now, and no more"
    (enrolled / "contact.json").unlink()
    assert rasoat("agent", "once", "--if-due", "--state-dir", enrolled).returncode in (0, 1, 3)
    assert len(serving.stored) == 1
    assert rasoat("agent", "once", "--if-due", "--state-dir", enrolled).returncode == 0
    assert len(serving.stored) == 1


@pytest.fixture
def small_state(enrolled: Path) -> Iterator[Path]:
    """The agent's folder on a file system of 256 KiB that is nearly full."""
    kept = {path.name: path.read_bytes() for path in enrolled.iterdir()}
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k,mode=0700", "none", enrolled], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("mounting a tmpfs is not permitted here")
    for name, body in kept.items():
        (enrolled / name).write_bytes(body)
        (enrolled / name).chmod(0o600)
    yield enrolled
    subprocess.run(["umount", "-l", enrolled], check=True)


def plug(folder: Path) -> None:
    """Fill the disk to the last block."""
    with (folder / "plug").open("wb", buffering=0) as out:
        try:
            while out.write(os.urandom(4096)):
                pass
        except OSError:
            pass


@pytest.mark.root
def test_on_a_full_disk_the_snapshot_is_sent_from_memory(small_state: Path, serving: Collector, rasoat: Run) -> None:
    rasoat("agent", "once", "--state-dir", small_state)
    serving.stored.clear()
    plug(small_state)
    done = rasoat("agent", "once", "--state-dir", small_state)
    assert done.returncode in (0, 1, 3), done.stderr
    assert "no room" in done.stderr
    assert len(serving.stored) == 1
    assert list((small_state / "spool").iterdir()) == []


@pytest.mark.root
def test_on_a_full_disk_without_a_collector_it_says_so_and_keeps_what_was_there(
    small_state: Path, serving: Collector, rasoat: Run
) -> None:
    rasoat("agent", "once", "--state-dir", small_state)
    serving.stored.clear()
    (kept,) = fill(small_state)
    plug(small_state)
    away = {"RASOAT_URL": f"http://127.0.0.1:{free_port()}", "RASOAT_TRIES": "1"}
    done = rasoat("agent", "once", "--state-dir", small_state, env=away)
    assert done.returncode == 4
    assert "no room" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name.partition(".")[0] for path in (small_state / "spool").iterdir()] == [kept]
    assert [gzip.decompress(path.read_bytes())[:1] for path in (small_state / "spool").iterdir()] == [b"{"]
    (small_state / "plug").unlink()
    assert rasoat("agent", "once", "--if-due", "--state-dir", small_state).returncode in (0, 1, 3)
    assert kept in serving.stored


def test_status_needs_neither_network_nor_enrolment(tmp_path: Path, rasoat: Run) -> None:
    found = status(rasoat, tmp_path / "none")
    assert found["enrolled"] is False
    assert found["last_scan"] is None
    assert not (tmp_path / "none").exists(), "looking leaves nothing behind"
    assert "not enrolled" in rasoat("agent", "once", "--state-dir", tmp_path / "none").stderr


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("words", [["agent", "status"], ["agent", "once"]])
def test_somebody_else_is_told_to_come_as_root_not_that_nothing_is_there(enrolled: Path, words: list[str]) -> None:
    # the folders above are private to the tests' user; the way down to the agent's own must be open for this to be its question
    code = (
        "import os, sys\nfrom agent.cli import main\nimport agent.commands.agent, agent.once, agent.status, collectors.model\n"
        "os.chdir(sys.argv[1])\nos.setgroups([])\nos.setgid(65534)\nos.setuid(65534)\nsys.exit(main([*sys.argv[2:], '--state-dir', '.']))"
    )
    for parent in list(enrolled.parents)[:3]:
        parent.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", code, enrolled, *words], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert "run this as root" in done.stderr


def test_status_shows_the_worst_in_the_reader_s_language_without_the_baseline(
    enrolled: Path, serving: Collector, rasoat: Run
) -> None:
    rasoat("agent", "once", "--state-dir", enrolled)
    kept = json.loads((enrolled / "last.json").read_text())
    kept["worst"] = [
        {
            "check": "remote.root_login",
            "verdict": "fail",
            "severity": "critical",
            "clauses": ["6.1"],
            "title": {"vi": "Không đăng nhập bằng root", "en": "No root log-on"},
            "remedy": {"vi": "Sửa lại", "en": "Repair it"},
        }
    ]
    (enrolled / "last.json").write_text(json.dumps(kept))
    for path in (enrolled / "packs").iterdir():
        path.unlink()
    shown = rasoat("agent", "status", "--state-dir", enrolled, "--lang", "vi").stdout
    assert "Không đăng nhập bằng root" in shown
    assert "Sửa lại" in shown
    assert "No root log-on" in rasoat("agent", "status", "--state-dir", enrolled).stdout


def test_status_counts_what_was_dropped_and_refused(enrolled: Path, serving: Collector, rasoat: Run) -> None:
    size = len(next(iter(_sealed(enrolled))))
    fill(enrolled, 4, cap=size * 3)
    serving.faults = [413]
    rasoat("agent", "once", "--if-due", "--state-dir", enrolled)
    found = status(rasoat, enrolled)["spool"]
    assert found["dropped"] >= 1
    assert [refusal["status"] for refusal in found["refused"]] == [413]


def _sealed(state: Path) -> list[bytes]:
    fill(state)
    paths = list((state / "spool").iterdir())
    bodies = [path.read_bytes() for path in paths]
    for path in paths:
        path.unlink()
    return bodies


def test_damaged_state_is_not_the_end(enrolled: Path, serving: Collector, rasoat: Run) -> None:
    for name in ("contact.json", "policy.json", "last.json"):
        (enrolled / name).write_text("{half")
    assert rasoat("agent", "status", "--state-dir", enrolled).returncode == 0
    assert rasoat("agent", "once", "--state-dir", enrolled).returncode in (0, 1, 3)
    assert len(serving.stored) == 1
