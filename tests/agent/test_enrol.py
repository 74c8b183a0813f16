"""Becoming known to a collector: the key stays here, the token is used once, a lost answer costs nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64decode
from pathlib import Path

import pytest

from tests.agent.collector import TOKEN, Collector, free_port
from tests.agent.conftest import Run, environment

pytestmark = pytest.mark.system


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    path.chmod(0o600)
    return path


def test_the_key_is_made_here_and_only_its_public_half_leaves(
    rasoat: Run, collector: Collector, tmp_path: Path, token_file: Path
) -> None:
    state = tmp_path / "state"
    done = rasoat(
        "agent",
        "enrol",
        collector.url,
        "--token-file",
        token_file,
        "--state-dir",
        state,
        "--name",
        "web01",
        "--kind",
        "workstation",
    )
    assert done.returncode == 0, done.stderr
    assert "Sở Thông tin" in done.stderr
    key = state / "key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert state.stat().st_mode & 0o777 == 0o700
    asked = collector.enrolments[0]
    assert asked["name"] == "web01"
    assert asked["kind"] == "workstation"
    assert asked["identity"]["hostname"]
    assert set(asked) == {"token", "name", "kind", "public_key", "identity"}
    assert len(b64decode(asked["public_key"])) == 32
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.from_private_bytes(key.read_bytes())
    assert private.public_key().public_bytes_raw() == b64decode(asked["public_key"])
    known = json.loads((state / "identity.json").read_text())
    assert known["agent_id"] in collector.agents
    assert TOKEN not in "".join(path.read_text("latin-1") for path in state.rglob("*") if path.is_file())


@pytest.mark.parametrize("way", ["variable", "stdin", "flag"])
def test_the_token_may_come_by_other_ways(rasoat: Run, collector: Collector, tmp_path: Path, way: str) -> None:
    words = {"variable": [], "stdin": ["--token-file", "-"], "flag": ["--token", TOKEN]}[way]
    env = {"RASOAT_TOKEN": TOKEN} if way == "variable" else {}
    done = rasoat(
        "agent",
        "enrol",
        collector.url,
        "--state-dir",
        tmp_path / "state",
        *words,
        env=env,
        stdin=f"{TOKEN}\n" if way == "stdin" else "",
    )
    assert done.returncode == 0, done.stderr


def test_without_a_token_it_says_where_one_comes_from(rasoat: Run, collector: Collector, tmp_path: Path) -> None:
    done = rasoat("agent", "enrol", collector.url, "--state-dir", tmp_path / "state")
    assert done.returncode == 2
    assert "--token-file" in done.stderr
    assert collector.requests == []


def test_a_wrong_token_leaves_the_machine_unenrolled(rasoat: Run, collector: Collector, tmp_path: Path) -> None:
    done = rasoat("agent", "enrol", collector.url, "--token", "guessed", "--state-dir", tmp_path / "state")
    assert done.returncode == 2
    assert "unknown, used up or expired" in done.stderr
    assert rasoat("agent", "once", "--state-dir", tmp_path / "state").returncode == 2


def test_a_collector_that_is_down_does_not_cost_the_key(
    rasoat: Run, collector: Collector, tmp_path: Path, token_file: Path
) -> None:
    state = tmp_path / "state"
    done = rasoat("agent", "enrol", f"http://127.0.0.1:{free_port()}", "--token-file", token_file, "--state-dir", state)
    assert done.returncode == 4
    assert "cannot be reached" in done.stderr
    before = (state / "key").read_bytes()
    assert rasoat("agent", "enrol", collector.url, "--token-file", token_file, "--state-dir", state).returncode == 0
    assert (state / "key").read_bytes() == before


def test_enrolling_twice_is_refused_and_changes_nothing(
    rasoat: Run, collector: Collector, tmp_path: Path, token_file: Path
) -> None:
    state = tmp_path / "state"
    assert rasoat("agent", "enrol", collector.url, "--token-file", token_file, "--state-dir", state).returncode == 0
    before = (state / "identity.json").read_bytes()
    done = rasoat("agent", "enrol", collector.url, "--token-file", token_file, "--state-dir", state)
    assert done.returncode == 2
    assert (state / "identity.json").read_bytes() == before
    assert len(collector.enrolments) == 1


def test_a_token_file_that_others_can_read_is_pointed_out(
    rasoat: Run, collector: Collector, tmp_path: Path, token_file: Path
) -> None:
    token_file.chmod(0o644)
    done = rasoat("agent", "enrol", collector.url, "--token-file", token_file, "--state-dir", tmp_path / "state")
    assert done.returncode == 0
    assert "may be read by others" in done.stderr


def test_the_token_of_a_file_never_stands_in_the_process_list(collector: Collector, tmp_path: Path, token_file: Path) -> None:
    words = [
        sys.executable,
        "-m",
        "agent",
        "agent",
        "enrol",
        collector.url,
        "--token-file",
        token_file,
        "--state-dir",
        tmp_path / "state",
    ]
    process = subprocess.Popen(words, env=environment(), stderr=subprocess.PIPE)
    lines = set()
    while process.poll() is None:
        try:
            lines.add(Path(f"/proc/{process.pid}/cmdline").read_bytes() + Path(f"/proc/{process.pid}/environ").read_bytes())
        except (ProcessLookupError, FileNotFoundError):
            break
    process.communicate()
    assert process.returncode == 0
    assert lines
    assert not [line for line in lines if TOKEN.encode() in line]


def test_a_key_that_others_could_read_no_longer_speaks_for_the_machine(rasoat: Run, enrolled: Path) -> None:
    (enrolled / "key").chmod(0o644)
    done = rasoat("agent", "once", "--state-dir", enrolled)
    assert done.returncode == 2
    assert "enrol again" in done.stderr
