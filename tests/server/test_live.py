"""The collector as a process of its own: what only a real server, a real socket and a real kill can show."""

from __future__ import annotations

import json
import socket
import sqlite3
import ssl
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.server.people import MEDIA_TYPE, Host
from tests.server.running import Collector

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    found = Collector(tmp_path_factory.mktemp("collector"))
    found.start()
    yield found
    found.stop()


@pytest.fixture
def host(collector: Collector) -> Host:
    found = Host()
    collector.enrol(found)
    return found


def test_it_works(collector: Collector, host: Host) -> None:
    snapshot = host.snapshot()
    answer = collector.send(host.seal(snapshot, host.judged(snapshot)))
    assert (answer.status, answer.document) == (201, {"id": snapshot.id, "verdicts_agree": True})
    work = collector.get("/api/v1/agents/me/work", {"Authorization": host.authorization("/api/v1/agents/me/work")})
    assert work.document["baseline"]["id"] == "mini"


def test_no_default_password_and_nothing_readable_by_others(collector: Collector, tmp_path: Path) -> None:
    other = Collector(tmp_path / "b")
    assert other.password != collector.password
    assert other.password.encode() not in other.data.joinpath("db.sqlite3").read_bytes()
    for path in ("db.sqlite3", "secret.key", "settings.toml"):
        assert stat.S_IMODE((other.data / path).stat().st_mode) == 0o600, path
    again = other.command("init", "--lang", "en").stdout
    assert "was there already" in again
    assert other.password not in again
    assert not any("Password" in line for line in again.splitlines())
    assert (other.data / "secret.key").read_text() != (collector.data / "secret.key").read_text()


def test_the_sqlite_settings_are_in_force(collector: Collector) -> None:
    with sqlite3.connect(collector.data / "db.sqlite3") as database:
        assert database.execute("pragma journal_mode").fetchone() == ("wal",)


def test_a_second_one_on_the_same_file_is_refused_by_name(collector: Collector) -> None:
    assert collector.process
    done = collector.command("run", "--port", "1", "--lang", "en", check=False)
    assert done.returncode == 2
    assert "db.sqlite3 is in use" in done.stderr
    assert str(collector.process.pid) in done.stderr
    assert collector.get("/readyz").status == 200, "and the first one is not disturbed"


