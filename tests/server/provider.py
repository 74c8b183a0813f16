"""A small OpenID Connect provider: HTTPS on loopback, real keys, codes that count once, PKCE, client secret."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import ssl
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from tests.server.certificates import Authority

CLIENT, SECRET = "rasoat", "a-secret-of-the-client"
Claims = dict[str, Any]


class Quiet(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that does not trust the certificate hangs up: that is what some tests want."""


class Provider:
    """`twist` changes the claims before they are signed; `seal` signs in place of the usual way."""

    def __init__(self, authority: Authority) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig", "alg": "RS256"})
        self.codes: dict[str, tuple[dict[str, str], Claims]] = {}
        self.asked: list[str] = []
        self.forget()
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*authority.issue("provider"))
        self.server = Quiet(("127.0.0.1", 0), handler(self))
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.server.daemon_threads = True
        self.issuer = f"https://localhost:{self.server.server_address[1]}/realms/so"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def forget(self) -> None:
        """As it was at the start."""
        self.twist: Callable[[Claims], object] = lambda claims: None
        self.seal: Callable[[Claims], str] = self.sign
        self.document: dict[str, Any] = {}
        self.userinfo: Claims | None = None
        self.broken = False
        self.asked.clear()

    def sign(self, claims: Claims, key: RSAKey | None = None, **header: Any) -> str:
        return jwt.encode({"alg": "RS256", "kid": "k1", **header}, claims, key or self.key)

    def metadata(self) -> dict[str, Any]:
        made = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo" if self.userinfo else None,
            "jwks_uri": f"{self.issuer}/keys",
            "end_session_endpoint": f"{self.issuer}/logout",
            "id_token_signing_alg_values_supported": ["RS256", "none", "HS256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }
        return {key: value for key, value in (made | self.document).items() if value is not None}

    def approve(self, address: str, sub: str, **claims: Any) -> dict[str, str]:
        """What a browser brings back from the page at `address`, where that person said yes."""
        asked = {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}
        assert asked["client_id"] == CLIENT
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(12)
        self.codes[code] = (asked, {"sub": sub, **claims})
        return {"code": code, "state": asked["state"], "iss": self.issuer}

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, Claims]:
        word = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if not secrets.compare_digest(authorization.encode(), word.encode()):
            return 401, {"error": "invalid_client"}
        asked, claims = self.codes.pop(form.get("code", ""), ({}, {}))
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        fits = base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == asked.get("code_challenge")
        if not fits or form.get("redirect_uri") != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        whole = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"], **claims}
        self.twist(whole)
        return 200, {"access_token": "a-token", "token_type": "Bearer", "expires_in": 60, "id_token": self.seal(whole)}

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            place = urlsplit(self.path).path.rpartition("/")[2]
            provider.asked.append(place)
            documents = {
                "openid-configuration": provider.metadata,
                "keys": lambda: KeySet([provider.key]).as_dict(private=False),
                "userinfo": lambda: provider.userinfo,
            }
            self.say(503 if provider.broken else 200, documents[place]())

        def do_POST(self) -> None:
            provider.asked.append("token")
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {key: values[0] for key, values in parse_qs(body).items()}
            self.say(*((503, {}) if provider.broken else provider.token(form, self.headers.get("Authorization", ""))))

        def say(self, status: int, document: Any) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: Any) -> None:
            pass

    return Answers
