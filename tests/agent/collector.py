"""A small collector on loopback that behaves, or misbehaves, as a test says: the agent's side of the treaty is tested
against real sockets, and what it stores is what really arrived whole."""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
import time
import uuid
from base64 import b64decode
from collections import Counter
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from agent.signed import WORK
from collectors import seal_delta
from collectors.seal import SealError, check_request, pack, unseal, verify

TOKEN = "one-time-token-of-the-tests"
_AUTHORIZATION = re.compile(r"Rasoat ([^:]+):(\d+):(\S+)")


class Collector:
    """Serves until the test ends. `faults` are used up one per upload, then it behaves."""

    def __init__(self, certificate: Path | None = None, port: int = 0) -> None:
        self.faults: list[Any] = []
        self.stored: dict[str, bytes] = {}
        self.uploads: Counter[str] = Counter()
        self.arrived = threading.Event()
        self.release = threading.Event()
        self.agents: dict[str, bytes] = {}
        self.enrolments: list[dict[str, Any]] = []
        self.work: dict[str, Any] | None = None
        self.packs: dict[str, dict[str, str]] = {}
        self.agree: bool | None = True
        self.ahead = 0.0
        self.requests: list[str] = []
        self.tag = ""
        self.knows_differences = True
        self.forms: list[str] = []
        self.sizes: list[int] = []
        self.unchanged = 0
        self._server = _Server(("127.0.0.1", port), _handler(self))
        self.port = self._server.server_address[1]
        scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            scheme = "https"
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def now(self) -> float:
        return time.time() + self.ahead


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections are cut on purpose here."""


def free_port() -> int:
    """A port on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _handler(collector: Collector) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def date_time_string(self, timestamp: float | None = None) -> str:
            return formatdate(collector.now, usegmt=True)

        def answer(self, status: int, document: Any, **headers: str) -> None:
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def cut(self) -> None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

        def do_GET(self) -> None:
            collector.requests.append(f"GET {self.path}")
            found = _AUTHORIZATION.fullmatch(self.headers.get("Authorization", ""))
            key = collector.agents.get(found[1]) if found else None
            if not found or key is None or not check_request(key, found[1], "GET", self.path, int(found[2]), b64decode(found[3])):
                self.answer(401, {"error": "forged", "message": "the signature does not belong to this agent's key"})
            elif abs(collector.now - int(found[2])) > 600:
                self.answer(401, {"error": "clock", "message": "the request is signed for another time"})
            elif self.path.startswith("/api/v1/packs/"):
                digest = self.path.rpartition("/")[2]
                if digest in collector.packs:
                    self.answer(200, {"id": "house", "digest": digest, "files": collector.packs[digest]})
                else:
                    self.answer(404, {"error": "unknown", "message": "no such pack"})
            elif self.path.partition("?")[0] == WORK and collector.tag and self.headers.get("If-None-Match") == collector.tag:
                collector.unchanged += 1
                self.send_response(304)
                self.end_headers()
            elif self.path.partition("?")[0] == WORK and collector.work is not None:
                self.answer(200, collector.work, **({"ETag": collector.tag} if collector.tag else {}))
            else:
                self.answer(503, {"error": "nothing", "message": "no work is known"})

        def do_POST(self) -> None:
            collector.requests.append(f"POST {self.path}")
            fault = collector.faults.pop(0) if collector.faults and self.path.endswith("/snapshots") else None
            length = int(self.headers["Content-Length"])
            if fault == "cut":
                self.rfile.read(length // 2)
                self.cut()
                return
            if fault == "hang":
                self.rfile.read(length // 2)
                collector.arrived.set()
                collector.release.wait(60)
                return
            body = self.rfile.read(length)
            if len(body) < length:
                return
            if self.path == "/api/v1/enrol":
                self.enrol(json.loads(body))
            elif self.path == "/api/v1/snapshots":
                self.upload(body, fault)
            else:
                self.answer(404, {"error": "unknown", "message": "no such page"})

        def enrol(self, asked: dict[str, Any]) -> None:
            collector.enrolments.append(asked)
            if asked["token"] != TOKEN:
                self.answer(403, {"error": "token", "message": "this token is unknown, used up or expired"})
                return
            key = b64decode(asked["public_key"], validate=True)
            agent = next((name for name, known in collector.agents.items() if known == key), str(uuid.uuid4()))
            collector.agents[agent] = key
            self.answer(201, {"agent_id": agent, "unit": "Sở Thông tin", "server_time": "2026-11-22T03:00:00Z"})

        def upload(self, body: bytes, fault: Any) -> None:
            collector.forms.append(self.headers["Content-Type"].removeprefix("application/vnd.rasoat."))
            collector.sizes.append(len(body))
            if self.headers["Content-Type"] == seal_delta.MEDIA_TYPE and collector.knows_differences:
                delta = seal_delta.read(body)
                base = collector.stored.get(delta.base)
                try:
                    body = pack(seal_delta.restore(delta, unseal(base).snapshot if base else b""))
                except SealError:
                    self.answer(412, {"error": "base-unknown", "message": "the snapshot it starts from is not here"})
                    return
            elif self.headers["Content-Type"] != "application/vnd.rasoat.snapshot":
                self.answer(415, {"error": "media-type", "message": "wrong type"})
                return
            sealed = unseal(body)
            name = json.loads(sealed.snapshot)["id"]
            collector.uploads[name] += 1
            if isinstance(fault, int):
                self.answer(
                    fault,
                    {"error": "planted", "message": f"planted fault {fault}"},
                    **({"Retry_After": "0"} if fault == 429 else {}),
                )
                return
            if fault == "portal":
                self.answer(200, b"<html>Welcome to the hotel, please log in</html>")
                return
            if fault == "redirect":
                self.answer(302, {}, Location="https://elsewhere.example/")
                return
            verify(sealed, collector.agents[sealed.agent])
            new = name not in collector.stored
            collector.stored[name] = body
            if fault == "lost answer":
                self.cut()
                return
            self.answer(201 if new else 200, {"id": name, "verdicts_agree": collector.agree})

    return Handler
