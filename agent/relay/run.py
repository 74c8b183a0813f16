"""`rasoat relay run` and `rasoat relay status`."""

from __future__ import annotations

import fcntl
import signal
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from agent.errors import Refusal
from agent.language import _
from agent.relay.forward import Forwarder
from agent.relay.server import Relay, Server
from agent.relay.settings import Identity, Settings, load
from agent.relay.store import Store
from agent.state import State
from agent.terminal import Progress

MIB = 1024 * 1024
SILENT = 3600


def run(folder: Path, progress: Progress) -> int:
    """Serve until told to stop. Whatever is on disk then is sent by the next start."""
    settings, identity = load(folder), Identity(State(folder))
    store = _store(folder, settings)
    store.prepare()
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refusal(_("another relay runs in %s already") % folder) from None
        relay = Relay(settings, identity, store)
        try:
            server = Server(relay)
        except OSError as error:
            raise Refusal(
                _("%(host)s:%(port)d cannot be listened on: %(why)s")
                % {"host": settings.host, "port": settings.port, "why": error.strerror or error}
            ) from None
        progress.say(_("Relay %(name)s listens on %(host)s:%(port)d for %(url)s") % {
            "name": identity.name, "host": settings.host, "port": server.server_address[1], "url": identity.url,
        })  # fmt: skip
        _serve(server, Forwarder(settings, identity, store))
    return 0


def _serve(server: Server, forwarder: Forwarder) -> None:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    serving = threading.Thread(target=server.serve_forever, name="serve", daemon=True)
    serving.start()
    forwarder.start()
    while not stop.wait(1):
        if not (serving.is_alive() and forwarder.is_alive()):
            break  # a bug ended one of them: systemd starts both again
    server.shutdown()
    forwarder.stop()
    server.server_close()
    if not stop.is_set():
        raise RuntimeError("a part of the relay ended by itself")


def gather(folder: Path) -> dict[str, Any]:
    """Everything `rasoat relay status` shows; needs no network and no running relay."""
    settings, state = load(folder), State(folder)
    identity = Identity(state)
    report = state.read("report.json") or {}
    return {
        "name": identity.name,
        "unit": identity.unit,
        "centre": identity.url,
        "fingerprint": identity.centre.fingerprint,
        "listens": f"{settings.host}:{settings.port}",
        "last_contact": report.get("contact"),
        "last_error": report.get("error") or None,
        **_store(folder, settings).summary(),
    }


def lines(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield _("relay"), _("%(name)s of %(unit)s for %(centre)s") % found
    yield _("listens on"), found["listens"]
    yield _("centre's keys"), found["fingerprint"]
    yield _("collector heard"), _moment(found["last_contact"])
    if found["last_error"]:
        yield _("last trouble"), found["last_error"]
    yield _("waiting"), _("%(waiting)d snapshots, %(bytes)d of %(cap)d bytes") % found
    if found["oldest"]:
        yield _("oldest since"), _moment(found["oldest"])
    if found["dropped"]:
        yield _("dropped"), _("%d for want of room; their machines keep them and offer them again") % found["dropped"]
    yield _("machines known"), str(found["agents"])
    if time.time() - (found["last_contact"] or 0) > SILENT:
        yield _("attention"), _("the centre has not been reached for more than an hour")


def _moment(at: float | None) -> str:
    return datetime.fromtimestamp(int(at)).astimezone().strftime("%Y-%m-%d %H:%M:%S %z") if at else _("never")


def _store(folder: Path, settings: Settings) -> Store:
    return Store(folder, int(settings.spool_mb * MIB), int(settings.free_mb * MIB))
