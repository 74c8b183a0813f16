"""The collector as a process on PostgreSQL, and what it does while its database is gone, full, or half made."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.postgres import Cluster
from tests.server.people import Host
from tests.server.running import Collector
from tests.server.test_live import (
    host,
    test_it_works,
    test_killed_in_mid_upload_nothing_is_lost_and_nothing_double,
    test_killed_under_load_every_acknowledged_snapshot_is_there_once,
    test_one_use_of_a_token_side_by_side,
    test_the_same_snapshot_side_by_side_is_stored_once,
)

__all__ = [
    "host",
    "test_it_works",
    "test_killed_in_mid_upload_nothing_is_lost_and_nothing_double",
    "test_killed_under_load_every_acknowledged_snapshot_is_there_once",
    "test_one_use_of_a_token_side_by_side",
    "test_the_same_snapshot_side_by_side_is_stored_once",
]
"""The same promises as on SQLite."""

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory, postgres: Cluster) -> Iterator[Collector]:
    found = Collector(tmp_path_factory.mktemp("collector"), postgres.create())
    found.start()
    yield found
    found.stop()


def test_nothing_is_made_in_the_data_directory(collector: Collector) -> None:
    assert not (collector.data / "db.sqlite3").exists()
    assert "was there already" in collector.command("init", "--lang", "en").stdout


def test_two_processes_of_two_collectors_share_one_database(collector: Collector, host: Host, tmp_path: Path) -> None:
    """As on two machines behind one address: neither knows of the other."""
    other = collector.beside(tmp_path / "other")
    other.start()
    try:
        blobs = [host.seal(host.snapshot()) for _ in range(12)]
        where = (collector, other)
        with ThreadPoolExecutor(6) as pool:
            statuses = list(pool.map(lambda n: where[n % 2].send(blobs[n // 2]).status, range(24)))
        assert sorted(statuses) == [200] * 12 + [201] * 12
        assert other.stored() == collector.stored()
    finally:
        other.stop()


def test_a_backup_of_what_runs_becomes_another_collector(
    collector: Collector, host: Host, tmp_path: Path, postgres: Cluster
) -> None:
    blob = host.seal(host.snapshot())
    assert collector.send(blob).status == 201
    file = str(tmp_path / "b")
    assert file in collector.command("backup", file).stdout
    nowhere = collector.beside(tmp_path / "nowhere")
    nowhere.data, nowhere.database = tmp_path / "again", postgres.create()
    assert "whole" in nowhere.command("backup", "verify", file, "--lang", "en").stdout, "for which no collector is needed"
    nowhere.command("restore", file, "--database", nowhere.database)
    assert nowhere.stored() == collector.stored()
    assert "unbroken" in nowhere.command("journal", "verify", "--lang", "en").stdout
    again = nowhere.command("restore", file, "--lang", "en", check=False)
    assert again.returncode != 0
    assert "not empty" in again.stderr
    nowhere.start()
    try:
        assert nowhere.send(blob).status == 200
    finally:
        nowhere.stop()


def test_a_database_that_is_gone_for_a_while(tmp_path: Path) -> None:
    with Cluster.started() as cluster:
        collector = Collector(tmp_path / "data", cluster.create())
        collector.start()
        try:
            host = Host()
            collector.enrol(host)
            blobs = {snapshot.id: host.seal(snapshot) for snapshot in (host.snapshot() for _ in range(60))}
            acknowledged, enough = set(), threading.Event()

            def deliver(item: tuple[str, bytes]) -> int:
                answer = collector.send(item[1])
                if answer.status == 201:
                    acknowledged.add(item[0])
                if len(acknowledged) >= 10:
                    enough.set()
                return int(answer.status)

            with ThreadPoolExecutor(4) as pool:
                todo = [pool.submit(deliver, item) for item in blobs.items()]
                assert enough.wait(60)
                cluster.stop()  # as after a power cut, with uploads in mid-transaction
                statuses = [one.result() for one in todo]
            assert set(statuses) == {201, 503}, "the agent keeps what was not taken"
            answer = collector.send(blobs[next(iter(blobs))])
            assert (answer.status, answer.document["error"]) == (503, "unavailable")
            assert answer.headers["Retry-After"]
            assert collector.get("/healthz").status == 200, "nobody restarts it for that"
            assert collector.get("/readyz").status == 503
            cluster.start()
            stored = {pk for pk, _size in collector.stored()}
            assert acknowledged <= stored
            with ThreadPoolExecutor(4) as pool:
                again = dict(zip(blobs, pool.map(lambda blob: collector.send(blob).status, blobs.values()), strict=True))
            assert {pk for pk, status in again.items() if status == 200} == stored
            assert set(again.values()) == {200, 201}
            assert {pk for pk, _size in collector.stored()} == set(blobs)
            assert collector.get("/readyz").status == 200
            assert "unbroken" in collector.command("journal", "verify", "--lang", "en").stdout
        finally:
            collector.stop()


@pytest.mark.root
def test_a_full_disk_under_sqlite(tmp_path: Path) -> None:
    """A real one: what the file system says is not what SQLite's own limit says."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", disk], check=True)
    try:
        collector = Collector(disk / "data")
        collector.start()
        try:
            host = Host()
            collector.enrol(host)
            first = host.seal(host.snapshot())
            assert collector.send(first).status == 201
            before = collector.stored()
            filling = disk / "filling"
            with pytest.raises(OSError, match="No space"):
                fill(filling)
            second = host.snapshot()
            blob = host.seal(second)
            answers = [collector.send(blob) for _ in range(3)]
            assert {answer.status for answer in answers} == {503}
            assert collector.stored() == before, "nothing half"
            filling.unlink()
            assert collector.send(blob).status == 201
            assert collector.send(first).status == 200
            assert {pk for pk, _size in collector.stored()} == {before[0][0], second.id}
            assert collector.rows("pragma integrity_check") == [("ok",)]
        finally:
            collector.stop()
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as out:
        while True:
            out.write(bytes(4096))


def test_a_half_applied_migration_is_refused_and_finished(postgres: Cluster, tmp_path: Path) -> None:
    collector = Collector(tmp_path / "data", postgres.create())
    assert "Unapplying configurations.0001_initial" in collector.django("migrate", "configurations", "zero")
    done = collector.command("run", "--lang", "en", check=False)
    assert done.returncode == 2
    assert "run: rasoat server init" in done.stderr
    assert "was there already" in collector.command("init", "--lang", "en").stdout
    collector.start()
    try:
        assert collector.get("/readyz").status == 200
    finally:
        collector.stop()
