"""The relay's side towards hosts: the centre's own addresses, answered from what it said, or kept for it.

    GET  healthz                     the process answers, and how much waits
    GET  api/v1/centre               the centre's public keys; the fingerprint in the host's token decides whether they are
    POST api/v1/enrol                passed on at once or not at all: a machine cannot be let in while nobody can ask
    POST api/v1/snapshots            202, on disk: ours to carry. 200 when the centre's receipt is here already
    GET  api/v1/agents/me/work       the centre's answer, or the last one it signed for this agent
    GET  api/v1/agents/me/receipts   what the centre said of the agent's snapshots, and which still wait
    GET  api/v1/packs/DIGEST         once fetched, for all

Nothing is taken unsealed: a snapshot that this machine could read would be one that its thief could read.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
import socket
import ssl
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from agent.relay.forward import Upstream, signed
from agent.relay.settings import Identity, Settings
from agent.relay.store import ID, Full, Store, is_pack
from agent.upload import Offline, Reply
from collectors.centre import FOR_CENTRE, MAX_EXTRA, SIGNED, CentreError, Envelope, read_envelope, sent_by
from collectors.seal import MAX_SEALED, check_request

API = "/api/v1"
MAX_ENROL = 64 * 1024
SKEW = 600
LONGEST = 300.0
"""Seconds after which a connection is cut, whatever it does."""
SHARE = 2
"""One address may hold so large a part of the connections: one over so many. Whole sites come from behind one address."""
LATER = 300
"""Seconds after which a host is told to come again."""
_QUESTION = re.compile(r"Rasoat ([0-9a-f-]{36}):([0-9]{1,12}):([A-Za-z0-9+/=]{86,90})")
_PACK = re.compile(r"/packs/([0-9a-f]{64})")
_MACHINE = re.compile(r"[0-9a-f]{0,12}")


class Relay:
    """What its threads share."""

    def __init__(self, settings: Settings, identity: Identity, store: Store) -> None:
        self.settings, self.identity, self.store = settings, identity, store
        self.line = Upstream(settings, identity)


class Server(ThreadingHTTPServer):
    """A thread per connection, so many at most; a handshake that hangs holds its own thread and nobody else's."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, relay: Relay) -> None:
        settings = relay.settings
        self.address_family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        self.relay = relay
        self._slots = threading.BoundedSemaphore(settings.connections)
        self._open: dict[socket.socket, tuple[float, str]] = {}
        self._tls: ssl.SSLContext | None = None
        if settings.certificate:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
            self._tls.load_cert_chain(settings.certificate, settings.private_key or None)
        super().__init__((settings.host, settings.port), Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        peer = client_address[0]
        theirs = sum(1 for _since, other in list(self._open.values()) if other == peer)
        if theirs >= self.relay.settings.connections // SHARE or not self._slots.acquire(blocking=False):
            self.shutdown_request(request)
            return
        self._open[request] = time.monotonic(), peer
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        plain = request
        try:
            if self._tls is not None:
                plain.settimeout(Handler.timeout)
                request = self._tls.wrap_socket(plain, server_side=True)
                self._open[request] = self._open.pop(plain, (time.monotonic(), client_address[0]))
            super().process_request_thread(request, client_address)
        except OSError:
            self.shutdown_request(request)  # somebody who speaks no TLS, or went away
        finally:
            self._open.pop(plain, None)
            self._open.pop(request, None)
            self._slots.release()

    def service_actions(self) -> None:
        """Cut what has been open for too long: a sender of one byte a minute must not hold a thread for ever."""
        limit = time.monotonic() - LONGEST
        for connection, (since, _peer) in list(self._open.items()):
            if since < limit:
                self._open.pop(connection, None)
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke is its host's affair; a bug is not."""
        import sys
        import traceback

        if not isinstance(sys.exc_info()[1], OSError):
            traceback.print_exc()


class Handler(BaseHTTPRequestHandler):
    """One request of a host."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "rasoat-relay"
    sys_version = ""
    timeout = 30
    disable_nagle_algorithm = True
    skew = 0.0

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: what hosts ask for says who they are, and a log grows."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        # while the centre answers, its clock is the one by which hosts sign
        return formatdate((time.time() if timestamp is None else timestamp) + self.skew, usegmt=True)

    def do_GET(self) -> None:
        relay, path = self.server.relay, self._path()
        if self.path == "/healthz":
            waiting = len(relay.store.spool.waiting())
            self._answer(200, {"relay": relay.identity.name, "waiting": waiting})
        elif path == "/centre":
            self._answer(200, relay.identity.centre.document() | {"relay": relay.identity.name})
        elif path == "/agents/me/work":
            self._work()
        elif path == "/agents/me/receipts":
            self._receipts()
        elif path is not None and (pack := _PACK.fullmatch(path)):
            self._pack(pack[1])
        else:
            self._answer(404, {"error": "not-found", "message": "this is a relay; only agents have business here"})

    def do_POST(self) -> None:
        path = self._path()
        sizes = {"/enrol": MAX_ENROL, "/snapshots": MAX_SEALED + MAX_EXTRA}
        if path not in sizes:
            self.close_connection = True
            self._answer(404, {"error": "not-found", "message": "this is a relay; only agents have business here"})
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > sizes[path]:
            self.close_connection = True
            self._answer(
                413, {"error": "too-large", "message": f"at most {sizes[path]} bytes are taken, and their number is said"}
            )
            return
        if self.headers.get("Content-Type") != FOR_CENTRE:
            self.close_connection = True
            why = "a relay takes only what is sealed for the centre: enrol this machine anew with a token of four parts"
            self._answer(403, {"error": "not-sealed", "message": why})
            return
        body = self.rfile.read(int(length))
        if len(body) != int(length):
            self.close_connection = True
            return
        if path == "/enrol":
            self._enrol(body)
        else:
            self._snapshot(body)

    def _path(self) -> str | None:
        whole = self.server.relay.line.base + API
        path = urlsplit(self.path).path
        return path.removeprefix(whole) if path.startswith(whole + "/") else None

    def _enrol(self, body: bytes) -> None:
        if (reply := self._pass("POST", API + "/enrol", body, Content_Type=FOR_CENTRE)) is not None:
            self._repeat(reply)

    def _snapshot(self, body: bytes) -> None:
        relay = self.server.relay
        try:
            envelope = read_envelope(body)
        except CentreError as error:
            self._answer(400, {"error": error.code, "message": str(error)})
            return
        if not ID.fullmatch(envelope.agent) or not ID.fullmatch(envelope.about) or not _MACHINE.fullmatch(envelope.machine):
            self._answer(400, {"error": "damaged", "message": "this is not sealed by an agent"})
            return
        if envelope.key != relay.identity.centre.fingerprint:
            self._answer(400, {"error": "other-centre", "message": "this was sealed for another centre than this relay's"})
            return
        key = relay.store.key_of(envelope.agent)
        if key is not None and not sent_by(envelope, key):
            self._answer(401, {"error": "forged", "message": "it does not bear the signature of the agent it names"})
            return
        if (receipt := relay.store.stored(envelope.agent, envelope.about)) is not None:
            self._answer(200, receipt, SIGNED)
            return
        self._keep(envelope, body, stranger=key is None)

    def _keep(self, envelope: Envelope, body: bytes, stranger: bool) -> None:
        relay = self.server.relay
        try:
            relay.store.take(envelope, body, stranger)
        except (Full, OSError) as full:
            self._answer(503, {"error": "full", "message": str(full)}, Retry_After=str(LATER))
            return
        self._answer(202, {"id": envelope.about, "custody": relay.identity.name})

    def _work(self) -> None:
        relay, agent = self.server.relay, self._agent()
        if agent is None:
            return
        about = f"GET {self.path}"
        reply = None if relay.line.resting else self._try("GET", self._beyond(), Accept=SIGNED)
        if reply is not None:
            answer = signed(relay.identity, reply)
            if answer is not None and answer.agent == agent and answer.about == about:
                relay.store.heard(answer, reply.document, keep="work" if answer.status == 200 else "")
            self._repeat(reply)
            return
        kept = relay.store.agent(agent).get("work")
        if not self._in_time():
            return
        if kept and kept.get("about") == about:
            self._answer(200, kept["document"], SIGNED, Age=str(max(0, int(time.time() - kept.get("at", 0)))))
        else:
            self._later("the centre cannot be reached, and it has said nothing of this machine here before")

    def _receipts(self) -> None:
        relay, agent = self.server.relay, self._agent()
        if agent is None:
            return
        known = relay.store.key_of(agent) is not None
        if known and not self._in_time():
            return
        ids = [name for part in parse_qs(urlsplit(self.path).query).get("ids", []) for name in part.split(",")][:50]
        found = relay.store.receipts(agent, ids) if known else {}
        waiting = relay.store.holds([name for name in ids if name not in found])
        if not known or len(found) + len(waiting) < len(ids):
            # neither here nor acknowledged here: the centre may have them all the same
            reply = None if relay.line.resting else self._try("GET", self._beyond())
            if not known and (reply is None or reply.status != 200):
                self._later("the centre has not spoken of this machine here yet") if reply is None else self._repeat(reply)
                return
            more = reply.document.get("receipts") if reply is not None and reply.status == 200 else None
            if isinstance(more, dict):
                found = {name: entry for name, entry in more.items() if name in ids} | found
        self._answer(200, {"receipts": found, "waiting": [name for name in waiting if name not in found]})

    def _pack(self, digest: str) -> None:
        relay = self.server.relay
        if self._agent() is None:
            return
        if (kept := relay.store.pack(digest)) is not None:
            self._answer(200, kept)
            return
        if (reply := self._pass("GET", self._beyond())) is None:
            return
        if reply.status == 200 and is_pack(digest, reply.document):
            relay.store.keep_pack(digest, reply.document)
        self._repeat(reply)

    def _agent(self) -> str | None:
        """Who asks. Where the centre has spoken of that agent before, its signature is looked at here; else the centre does."""
        found = _QUESTION.fullmatch(self.headers.get("Authorization", ""))
        if found is None:
            self._answer(401, {"error": "unsigned", "message": "the request carries no agent's signature"})
            return None
        key = self.server.relay.store.key_of(found[1])
        try:
            signature = base64.b64decode(found[3], validate=True)
        except ValueError:
            signature = b""
        if key is not None and not check_request(key, found[1], "GET", self.path, int(found[2]), signature):
            self._answer(401, {"error": "forged", "message": "the signature does not belong to this agent's key"})
            return None
        return found[1]

    def _in_time(self) -> bool:
        """For what is answered from here: by an agent the centre has vouched for, and now."""
        found = _QUESTION.fullmatch(self.headers.get("Authorization", ""))
        if found is None or self.server.relay.store.key_of(found[1]) is None:
            self._later("the centre has not spoken of this machine here yet")
            return False
        if abs(time.time() - int(found[2])) > SKEW:
            self._answer(401, {"error": "clock", "message": "the request is signed for another time"})
            return False
        return True

    def _beyond(self) -> str:
        return self.path.removeprefix(self.server.relay.line.base)

    def _pass(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply | None:
        """The centre's answer; None when it gave none, which the host has been told."""
        reply = self._try(method, path, body, **headers)
        if reply is None:
            self._later("the centre cannot be reached")
        return reply

    def _try(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply | None:
        if authorization := self.headers.get("Authorization"):
            headers["Authorization"] = authorization
        try:
            reply = self.server.relay.line.ask(method, path, body, _address(self.client_address[0]), **headers)
        except Offline:
            return None
        if str(reply.document.get("error", "")).startswith(("relay-", "unknown-relay")):
            return None  # our own trouble with the centre, not the host's
        self.skew = reply.skew
        return reply

    def _repeat(self, reply: Reply) -> None:
        self._answer(reply.status, reply.document, SIGNED if "sig" in reply.document else "application/json")

    def _later(self, why: str) -> None:
        self._answer(503, {"error": "no-line", "message": why}, Retry_After=str(LATER))

    def _answer(self, status: int, document: dict[str, Any], media_type: str = "application/json", **headers: str) -> None:
        body = json.dumps(document, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


def _address(text: str) -> str:
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)
