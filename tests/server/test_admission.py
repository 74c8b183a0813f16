"""More uploads than there is room for: nobody waits in vain, nothing is lost, and questions are answered meanwhile."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from collectors import seal_delta
from collectors.seal import unpack
from server.errors import Refused
from server.ingest import admission, counters
from server.ingest.counters import Counts
from tests.server.people import MEDIA_TYPE, Host
from tests.server.running import Collector

pytestmark = pytest.mark.system
SENDERS, HOSTS = 200, 20


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    found = Collector(tmp_path / "collector")
    found.start()
    yield found
    found.stop()


def processes(of: Collector) -> list[int]:
    assert of.process
    found, parents = [of.process.pid], {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    while more := [pid for pid, parent in parents.items() if parent in found and pid not in found]:
        found += more
    return found


def memory(of: Collector) -> int:
    """Most kB that any of its processes ever had."""
    peaks = []
    for pid in processes(of):
        status = Path(f"/proc/{pid}/status").read_text()
        peaks += [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")]
    return max(peaks)


def test_two_hundred_at_once(collector: Collector) -> None:
    """A wave as at 08:00, with a quarter of it sent twice side by side, whole and as a difference."""
    token = collector.command("token", "new", "--uses", str(HOSTS), "--quiet").stdout.strip()
    hosts = [Host(f"may-{number}") for number in range(HOSTS)]
    for host in hosts:
        answer = collector.post("/api/v1/enrol", json.dumps(host.request(token)).encode(), "application/json")
        host.agent = answer.document["agent_id"]
    first = {host.name: host.snapshot() for host in hosts}
    for host in hosts:
        assert collector.send(host.seal(first[host.name])).status == 201
    wave: list[tuple[str, bytes, str]] = []
    for number in range(SENDERS):
        host = hosts[number % HOSTS]
        snapshot = host.snapshot(min_length=8 + number % 5)
        blob = host.seal(snapshot)
        wave.append((snapshot.id, blob, MEDIA_TYPE))
        if number % 4 == 0:
            base = first[host.name]
            difference = seal_delta.make(unpack(blob), host.agent, base.id, base.to_bytes())
            assert difference
            wave.append((snapshot.id, difference, seal_delta.MEDIA_TYPE))
    before = memory(collector)
    statuses: Counter[int] = Counter()
    waits: set[int] = set()
    begin = threading.Barrier(len(wave) + 1)

    def sender(item: tuple[str, bytes, str]) -> str:
        begin.wait(60)
        for _attempt in range(60):
            answer = collector.post("/api/v1/snapshots", item[1], item[2])
            statuses[answer.status] += 1
            if answer.status in (200, 201):
                assert answer.document["id"] == item[0]
                return item[0]
            assert answer.status == 429, answer
            assert answer.document["error"] == "busy"
            wait = int(answer.headers["Retry-After"])
            assert 1 <= wait <= admission.MAX_WAIT
            waits.add(wait)
            time.sleep(random.uniform(wait, 2 * wait) / 4)
        raise AssertionError(f"{item[0]} never got in: {statuses}")

    with ThreadPoolExecutor(len(wave)) as pool:
        todo = [pool.submit(sender, item) for item in wave]
        begin.wait(60)
        questions = []
        path = "/api/v1/agents/me/work"
        while not all(one.done() for one in todo):
            questions.append(collector.get(path, {"Authorization": hosts[0].authorization(path)}).status)
            time.sleep(0.1)
        arrived = [one.result() for one in todo]
    expected = {item[0] for item in wave} | {snapshot.id for snapshot in first.values()}
    stored = [pk for pk, _size in collector.stored()]
    assert sorted(stored) == sorted(expected), "every one, once"
    assert set(arrived) <= set(stored)
    assert set(statuses) <= {200, 201, 429}
    assert statuses[201] == SENDERS
    assert statuses[429] > 0, "the wave was more than there is room for"
    assert len(waits) > 1, "who was turned away does not come back in step"
    assert set(questions) == {200}, "questions are answered meanwhile"
    assert memory(collector) - before < 150_000, "kB"
    measured = collector.get("/metrics").document
    assert f"rasoat_uploads_total {HOSTS + len(wave)}" in measured
    assert f"rasoat_uploads_turned_away_total {statuses[429]}" in measured
    assert "rasoat_uploads_inside 0" in measured


class TestGate:
    def test_whoever_finds_it_full_is_told_at_once_and_takes_no_place(self) -> None:
        gate = admission.Gate(working=1, inside=2)
        with gate.inside(), gate.inside():
            with pytest.raises(Refused) as caught, gate.inside():
                pass
            assert (caught.value.status, caught.value.code) == (429, "busy")
        with gate.inside(), gate.inside():
            pass

    def test_a_place_is_free_again_whatever_happened(self) -> None:
        gate = admission.Gate(working=1, inside=1)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError), gate.inside(), gate.working():
                raise ZeroDivisionError
        with gate.inside(), gate.working():
            pass

    def test_the_more_are_turned_away_and_the_slower_it_goes_the_later_they_are_to_come(self) -> None:
        now = [0.0]
        gate = admission.Gate(working=2, inside=5, clock=lambda: now[0])

        def middle() -> float:
            return sorted(gate.wait() for _ in range(99))[49]

        assert middle() == 1, "nobody is waiting"
        for _ in range(200):
            gate.away()
        quick = middle()
        assert 4 <= quick <= 8, "200 at 50 ms, two at a time"
        for _ in range(40):  # the database became slow
            with gate.working():
                now[0] += 1
        for _ in range(200):
            gate.away()
        assert middle() > 5 * quick
        assert len({gate.wait() for _ in range(50)}) > 10, "spread"
        for _ in range(9000):
            gate.away()
        assert middle() == admission.MAX_WAIT
        now[0] += admission.RECENT + 1
        assert middle() == 1, "it passes"

    def test_a_stuck_database_costs_no_more_threads_than_these(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(admission, "PATIENCE", 0.01)
        gate = admission.Gate(working=1, inside=5)
        with gate.working():
            with pytest.raises(Refused) as caught, gate.working():
                pass
            assert caught.value.status == 429


def test_counters_never_go_back_and_know_the_dead(tmp_path: Path) -> None:
    folder = tmp_path / "counters"
    folder.mkdir()
    gone = os.fork()
    if not gone:
        os._exit(0)
    os.waitpid(gone, 0)
    (folder / "past").write_bytes(counters._FORM.pack(10, 3, 1.5, 0))
    (folder / str(gone)).write_bytes(counters._FORM.pack(5, 1, 0.5, 4))
    (folder / str(os.getppid())).write_bytes(counters._FORM.pack(2, 0, 0.25, 1))
    (folder / "7x").write_bytes(b"not one of ours")
    expected = Counts(17, 4, 2.25, 1)
    assert counters.total(folder) == expected, "a dead process has nobody inside"
    counters._gather(folder)
    assert not (folder / str(gone)).exists()
    assert counters.total(folder) == expected
    (folder / str(os.getppid())).write_bytes(b"cut")
    assert counters.total(folder) == Counts(15, 4, 2.0, 0)
