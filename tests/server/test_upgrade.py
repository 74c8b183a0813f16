"""What an earlier version left is taken over whole, and machines that were not upgraded go on reporting."""

from __future__ import annotations

import base64
import json
import lzma
import shutil
import sqlite3
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.server.people import Host
from tests.server.running import PACKS, Collector

LEFT = sorted((Path(__file__).parents[1] / "data" / "upgrade").iterdir())
pytestmark = pytest.mark.system


class Taken(Collector):
    """A collector over a data directory that another version made."""

    def __init__(self, left: Path, data: Path) -> None:
        data.mkdir(mode=0o700)
        for name in ("secret.key", "settings.toml"):
            shutil.copy(left / name, data)
            (data / name).chmod(0o600)
        (data / "db.sqlite3").write_bytes(lzma.decompress((left / "db.sqlite3.xz").read_bytes()))
        shutil.copytree(PACKS, data / "packs")
        known = json.loads((left / "agent.json").read_text())
        key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(known["key"]))
        self.host = Host(name="may-cu", key=key, agent=known["agent"])
        self._start_from(data)

    def _start_from(self, data: Path) -> None:
        import socket

        self.data, self.process, self.tls = data, None, None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def count(self, table: str) -> int:
        with sqlite3.connect(self.data / "db.sqlite3") as database:
            return int(database.execute(f"select count(*) from {table}").fetchone()[0])


@pytest.fixture(params=LEFT, ids=lambda left: left.name)
def taken(request, tmp_path):
    found = Taken(request.param, tmp_path / "data")
    yield found
    found.stop()


def test_what_an_earlier_version_left_is_read(taken) -> None:
    before = {table: taken.count(table) for table in ("ingest_storedsnapshot", "ingest_agent", "units_unit", "journal_entry")}
    refused = taken.command("run", check=False)
    assert refused.returncode == 2
    assert "server init" in refused.stderr
    first = taken.command("init", "--lang", "en")
    assert "was there already" in first.stdout
    taken.command("init", "--lang", "en")
    for table in ("ingest_storedsnapshot", "ingest_agent", "units_unit"):
        assert taken.count(table) == before[table]
    assert taken.count("journal_entry") >= before["journal_entry"]
    assert taken.command("journal", "verify", "--lang", "en").returncode == 0
    assert "1 judged again, 0 could not" in taken.command("rejudge", "--now", "--lang", "en").stdout
    assert taken.count("findings_standing") > 0, "how it stands now is known without a new report"


def test_a_machine_that_was_not_upgraded_goes_on_reporting(taken) -> None:
    taken.command("init")
    taken.start()
    host = taken.host
    snapshot = host.snapshot()
    assert taken.send(host.seal(snapshot)).status == 201
    assert taken.send(host.seal(snapshot)).status == 200
    path = "/api/v1/agents/me/work"
    work = taken.get(path, {"Authorization": host.authorization(path)})
    assert work.status == 200
    # what the earlier agent reads of the answer
    assert {"server_time", "level", "kind", "baseline", "tailoring", "interval_seconds", "jobs"} <= set(work.document)
    assert work.document["level"] == 2
    assert taken.count("ingest_storedsnapshot") == 4
    assert taken.count("findings_standing") > 0
