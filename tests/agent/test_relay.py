"""A relay's own parts: what it keeps, in which order it passes on, what it takes from whom, how it is set up."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.errors import Refusal
from agent.relay import store as stores
from agent.relay.forward import Forwarder
from agent.relay.server import Relay, Server
from agent.relay.settings import Identity, Settings, load
from agent.relay.setup import unit
from agent.relay.store import Full, Store
from collectors.centre import FOR_CENTRE, Answer, CentreKeys, read_envelope, seal_for, sign_answer
from collectors.model import new_id
from collectors.seal import MAX_SEALED, request_token
from tests.agent.conftest import Run

KEYS = CentreKeys.generate()
CENTRE = KEYS.public
AGENT = "11111111-2222-4333-8444-555555555555"
WORK = "/api/v1/agents/me/work"


class Host:
    def __init__(self, agent: str = AGENT) -> None:
        self.agent, private = agent, Ed25519PrivateKey.generate()
        self.key = private.private_bytes_raw()
        self.public = b64encode(private.public_key().public_bytes_raw()).decode()

    def envelope(self, at: float = 1_790_000_000.0, machine: str = "a" * 12, size: int = 100, **changes: Any) -> bytes:
        given = {"about": new_id(at), "agent": self.agent, "key": self.key} | changes
        centre = given.pop("centre", CENTRE)
        return seal_for(centre, b"x" * size, "t", machine=machine, **given)

    def answer(self, about: str, status: int = 200, **body: Any) -> tuple[Answer, dict[str, Any]]:
        said = Answer(self.agent, about, status, 1_790_000_000, 0, "r", self.public, body)
        return said, sign_answer(KEYS, said)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    found = Store(tmp_path / "relay", 1 << 20, 0)
    found.prepare()
    return found


def take(store: Store, blob: bytes, stranger: bool = False) -> str:
    envelope = read_envelope(blob)
    store.take(envelope, blob, stranger)
    return envelope.about


def order(store: Store, bulk: bool = True) -> list[str]:
    found = []
    while (entry := store.next(bulk)) is not None:
        found.append(entry.id)
        store.done(entry)
    return found


def test_the_newest_of_each_machine_goes_first_then_the_rest_from_the_oldest(store: Store) -> None:
    host = Host()
    a1, a2, a3 = (take(store, host.envelope(1000.0 + day, "a" * 12)) for day in range(3))
    b1, b2 = (take(store, host.envelope(2000.0 + day, "b" * 12)) for day in range(2))
    assert order(store) == [a3, b2, a1, a2, b1]


def test_outside_its_hours_only_the_newest_goes(store: Store) -> None:
    host = Host()
    old, new = take(store, host.envelope(1000.0)), take(store, host.envelope(1001.0))
    assert order(store, bulk=False) == [new]
    newer = take(store, host.envelope(1002.0))
    assert order(store, bulk=False) == [newer]
    assert order(store) == [old]


def test_what_is_there_is_there_after_a_restart(store: Store) -> None:
    names = [take(store, Host().envelope(1000.0 + day)) for day in range(3)]
    again = Store(store.state.folder, 1 << 20, 0)
    again.prepare()
    assert sorted(order(again)) == names
    assert store.state.folder.stat().st_mode & 0o077 == 0


def test_when_full_the_oldest_of_a_machine_gives_way_and_is_told(tmp_path: Path) -> None:
    store = Store(tmp_path / "relay", 5000, 0)
    store.prepare()
    one, two = Host(), Host(AGENT.replace("1", "2"))
    only = take(store, two.envelope(900.0))
    names = [take(store, one.envelope(1000.0 + day, size=1000)) for day in range(5)]
    summary = store.summary()
    assert summary["dropped"] == 5 + 1 - summary["waiting"] > 0
    assert summary["bytes"] <= 5000
    left = [entry.id for entry in store.spool.waiting()]
    assert {only, names[-1]} <= set(left), "the newest of each machine stays"
    assert left == sorted(left)


def test_when_nothing_can_give_way_it_is_refused_and_nothing_is_lost(tmp_path: Path) -> None:
    store = Store(tmp_path / "relay", 5000, 0)
    store.prepare()
    hosts = [Host(f"{number:08x}{AGENT[8:]}") for number in range(6)]
    kept, full = [], 0
    for host in hosts:
        try:
            kept.append(take(store, host.envelope(size=1000)))
        except Full:
            full += 1
    assert full
    assert sorted(entry.id for entry in store.spool.waiting()) == sorted(kept)


def test_so_much_of_the_disk_stays_free(tmp_path: Path) -> None:
    store = Store(tmp_path / "relay", 1 << 20, shutil.disk_usage(tmp_path).free * 2)
    store.prepare()
    with pytest.raises(Full, match="nearly full"):
        take(store, Host().envelope())
    assert store.spool.waiting() == []


def test_strangers_fill_an_eighth_and_no_more(tmp_path: Path) -> None:
    store = Store(tmp_path / "relay", 80_000, 0)
    store.prepare()
    kept = 0
    for number in range(30):
        with contextlib.suppress(Full):
            kept += bool(take(store, Host(f"{number:08x}{AGENT[8:]}").envelope(size=1000), stranger=True))
    assert 0 < kept < 10
    assert store.summary()["bytes"] <= 10_000
    take(store, Host().envelope(size=1000))


def test_no_host_fills_the_room_of_the_others(tmp_path: Path) -> None:
    host, other = Host(), Host(AGENT.replace("1", "2"))
    folder = tmp_path / "relay"
    for _start in range(2):  # a restart makes nobody a newcomer
        store = Store(folder, 40_000, 0)
        store.prepare()
        for number in range(30):
            with contextlib.suppress(Full):
                take(store, host.envelope(machine=f"{number:012x}", size=1000))
        assert store.summary()["bytes"] <= 10_000
    take(store, other.envelope(size=1000))


def test_two_hosts_with_one_snapshot_id_do_not_overwrite_each_other(store: Store) -> None:
    about = new_id(1000.0)
    for host in (Host(), Host(AGENT.replace("1", "2"))):
        take(store, host.envelope(about=about))
    assert len(store.spool.waiting()) == 2


def test_only_the_centres_word_makes_an_agent_known_and_a_revoked_one_is_forgotten(store: Store) -> None:
    host = Host()
    assert store.key_of(host.agent) is None
    store.heard(*host.answer(f"GET {WORK}", level=2), keep="work")
    assert store.key_of(host.agent) is not None
    assert Store(store.state.folder, 1, 0).agent(host.agent)["work"]["document"] == host.answer(f"GET {WORK}", level=2)[1]
    store.heard(*host.answer("x", 401, error="revoked"))
    assert store.key_of(host.agent) is None
    assert list(store.agents.iterdir()) == []


def test_receipts_stay_until_they_are_old(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host()
    monkeypatch.setattr(stores.time, "time", lambda: 1_790_000_001.0)
    store.receipt(*host.answer("one"))
    store.receipt(*host.answer("two", 409, error="id-reused"))
    assert set(store.receipts(host.agent, ["one", "two", "three"])) == {"one", "two"}
    assert store.stored(host.agent, "one")
    assert store.stored(host.agent, "two") is None, "refused: it may be offered again"
    monkeypatch.setattr(stores.time, "time", lambda: 1_790_000_000.0 + 15 * 86400)
    store.receipt(*host.answer("three"))
    assert set(store.receipts(host.agent, ["one", "two", "three"])) <= {"three"}


@pytest.fixture
def serving(store: Store) -> Iterator[tuple[Server, Store]]:
    server = Server(Relay(Settings(port=0), identity(store), store))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server, store
    server.shutdown()
    server.server_close()


def identity(store: Store, url: str = "http://127.0.0.1:9") -> Identity:
    store.state.key_file.write_bytes(Ed25519PrivateKey.generate().private_bytes_raw())
    store.state.key_file.chmod(0o600)
    known = {"relay_id": AGENT, "name": "Trạm", "unit": "Sở", "url": url, "centre": CENTRE.document()}
    store.state.keep("relay.json", known)
    return Identity(store.state)


def ask(server: Server, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(*server.server_address[:2], timeout=20)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    found = answer.status, json.loads(answer.read())
    connection.close()
    return found


def deliver(server: Server, blob: bytes, media_type: str = FOR_CENTRE) -> tuple[int, Any]:
    return ask(server, "POST", "/api/v1/snapshots", blob, Content_Type=media_type)


def test_taken_into_custody_means_on_disk(serving: tuple[Server, Store]) -> None:
    server, store = serving
    blob = Host().envelope()
    status, said = deliver(server, blob)
    about = read_envelope(blob).about
    assert (status, said) == (202, {"id": about, "custody": "Trạm"})
    (kept,) = store.spool.waiting()
    assert kept.path.read_bytes() == blob
    assert kept.path.stat().st_mode & 0o077 == 0


def test_what_is_not_sealed_or_not_for_this_centre_is_not_taken(serving: tuple[Server, Store]) -> None:
    server, store = serving
    other = CentreKeys.generate().public
    for blob, media_type, status, error in (
        (Host().envelope(), "application/vnd.rasoat.snapshot", 403, "not-sealed"),
        (Host().envelope(centre=other), FOR_CENTRE, 400, "other-centre"),
        (b"{}", FOR_CENTRE, 400, "damaged"),
        (Host().envelope(about="../../etc/passwd"), FOR_CENTRE, 400, "damaged"),
        (Host("../x").envelope(), FOR_CENTRE, 400, "damaged"),
        (Host().envelope(machine="../../../../x"), FOR_CENTRE, 400, "damaged"),
    ):
        answered, said = deliver(server, blob, media_type)
        assert (answered, said["error"]) == (status, error)
    assert store.spool.waiting() == []


def test_too_large_is_refused_unread(serving: tuple[Server, Store]) -> None:
    server, _store = serving
    with socket.create_connection(server.server_address[:2]) as wire:
        wire.settimeout(20)
        wire.sendall(
            f"POST /api/v1/snapshots HTTP/1.1\r\nContent-Type: {FOR_CENTRE}\r\nContent-Length: {MAX_SEALED * 2}\r\n\r\n".encode()
        )
        assert b" 413 " in wire.recv(100)


def test_cut_in_the_middle_nothing_is_kept_and_nothing_acknowledged(serving: tuple[Server, Store]) -> None:
    server, store = serving
    blob = Host().envelope(size=50_000)
    with socket.create_connection(server.server_address[:2]) as wire:
        wire.settimeout(20)
        wire.sendall(
            f"POST /api/v1/snapshots HTTP/1.1\r\nContent-Type: {FOR_CENTRE}\r\nContent-Length: {len(blob)}\r\n\r\n".encode()
        )
        wire.sendall(blob[:-5])
        wire.shutdown(socket.SHUT_WR)
        assert wire.recv(100) == b""
    assert store.spool.waiting() == []


def test_in_the_name_of_a_known_agent_only_that_agent_delivers_and_asks(serving: tuple[Server, Store]) -> None:
    server, store = serving
    host, thief = Host(), Host()
    store.heard(*host.answer(f"GET {WORK}", level=2), keep="work")
    assert deliver(server, thief.envelope())[0] == 401
    assert deliver(server, host.envelope())[0] == 202
    for who, status in ((host, 200), (thief, 401)):
        token = request_token(host.agent, who.key, "GET", WORK, int(time.time()))
        assert ask(server, "GET", WORK, Authorization=token)[0] == status
    late = request_token(host.agent, host.key, "GET", WORK, int(time.time()) - 3600)
    assert ask(server, "GET", WORK, Authorization=late)[1]["error"] == "clock"


def test_a_full_relay_says_come_again(serving: tuple[Server, Store]) -> None:
    server, store = serving
    store.least_free = 1 << 60
    status, said = deliver(server, Host().envelope())
    assert (status, said["error"]) == (503, "full")


def test_what_the_centre_has_is_answered_with_its_receipt(serving: tuple[Server, Store]) -> None:
    server, store = serving
    host = Host()
    blob = host.envelope()
    answer, document = host.answer(read_envelope(blob).about)
    store.receipt(answer, document)
    assert deliver(server, blob) == (200, document)
    assert store.spool.waiting() == []


def test_one_address_does_not_take_every_connection(store: Store) -> None:
    server = Server(Relay(Settings(port=0, connections=8), identity(store), store))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    wires = [socket.create_connection(server.server_address[:2]) for _ in range(4)]
    try:
        with socket.create_connection(server.server_address[:2]) as fifth:
            fifth.settimeout(20)
            assert fifth.recv(10) == b"", "cut at once"
    finally:
        for wire in wires:
            wire.close()
        server.shutdown()
        server.server_close()


def test_nothing_else_is_served(serving: tuple[Server, Store]) -> None:
    server, _store = serving
    for path in ("/", "/api/v1/units", "/metrics", "/api/v1/agents/me/work/../x", "/api/v1"):
        assert ask(server, "GET", path)[0] == 404
    assert ask(server, "POST", "/api/v1/relays/enrol", b"{}")[0] == 404
    assert ask(server, "GET", "/api/v1/centre")[1]["seal"] == CENTRE.document()["seal"]


def test_without_a_line_it_keeps_and_pauses_longer_each_time(store: Store) -> None:
    forwarder = Forwarder(Settings(report_seconds=3600), identity(store), store)
    name = take(store, Host().envelope())
    pauses = [forwarder.step() for _ in range(12)]
    assert max(pauses[6:]) > max(pauses[:2])
    assert all(0 <= pause <= 600 for pause in pauses)
    assert [entry.id for entry in store.spool.waiting()] == [name]
    assert "refused" in forwarder.trouble
    assert (store.state.read("report.json") or {})["error"]


def test_settings_that_cannot_be_meant_are_all_named(tmp_path: Path) -> None:
    (tmp_path / "relay.yaml").write_text("port: 99999\nwindow: never\nspol_mb: 5\n")
    with pytest.raises(Refusal) as refusal:
        load(tmp_path)
    for name in ("port", "window", "spol_mb"):
        assert name in str(refusal.value)


def test_without_a_certificate_it_listens_on_this_machine_alone(tmp_path: Path) -> None:
    (tmp_path / "relay.yaml").write_text('host: "0.0.0.0"\n')
    with pytest.raises(Refusal, match="certificate"):
        load(tmp_path)
    (tmp_path / "relay.yaml").write_text('host: "0.0.0.0"\ncertificate: /nowhere.pem\n')
    with pytest.raises(Refusal, match=r"nowhere\.pem"):
        load(tmp_path)


def test_https_by_its_own_certificate(store: Store, tmp_path: Path) -> None:
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=relay"
    names = "-addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem"
    subprocess.run([*command.split(), *names.split()], cwd=tmp_path, check=True, capture_output=True)
    settings = Settings(port=0, certificate=str(tmp_path / "cert.pem"), private_key=str(tmp_path / "key.pem"))
    server = Server(Relay(settings, identity(store), store))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        with socket.create_connection(server.server_address[:2]) as silent:  # its handshake never comes
            context = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
            connection = http.client.HTTPSConnection(*server.server_address[:2], timeout=20, context=context)
            connection.request("GET", "/healthz")
            assert json.loads(connection.getresponse().read()) == {"relay": "Trạm", "waiting": 0}
            connection.close()
            silent.close()
        with socket.create_connection(server.server_address[:2]) as plain:
            plain.settimeout(20)
            plain.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                assert b"200" not in plain.recv(100)
    finally:
        server.shutdown()
        server.server_close()


def test_the_unit_gives_it_its_folder_and_nothing_else() -> None:
    text = unit("/usr/bin/rasoat", Path("/var/lib/rasoat-relay"))
    assert "ExecStart=/usr/bin/rasoat relay run --quiet --state-dir /var/lib/rasoat-relay" in text
    assert "ReadWritePaths=/var/lib/rasoat-relay\n" in text
    assert "CapabilityBoundingSet=\n" in text


def test_a_wrong_invitation_and_no_relay_are_said_in_words(rasoat: Run, tmp_path: Path) -> None:
    for token in ("rs1.a.b.c", "rr1.a.b", "nonsense"):
        done = rasoat("relay", "init", "http://127.0.0.1:9", "--token", token, "--state-dir", tmp_path / "relay")
        assert done.returncode == 2
        assert "no invitation for a relay" in done.stderr
    done = rasoat("relay", "run", "--state-dir", tmp_path / "relay")
    assert done.returncode == 2
    assert "rasoat relay init" in done.stderr