def test_killed_in_mid_upload_nothing_is_lost_and_nothing_double(collector: Collector, host: Host) -> None:
    snapshot = host.snapshot()
    blob = host.seal(snapshot, host.judged(snapshot))
    before = collector.stored()
    with socket.create_connection(("127.0.0.1", collector.port)) as wire:
        head = f"POST /api/v1/snapshots HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {MEDIA_TYPE}\r\nContent-Length: {len(blob)}\r\n\r\n"
        wire.sendall(head.encode() + blob[: len(blob) // 2])
        collector.kill()
        with suppress(ConnectionResetError):
            assert wire.recv(100) == b"", "no answer: the sender keeps its copy"
    assert collector.stored() == before
    collector.start()
    assert collector.send(blob).status == 201
    assert collector.send(blob).status == 200
    assert collector.stored() == sorted([*before, (snapshot.id, len(blob))])


def test_killed_under_load_every_acknowledged_snapshot_is_there_once(collector: Collector, host: Host) -> None:
    blobs = {snapshot.id: host.seal(snapshot) for snapshot in (host.snapshot() for _ in range(60))}
    acknowledged: set[str] = set()
    enough = threading.Event()

    def deliver(item: tuple[str, bytes]) -> None:
        try:
            answer = collector.send(item[1])
        except OSError:
            return
        if answer.status == 201:
            acknowledged.add(item[0])
        if len(acknowledged) >= 10:
            enough.set()

    with ThreadPoolExecutor(6) as pool:
        todo = [pool.submit(deliver, item) for item in blobs.items()]
        assert enough.wait(60)
        collector.kill()
        for one in todo:
            one.result()
    stored = {pk for pk, _size in collector.stored()}
    assert acknowledged <= stored, "what was acknowledged survived kill -9"
    assert len(acknowledged) < len(blobs)
    collector.start()
    statuses = {pk: collector.send(blob).status for pk, blob in blobs.items()}
    assert {pk for pk, status in statuses.items() if status == 200} == stored & set(blobs)
    assert set(statuses.values()) <= {200, 201}
    ids = [pk for pk, _size in collector.stored()]
    assert len(ids) == len(set(ids))
    assert set(blobs) <= set(ids)


def test_the_same_snapshot_side_by_side_is_stored_once(collector: Collector, host: Host) -> None:
    blob = host.seal(host.snapshot())
    before = len(collector.stored())
    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(answer.status for answer in pool.map(lambda _: collector.send(blob), range(8)))
    assert statuses == [200] * 7 + [201]
    assert len(collector.stored()) == before + 1


def test_one_use_of_a_token_side_by_side(collector: Collector) -> None:
    token = collector.command("token", "new", "--quiet").stdout.strip()
    hosts = [Host(str(number)) for number in range(6)]

    def enrol(host: Host) -> int:
        return collector.post("/api/v1/enrol", json.dumps(host.request(token)).encode(), "application/json").status

    with ThreadPoolExecutor(6) as pool:
        at_once = list(pool.map(enrol, hosts))
    # 429: too many at once, come again (server/ingest/admission.py)
    later = [enrol(host) if status == 429 else status for host, status in zip(hosts, at_once, strict=True)]
    assert sorted(later) == [201] + [403] * 5


def test_cut_short_is_not_stored(collector: Collector, host: Host) -> None:
    blob = host.seal(host.snapshot())
    before = collector.stored()
    with socket.create_connection(("127.0.0.1", collector.port)) as wire:
        wire.settimeout(30)
        head = f"POST /api/v1/snapshots HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {MEDIA_TYPE}\r\nContent-Length: {len(blob)}\r\n\r\n"
        wire.sendall(head.encode() + blob[:-20])
        wire.shutdown(socket.SHUT_WR)
        answer = wire.recv(1000)
    assert b" 503 " in answer.split(b"\r\n")[0]
    assert collector.stored() == before
    assert collector.send(blob).status == 201


def test_oversized_is_refused_before_it_is_read(collector: Collector) -> None:
    with socket.create_connection(("127.0.0.1", collector.port)) as wire:
        wire.settimeout(30)
        head = f"POST /api/v1/snapshots HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {MEDIA_TYPE}\r\nContent-Length: 4000000000\r\n\r\n"
        wire.sendall(head.encode())
        assert b" 413 " in wire.recv(1000).split(b"\r\n")[0]


def test_empty_is_refused(collector: Collector) -> None:
    answer = collector.send(b"")
    assert (answer.status, answer.document["error"]) == (400, "damaged")


def test_a_locked_database_is_retried_later(tmp_path: Path) -> None:
    collector = Collector(tmp_path / "locked")
    settings = collector.data / "settings.toml"
    settings.write_text(settings.read_text().replace("# lock_wait_seconds = 10", "lock_wait_seconds = 0.2"))
    collector.start()
    try:
        host = Host()
        collector.enrol(host)
        blob = host.seal(host.snapshot())
        other = sqlite3.connect(collector.data / "db.sqlite3", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        answer = collector.send(blob)
        assert (answer.status, answer.document["error"]) == (503, "unavailable")
        assert answer.headers["Retry-After"]
        other.execute("ROLLBACK")
        assert collector.send(blob).status == 201
    finally:
        collector.stop()


def test_a_host_name_nobody_agreed_on_is_refused(collector: Collector) -> None:
    assert collector.get("/healthz", {"Host": "evil.example"}).status in (200, 400)
    assert collector.get("/log-on/", {"Host": "evil.example"}).status == 400


def test_static_files_come_without_a_log_on(collector: Collector) -> None:
    answer = collector.get("/static/rasoat/style.css")
    assert answer.status == 200
    assert "max-age" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Security-Policy"]
    assert collector.get("/static/../settings.py").status == 404


def test_https_by_itself(tmp_path: Path) -> None:
    collector = Collector(tmp_path / "tls")
    certificate, key = self_signed(tmp_path)
    settings = collector.data / "settings.toml"
    settings.write_text(settings.read_text() + f'certificate = "{certificate}"\nprivate_key = "{key}"\n')
    context = ssl.create_default_context(cafile=str(certificate))
    collector.url, collector.tls = f"https://127.0.0.1:{collector.port}", context
    collector.start()
    try:
        answer = collector.get("/log-on/")
        assert answer.status == 200
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
        assert all("Secure" in cookie for cookie in answer.headers.get_all("Set-Cookie"))
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, OSError)), socket.create_connection(("127.0.0.1", collector.port)) as wire:
            old.wrap_socket(wire)
    finally:
        collector.stop()


def self_signed(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "collector.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    paths = folder / "server.crt", folder / "server.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths
