"""A real relay: its own process, its own folder, a real socket; and hosts that deliver to it with the agent's own code."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from agent.centre import SealedCollector, ask_sealed, meet, named_in
from agent.custody import Custody
from agent.receipts import settle
from agent.signed import signed_get
from agent.spool import Spool
from agent.state import State
from agent.upload import Collector as Direct
from agent.upload import Delivery, deliver
from collectors.centre import Centre
from tests.server.people import Host
from tests.server.running import ROOT, Collector


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


class Relay:
    """`rasoat relay` for a collector, or for whatever stands at `centre_url` in its place."""

    def __init__(self, folder: Path, collector: Collector, centre_url: str = "", **settings: Any) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        invitation = collector.command("relay", "new", "Trạm Bắc", "--quiet").stdout.strip()
        self.command("init", centre_url or collector.url, "--token", invitation)
        told = {"host": "127.0.0.1", "port": self.port, "report_seconds": 0.3, "free_mb": 1} | settings
        (folder / "relay.yaml").write_text("".join(f"{name}: {json.dumps(value)}\n" for name, value in told.items()))

    def command(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "agent", "relay", *words, "--state-dir", str(self.folder), "--lang", "en"],
            cwd=ROOT, text=True, capture_output=True, check=check, timeout=60,
        )  # fmt: skip

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "agent", "relay", "run", "--state-dir", str(self.folder)],
            cwd=ROOT, stderr=(self.folder / "log").open("ab"),
        )  # fmt: skip
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                self.health()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def health(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/healthz", timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def drained(self, seconds: float = 30) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.health()["waiting"] == 0:
                return True
            time.sleep(0.05)
        return False

    def kill(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(30)
            self.process = None


class Wire:
    """The line between two of them. It can be cut, and it can lie: `sent` and `answered` may change what passes."""

    def __init__(self, target: str) -> None:
        self.target, self.cut = target, False
        self.sent: Callable[[str, bytes], bytes] = lambda _path, body: body
        self.answered: Callable[[str, int, bytes], tuple[int, bytes]] = lambda _path, status, body: (status, body)
        self.seen: list[tuple[str, bytes]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _wire_handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def honest(self) -> None:
        self.cut = False
        self.sent = lambda _path, body: body
        self.answered = lambda _path, status, body: (status, body)


def _wire_handler(wire: Wire) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if wire.cut:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            wire.seen.append((self.path, body))
            body = wire.sent(self.path, body)
            headers = {name: value for name, value in self.headers.items() if name not in ("Host", "Content-Length")}
            request = urllib.request.Request(wire.target + self.path, data=body or None, headers=headers, method=self.command)
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    status, back, told = answer.status, answer.read(), answer.headers
            except urllib.error.HTTPError as error:
                status, back, told = error.code, error.read(), error.headers
            except OSError:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            status, back = wire.answered(self.path, status, back)
            self.send_response_only(status)
            for name in ("Content-Type", "Date", "Retry-After"):
                if told.get(name):
                    self.send_header(name, told[name])
            self.send_header("Content-Length", str(len(back)))
            self.end_headers()
            self.wfile.write(back)

        do_GET = do_POST = pass_on

    return Handler


class Agent:
    """One host's agent: the code that delivers, with a state folder of its own."""

    def __init__(self, folder: Path, host: Host) -> None:
        self.state, self.host = State(folder), host
        self.state.prepare()
        self.spool = Spool(folder, 1 << 26)
        self.spool.prepare()
        self.centre: Centre | None = None

    def enrol(self, url: str, token: str) -> bool:
        """Whether a relay answered."""
        collector = Direct(url)
        self.centre, relay = meet(collector, named_in(token))
        reply = ask_sealed(collector, self.centre, "/api/v1/enrol", json.dumps(self.host.request(token)).encode())
        assert reply.status == 201, reply
        self.host.agent = reply.document["agent_id"]
        return relay

    def through(self, url: str, max_days: float = 7) -> SealedCollector:
        assert self.centre
        return SealedCollector(url, None, None, self.centre, self.host.agent, self.host.private, self.state, max_days)

    def look(self, **changes: Any) -> str:
        snapshot = self.host.snapshot(**changes)
        self.spool.put(snapshot.id, self.host.name, self.host.seal(snapshot))
        return snapshot.id

    def run(self, url: str, tries: int = 1) -> Delivery:
        """What `rasoat agent once` does with what waits."""
        collector, custody, asked = self.through(url), Custody(self.state), Delivery()
        settle(collector, self.host.agent, self.host.private, custody, self.spool, asked)
        delivery = deliver(self.spool, collector, tries, 0.01, custody=custody)
        delivery.sent += asked.sent
        delivery.refused += asked.refused
        return delivery

    def work(self, url: str, max_days: float = 7) -> Any:
        return signed_get(self.through(url, max_days), self.host.agent, self.host.private, "/api/v1/agents/me/work")

    @property
    def waiting(self) -> list[str]:
        return [entry.id for entry in self.spool.waiting()]

    @property
    def distrusted(self) -> list[str]:
        return sorted(self.state.read("distrust.json") or {})
