"""Faults of the house around the collector: somebody guesses, the database's disk is full, `init` dies half way."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import psycopg
import pytest
from django.test import Client

from server.ingest.models import Agent, EnrolmentToken, Refusal
from server.journal.models import Entry
from tests.postgres import Cluster
from tests.server.people import Host
from tests.server.running import ROOT, Collector
from tests.server.test_storage_live import fill

GUESSES, ADDRESSES = 10_000, 40


@pytest.mark.django_db
def test_ten_thousand_guesses_let_nobody_in_and_fill_nothing(token) -> None:
    """Half of them know a token's public part, which stands in the journal; from an address only so many are looked at."""
    good = token()
    public = EnrolmentToken.objects.get().public
    client, host = Client(), Host()
    answers: dict[int, int] = {}
    for number in range(GUESSES):
        guess = f"rs1.{public if number % 2 else secrets.token_hex(4)}.{secrets.token_hex(20)}"
        body = json.dumps(host.request(guess))
        address = f"10.0.0.{number % ADDRESSES}"
        status = client.post("/api/v1/enrol", body, content_type="application/json", REMOTE_ADDR=address).status_code
        answers[status] = answers.get(status, 0) + 1
    assert answers == {403: 20 * ADDRESSES, 429: GUESSES - 20 * ADDRESSES}
    assert not Agent.objects.exists()
    assert Refusal.objects.count() == 20 * ADDRESSES
    assert Entry.objects.filter(action="agent.refused").count() < 20 * ADDRESSES / 2
    assert host.enrol(Client(REMOTE_ADDR="10.9.9.9"), good).status_code == 201, "whoever has it is not kept out by who guesses"


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A real one, for a cluster of its own; the path of a socket may have 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="rasoat-full-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
        folder.rmdir()


@pytest.mark.system
@pytest.mark.root
def test_a_full_disk_under_postgresql(small_disk: Path, tmp_path: Path) -> None:
    """It ends its own server when it cannot write its log any more; what was acknowledged is there when it comes back."""
    cluster = Cluster(small_disk, max_wal_size="32MB", min_wal_size="32MB", fsync="on", full_page_writes="on")
    cluster.start()
    collector = Collector(tmp_path / "data", cluster.create())
    collector.start()
    try:
        host = Host()
        collector.enrol(host)
        acknowledged = host.snapshot()
        assert collector.send(host.seal(acknowledged)).status == 201
        filling = small_disk / "filling"
        with pytest.raises(OSError, match="No space"):
            fill(filling)
        sent, refused = {}, 0
        while refused < 3:  # what had room before it was full still goes in
            snapshot = host.snapshot(min_length=len(sent) % 30 + 1)
            sent[snapshot.id] = host.seal(snapshot)
            status = collector.send(sent[snapshot.id]).status
            assert status in (201, 503), (collector.data / "log").read_text()[-3000:]
            refused += status == 503
        assert collector.get("/healthz").status == 200
        filling.unlink()
        if cluster.process is None or cluster.process.poll() is not None:
            cluster.start()
        deadline = time.monotonic() + 60
        while collector.get("/readyz").status != 200:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert acknowledged.id in {pk for pk, _size in collector.stored()}
        assert {collector.send(blob).status for blob in sent.values()} <= {200, 201}
        assert {pk for pk, _size in collector.stored()} == {acknowledged.id, *sent}
        assert "unbroken" in collector.command("journal", "verify", "--lang", "en").stdout
    finally:
        collector.stop()
        cluster.stop()


def applied(url: str, data: Path) -> int:
    """Migrations that are noted as done."""
    import sqlite3

    with (
        suppress(psycopg.Error, sqlite3.Error),
        closing(psycopg.connect(url) if url else sqlite3.connect(f"file:{data / 'db.sqlite3'}?mode=ro", uri=True)) as database,
    ):
        return int(database.execute("select count(*) from django_migrations").fetchone()[0])
    return 0


@pytest.mark.system
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_init_killed_half_way_is_finished_by_the_next(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("postgres").create() if kind == "postgresql" else ""
    data = tmp_path / "data"
    words = [
        sys.executable,
        "-m",
        "server.cli",
        "init",
        "--unit",
        "Sở",
        "--data",
        str(data),
        *(("--database", url) if url else ()),
    ]
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    for more in (1, 15):
        before = applied(url, data)
        init = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        while applied(url, data) < before + more and init.poll() is None:
            time.sleep(0.002)
        assert init.poll() is None, init.stderr and init.stderr.read()
        init.send_signal(signal.SIGKILL)
        init.communicate()
    refused = subprocess.run(
        [sys.executable, "-m", "server.cli", "run", "--data", str(data), "--lang", "en"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert refused.returncode == 2, "half a schema serves nobody"
    assert "rasoat server init" in refused.stderr
    collector = Collector(data, url)
    assert collector.password, "the administrator is made by the one that comes to the end"
    collector.start()
    try:
        host = Host()
        collector.enrol(host)
        assert collector.send(host.seal(host.snapshot())).status == 201
    finally:
        collector.stop()
