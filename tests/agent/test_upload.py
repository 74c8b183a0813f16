"""Sending: what each answer of the collector does to a snapshot. Real sockets throughout."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import Refusal
from agent.spool import Spool
from agent.upload import MAX_PAUSE, Collector, Delivery, Offline, deliver, pause
from tests.agent.collector import Collector as Serving
from tests.agent.collector import free_port
from tests.agent.conftest import Run, environment, fill

pytestmark = pytest.mark.system


def send(state: Path, serving: Serving, tries: int = 3, url: str = "") -> tuple[Delivery, Spool]:
    spool = Spool(state, 1 << 20)
    spool.prepare()
    return deliver(spool, Collector(url or serving.url), tries, 0.001, sleep=lambda _: None), spool


def test_all_are_sent_oldest_first_and_leave_the_spool(enrolled: Path, collector: Serving) -> None:
    names = fill(enrolled, 3)
    delivery, spool = send(enrolled, collector)
    assert delivery.sent == names == list(collector.stored)
    assert spool.waiting() == []
    assert delivery.agrees == dict.fromkeys(names, True)


@pytest.mark.parametrize("fault", [500, 502, 503, 429, "cut", "portal", "lost answer"])
def test_a_passing_fault_is_tried_again_and_stored_once(enrolled: Path, collector: Serving, fault: object) -> None:
    (name,) = fill(enrolled)
    collector.faults = [fault]
    delivery, spool = send(enrolled, collector)
    assert delivery.sent == [name]
    assert list(collector.stored) == [name]
    assert spool.waiting() == []


@pytest.mark.parametrize("fault", [500, "cut", "portal"])
def test_a_lasting_fault_ends_the_run_and_keeps_everything(enrolled: Path, collector: Serving, fault: object) -> None:
    names = fill(enrolled, 2)
    collector.faults = [fault] * 3
    delivery, spool = send(enrolled, collector)
    assert delivery.sent == []
    assert delivery.left == 2
    assert delivery.error
    assert [entry.id for entry in spool.waiting()] == names
    assert sum(collector.uploads.values()) <= 3, "the second is not tried while the first cannot be sent"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 415, 422])
def test_a_refusal_is_never_retried_and_does_not_hold_up_the_others(enrolled: Path, collector: Serving, status: int) -> None:
    first, second = fill(enrolled, 2)
    collector.faults = [status]
    delivery, spool = send(enrolled, collector)
    assert collector.uploads[first] == 1
    assert delivery.refused == [(first, f"planted fault {status}")]
    assert delivery.sent == [second]
    assert [(refusal["id"], refusal["status"]) for refusal in spool.refusals()] == [(first, status)]


def test_a_redirect_is_not_followed_and_loses_nothing(enrolled: Path, collector: Serving) -> None:
    fill(enrolled)
    collector.faults = ["redirect"]
    delivery, spool = send(enrolled, collector)
    assert "elsewhere.example" in delivery.error
    assert len(spool.waiting()) == 1
    assert sum(collector.uploads.values()) == 1


def test_a_collector_that_is_down_and_comes_back_gets_everything_once(enrolled: Path, collector: Serving) -> None:
    names = fill(enrolled, 2)
    port = free_port()
    delivery = send(enrolled, collector, url=f"http://127.0.0.1:{port}")[0]
    assert delivery.left == 2
    assert "refused" in delivery.error
    late = Serving(port=port)
    late.agents = collector.agents
    try:
        delivery = send(enrolled, collector, url=f"http://127.0.0.1:{port}")[0]
        assert delivery.sent == names == list(late.stored)
    finally:
        late.close()


def test_the_pause_the_collector_asks_for_is_kept(enrolled: Path, collector: Serving) -> None:
    fill(enrolled)
    collector.faults = [429]
    pauses: list[float] = []
    spool = Spool(enrolled, 1 << 20)
    deliver(spool, Collector(collector.url), 3, 99.0, sleep=pauses.append)
    assert pauses == [0.0]


@given(st.integers(1, 60), st.floats(0, 60))
def test_pauses_double_up_to_a_ceiling_and_are_never_negative(failures: int, base: float) -> None:
    assert 0 <= pause(failures, base) <= min(MAX_PAUSE, base * 2 ** (failures - 1))


def test_pauses_are_spread_so_that_agents_do_not_come_back_together() -> None:
    drawn = [pause(6, 2.0) for _ in range(200)]
    assert min(drawn) < 16 < 48 < max(drawn)


def test_another_run_that_sent_it_meanwhile_is_no_fault(enrolled: Path, collector: Serving) -> None:
    fill(enrolled, 2)
    spool = Spool(enrolled, 1 << 20)
    results: list[Delivery] = []
    runs = [threading.Thread(target=lambda: results.append(deliver(spool, Collector(collector.url), 3, 0.001))) for _ in range(4)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(collector.stored) == 2
    assert spool.waiting() == []
    assert all(result.left == 0 for result in results)


def test_plain_http_is_spoken_on_loopback_only() -> None:
    with pytest.raises(Refusal, match="not encrypted"):
        Collector("http://collector.example")
    with pytest.raises(Refusal, match="no address"):
        Collector("collector.example")


def test_proxies_of_the_environment_are_not_used(enrolled: Path, collector: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    fill(enrolled)
    assert len(send(enrolled, collector)[0].sent) == 1


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(certificate of a private authority, certificate and key of a server for 127.0.0.1 that it signed)."""
    folder = tmp_path_factory.mktemp("authority")
    new = "openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    commands = (
        f"{new} -x509 -days 2 -subj /CN=authority -keyout ca.key -out ca.pem -addext keyUsage=critical,keyCertSign",
        f"{new} -subj /CN=collector -keyout server.key -out server.csr",
        "openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -days 2 -extfile names -out server.crt",
    )
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    for command in commands:
        subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    (folder / "server.pem").write_bytes((folder / "server.crt").read_bytes() + (folder / "server.key").read_bytes())
    return folder / "ca.pem", folder / "server.pem"


