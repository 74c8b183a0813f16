"""Outlets of the tests, something to tell, and receivers on loopback."""

from __future__ import annotations

import ipaddress
import json
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.utils import timezone

from server.config import Config
from server.outlets import deliver, making, messages, news
from server.outlets.making import Wish
from server.outlets.messages import Message
from server.outlets.models import Outlet

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
KEY = "một khóa ký của kiểm thử"
LOOPBACK = Config(outlets_may_reach=("127.0.0.0/8",))
PATIENCE = 20.0


class Clock:
    """Time as the test says."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def on(self, **amount: float) -> None:
        self.now += timedelta(**amount)


def outlet(unit: Any, kind: str = "webhook", address: str = "https://127.0.0.1:1/hook", **wish: Any) -> Outlet:
    secret = wish.pop("secret", KEY if kind == "webhook" else "")
    return making.make(unit, Wish(kind, wish.pop("name", f"kênh {kind}"), address, secret=secret, **wish), "console")


def fresh(known: Outlet) -> Outlet:
    return Outlet.objects.select_related("unit").get(pk=known.pk)


def message(text: str = "máy-01: khóa tài khoản: đạt → không đạt", **changes: Any) -> Message:
    given = {
        "id": "verdict-1", "kind": "verdict", "action": "verdict.fail", "at": NOW, "severity": "high", "text": text, "unit": "Sở",
        "unit_code": "S1", "machine": "máy-01", "worse": True, "detail": {"requirement": "r1", "check": "c1", "was": "pass", "now": "fail"},
    }  # fmt: skip
    return Message(**(given | changes))


def now() -> Clock:
    return Clock(timezone.now())


def run(known: Outlet, clock: Clock) -> int:
    """What a job does; how many messages were told."""
    while news.sort():
        pass
    return deliver.deliver(fresh(known), clock, jitter=lambda: 1.0)


def told(known: Outlet, limit: int = 100) -> list[Message]:
    """What it would tell now."""
    while news.sort():
        pass
    return messages.read(fresh(known), limit).messages


# -- certificates --------------------------------------------------------------------------------------------------


class Authority:
    """Signs certificates for 127.0.0.1, or for another name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "CA of the tests")])
        made = self._builder(self.name, self.key.public_key()).add_extension(x509.BasicConstraints(True, None), critical=True)
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        self.pem = (
            made.add_extension(usage, critical=True)
            .sign(self.key, hashes.SHA256())
            .public_bytes(serialization.Encoding.PEM)
            .decode()
        )
        self.file = folder / "ca.pem"
        self.file.write_text(self.pem)

    def pair(self, name: str = "127.0.0.1") -> tuple[Path, Path]:
        """Certificate and key, as files."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        try:
            other: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            other = x509.DNSName(name)
        made = self._builder(subject, key.public_key()).add_extension(x509.SubjectAlternativeName([other]), critical=False)
        paths = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        paths[0].write_bytes(made.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        form = serialization.PrivateFormat.PKCS8
        paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
        return paths

    def _builder(self, subject: x509.Name, key: Any) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key)
            .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=30))
        )  # fmt: skip


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


# -- a webhook's receiver ------------------------------------------------------------------------------------------


class Hook(NamedTuple):
    headers: dict[str, str]
    body: bytes

    @property
    def ids(self) -> list[str]:
        return [one["id"] for one in json.loads(self.body)["messages"]]


class Receiver:
    """Takes POSTs over TLS and answers as the test says: `answers` first to last, then 204; once it `may_answer`."""

    def __init__(self, authority: Authority, name: str = "127.0.0.1", port: int = 0) -> None:
        self.got: list[Hook] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.came, self.may_answer = threading.Event(), threading.Event()
        self.may_answer.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, headers = receiver.answers.pop(0) if receiver.answers else (204, {})
                if 200 <= status < 300:
                    receiver.got.append(Hook(dict(self.headers), body))
                receiver.came.set()
                receiver.may_answer.wait(PATIENCE)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *words: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *given: Any) -> None:
                """Who asked may be gone."""

        self.server = Server(("127.0.0.1", port), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.pair(name))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = int(self.server.server_address[1])
        self.url = f"https://127.0.0.1:{self.port}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    @property
    def ids(self) -> list[str]:
        return [one for hook in self.got for one in hook.ids]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


# -- rsyslog -------------------------------------------------------------------------------------------------------


class Rsyslog:
    """Debian's own, without rights, on one port of loopback. Writes what it received, as it received it, to a file."""

    def __init__(self, folder: Path, how: str, port: int = 0, config: str = "", driver: str = "") -> None:
        program = shutil.which("rsyslogd", path="/usr/sbin:/usr/bin")
        if program is None:
            pytest.skip("needs the Debian packages rsyslog, rsyslog-gnutls and rsyslog-openssl")
        self.folder, self.how, self.program = folder, how, program
        self.port = port or free_port(socket.SOCK_DGRAM if how == "udp" else socket.SOCK_STREAM)
        self.out, self.log = folder / "received", folder / "rsyslog.log"
        (folder / "rsyslog.conf").write_text(self._config(config, driver))
        self.process: subprocess.Popen[bytes] | None = None

    def _config(self, config: str, driver: str) -> str:
        template = 'template(name="all" type="list") { constant(value="{") property(name="pri" outname="pri" format="jsonf") '
        for name in ("app-name", "msgid", "structured-data", "timestamp", "hostname", "msg"):
            form = ' dateFormat="rfc3339"' if name == "timestamp" else ""
            template += f'constant(value=",") property(name="{name}" outname="{name}" format="jsonf"{form}) '
        template += 'constant(value="}\\n") }\n'
        if self.how == "udp":
            source = f'module(load="imudp")\ninput(type="imudp" address="127.0.0.1" port="{self.port}" ruleset="r")\n'
        else:
            stream = f' StreamDriver.Name="{driver}" StreamDriver.Mode="1" StreamDriver.AuthMode="anon"' if driver else ""
            source = f'module(load="imtcp"{stream})\ninput(type="imtcp" address="127.0.0.1" port="{self.port}" ruleset="r")\n'
        action = f'ruleset(name="r") {{ action(type="omfile" file="{self.out}" template="all") }}\n'
        return (
            f'global(workDirectory="{self.folder}" maxMessageSize="16k" net.enableDNS="off" {config})\n{template}{source}{action}'
        )

    def start(self) -> None:
        self.process = subprocess.Popen(
            [self.program, "-n", "-iNONE", "-f", str(self.folder / "rsyslog.conf")],
            stdout=self.log.open("ab"),
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + PATIENCE
        while self.how != "udp" and time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket() as line:
                if line.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        if self.how == "udp":  # it listens once the kernel says so
            while f":{self.port:04X} " not in Path("/proc/net/udp").read_text() and time.monotonic() < deadline:
                time.sleep(0.02)
        assert self.process.poll() is None, self.log.read_text()

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE)
            self.process = None

    def received(self, count: int) -> list[dict[str, str]]:
        """So many lines, as soon as they are there."""
        deadline = time.monotonic() + PATIENCE
        while True:
            lines = self.out.read_text("utf-8").splitlines() if self.out.exists() else []
            if len(lines) >= count or time.monotonic() > deadline:
                return [json.loads(line) for line in lines]
            time.sleep(0.02)


@contextmanager
def rsyslog(folder: Path, how: str, **changes: Any) -> Iterator[Rsyslog]:
    made = Rsyslog(folder, how, **changes)
    made.start()
    try:
        yield made
    finally:
        made.stop()
