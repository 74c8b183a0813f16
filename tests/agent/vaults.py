"""Two small servers on loopback that answer as HashiCorp Vault (KV version 2, AppRole) and CyberArk's Central Credential Provider.

Authored from documentation: the HTTP API documentation of either product, not recordings. They hold what a test says.
"""

from __future__ import annotations

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who does not trust the certificate hangs up; that is what a test wants to see."""


class _Serving:
    def __init__(self, certificate: Path | None = None) -> None:
        self.asked: list[str] = []
        self.raw: tuple[int, bytes] | None = None
        """Set: the answer to everything, whatever it is."""
        serving = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def reply(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                serving.asked.append(f"{self.command} {urlsplit(self.path).path}")
                status, document = serving.raw or serving.answer(self.command, self.path, self.headers, body)
                raw = document if isinstance(document, bytes) else json.dumps(document).encode()
                self.send_response(status)
                if status == 307:
                    self.send_header("Location", "https://elsewhere.example/")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_POST = reply

        self._server = _Server(("127.0.0.1", 0), Handler)
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        raise NotImplementedError

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class HashiCorp(_Serving):
    """`secrets`: path -> fields; `tokens`: token -> paths it may read."""

    def __init__(self, certificate: Path | None = None) -> None:
        super().__init__(certificate)
        self.sealed = False
        self.secrets: dict[str, dict[str, Any] | None] = {}
        self.tokens: dict[str, set[str]] = {}
        self.role = ("role-1", "secret-id-1")
        self.lease = 3600.0
        self.log_ons = 0

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if (method, path) == ("POST", "/v1/auth/approle/login"):
            return self._log_on(json.loads(body))
        readable = self.tokens.get(headers.get("X-Vault-Token", ""))
        if path == "/v1/auth/token/lookup-self":
            return (403, {"errors": ["permission denied"]}) if readable is None else (200, {"data": {"ttl": 60}})
        found = unquote(path).removeprefix("/v1/secret/data/")
        if readable is None or found not in readable:
            return 403, {"errors": ["1 error occurred:\n\t* permission denied\n\n"]}
        if found not in self.secrets:
            return 404, {"errors": []}
        fields = self.secrets[found]
        metadata = {"created_time": "2026-11-01T00:00:00Z", "deletion_time": "", "destroyed": False, "version": 3}
        if fields is None:
            return 404, {"data": {"data": None, "metadata": metadata | {"deletion_time": "2026-11-02T00:00:00Z"}}}
        return 200, {"request_id": "x", "lease_duration": 0, "data": {"data": fields, "metadata": metadata}}

    def _log_on(self, given: dict[str, str]) -> tuple[int, Any]:
        self.log_ons += 1
        if (given.get("role_id"), given.get("secret_id")) != self.role:
            return 400, {"errors": ["invalid role or secret ID"]}
        token = f"hvs.made-by-approle-{self.log_ons}"
        self.tokens[token] = set(self.secrets)
        return 200, {"auth": {"client_token": token, "lease_duration": self.lease, "renewable": True}}


class CyberArkCcp(_Serving):
    """`passwords`: (safe, folder, object) -> content; `apps`: those let in."""

    def __init__(self, certificate: Path | None = None) -> None:
        super().__init__(certificate)
        self.apps = {"rasoat"}
        self.passwords: dict[tuple[str, str, str], str] = {}
        self.changing: Any = "False"
        self.error: tuple[int, str] | None = None

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        parts = urlsplit(path)
        if parts.path != "/AIMWebService/api/Accounts":
            return 404, b"<html>no such page</html>"
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if self.error is not None:
            return self.error[0], {"ErrorCode": self.error[1], "ErrorMsg": f"{self.error[1]} and words of its own"}
        if asked.get("AppID") not in self.apps:
            return 403, {"ErrorCode": "APPAP133E", "ErrorMsg": "APPAP133E Failed to verify application authentication data"}
        found = self.passwords.get((asked.get("Safe", ""), asked.get("Folder", ""), asked.get("Object", "")))
        if found is None:
            return 404, {"ErrorCode": "APPAP004E", "ErrorMsg": "APPAP004E Password object matching query was not found"}
        return 200, {"Content": found, "UserName": "rasoat", "Address": "", "PasswordChangeInProcess": self.changing}