def test_a_private_authority_is_trusted_when_named_and_only_then(
    authority: tuple[Path, Path], enrolled: Path, collector: Serving
) -> None:
    fill(enrolled)
    secure = Serving(certificate=authority[1])
    secure.agents = collector.agents
    try:
        spool = Spool(enrolled, 1 << 20)
        stranger = deliver(spool, Collector(secure.url), 5, 0.001)
        assert stranger.left == 1
        assert "not trusted" in stranger.error
        assert "--ca" in stranger.error
        assert not secure.requests
        assert len(deliver(spool, Collector(secure.url, authority[0]), 1, 0.001).sent) == 1
    finally:
        secure.close()


def test_a_certificate_for_another_name_is_not_trusted(authority: tuple[Path, Path]) -> None:
    secure = Serving(certificate=authority[1])
    try:
        with pytest.raises(Offline, match="not trusted"):
            Collector(f"https://localhost:{secure.port}", authority[0]).ask("GET", "/")
    finally:
        secure.close()


def test_a_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nonsense")
    with pytest.raises(Refusal, match="no certificate"):
        Collector("https://127.0.0.1:1", tmp_path / "ca.pem")
    with pytest.raises(Refusal, match="no such file"):
        Collector("https://127.0.0.1:1", tmp_path / "none.pem")


def test_killed_in_the_middle_of_an_upload_then_run_again_stores_it_once(enrolled: Path, collector: Serving, rasoat: Run) -> None:
    (name,) = fill(enrolled)
    collector.faults = ["hang"]
    agent = subprocess.Popen(
        [sys.executable, "-m", "agent", "agent", "once", "--if-due", "--state-dir", enrolled], env=environment()
    )
    assert collector.arrived.wait(60)
    os.kill(agent.pid, signal.SIGKILL)
    agent.wait()
    collector.release.set()
    assert collector.stored == {}
    assert [entry.id for entry in Spool(enrolled, 1 << 20).waiting()] == [name]
    again = rasoat("agent", "once", "--if-due", "--state-dir", enrolled)
    assert again.returncode == 0, again.stderr
    assert list(collector.stored) == [name]
    assert Spool(enrolled, 1 << 20).waiting() == []
    assert rasoat("agent", "once", "--if-due", "--state-dir", enrolled).returncode == 0
    assert collector.uploads[name] == 1


def test_killed_after_the_collector_stored_it_the_second_copy_is_not_a_second_snapshot(
    enrolled: Path, collector: Serving, rasoat: Run
) -> None:
    (name,) = fill(enrolled)
    collector.faults = ["lost answer"]
    assert rasoat("agent", "once", "--if-due", "--state-dir", enrolled, env={"RASOAT_TRIES": "1"}).returncode == 4
    assert rasoat("agent", "once", "--if-due", "--state-dir", enrolled).returncode == 0
    assert list(collector.stored) == [name]
    assert collector.uploads[name] == 2


def test_undelivered_is_exit_4_and_says_that_nothing_is_lost(enrolled: Path, collector: Serving, rasoat: Run) -> None:
    fill(enrolled, 2)
    done = rasoat("agent", "once", "--if-due", "--state-dir", enrolled, env={"RASOAT_URL": f"http://127.0.0.1:{free_port()}"})
    assert done.returncode == 4
    assert "2 snapshots wait" in done.stderr
    assert "refused" in done.stderr
    assert "Traceback" not in done.stderr


def test_refused_is_exit_4_and_can_be_sent_again(enrolled: Path, collector: Serving, rasoat: Run) -> None:
    (name,) = fill(enrolled)
    collector.faults = [401]
    done = rasoat("agent", "once", "--if-due", "--state-dir", enrolled)
    assert done.returncode == 4
    assert "planted fault 401" in done.stderr
    assert rasoat("agent", "once", "--if-due", "--retry-refused", "--state-dir", enrolled).returncode == 0
    assert list(collector.stored) == [name]


def test_runs_at_the_same_time_take_turns(enrolled: Path, collector: Serving) -> None:
    (name,) = fill(enrolled)
    collector.faults = ["hang"]
    first = subprocess.Popen(
        [sys.executable, "-m", "agent", "agent", "once", "--if-due", "--state-dir", enrolled], env=environment()
    )
    assert collector.arrived.wait(60)
    second = subprocess.Popen(
        [sys.executable, "-m", "agent", "agent", "once", "--if-due", "--state-dir", enrolled], env=environment()
    )
    while not re.search(rf"-> FLOCK .* {second.pid} ", Path("/proc/locks").read_text()):
        assert second.poll() is None, "the second run did not wait for the first"
        time.sleep(0.02)
    collector.release.set()
    assert first.wait(60) == 0
    assert second.wait(60) == 0
    assert collector.uploads[name] == 1
