"""Enrolment: make a key on this machine, show a one-time token, become known to the collector.

The private key never leaves the machine. It is written before the collector is asked: if the answer gets lost, the same
key with the same token is recognised, and no second agent appears.
"""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent import files, here
from agent.errors import Refusal, Undelivered
from agent.language import _
from agent.state import KEY_SUM, State
from agent.terminal import Progress, complain

if TYPE_CHECKING:
    from agent.config import Config


def token_from(flag: str | None, file: Path | None) -> str:
    """The token: from --token-file (or - for stdin), RASOAT_TOKEN, or --token. Raises Refusal when there is none."""
    if file is not None:
        try:
            if str(file) == "-":
                found = sys.stdin.readline()
            else:
                found = file.read_text("utf-8")
                if here.open_to_others(file.stat().st_mode, stat.S_IRGRP | stat.S_IROTH):
                    complain(_("%s may be read by others; remove it once this machine is enrolled.") % file)
        except (OSError, UnicodeDecodeError) as error:
            raise Refusal(
                _("%(file)s cannot be read: %(why)s") % {"file": file, "why": getattr(error, "strerror", None) or error}
            ) from None
    else:
        found = flag or os.environ.get("RASOAT_TOKEN", "")
    if not found.strip():
        raise Refusal(
            _(
                "no token. Ask your administrator for one (rasoat server token), then give it with --token-file, RASOAT_TOKEN or --token."
            )
        )
    return found.strip()


def enrol(
    url: str, token: str, ca_file: Path | None, name: str | None, kind: str | None, config: Config, progress: Progress
) -> dict[str, Any]:
    """Become an agent of that collector. Raises Refusal when it refuses, Undelivered when it cannot be reached."""
    from agent.centre import ask_sealed, meet, named_in
    from agent.looking import guessed
    from agent.upload import Collector, Offline
    from collectors.facts.identity import Identity
    from collectors.model import Target
    from collectors.run import collect

    state = State(config.state_dir)
    collector = Collector(url, ca_file, config.proxy)
    state.prepare()
    if state.read("identity.json"):
        raise Refusal(_("this machine is enrolled already (%s). To enrol it anew, remove that folder first.") % state.folder)
    public = make_key(state)
    snapshot = collect(Target(name="localhost"), here.own_shell(), only=("identity",))
    identity = snapshot.told(Identity)
    hostname = identity.hostname if identity else socket.gethostname()
    asked = {
        "token": token,
        "name": name or hostname,
        "kind": kind or str(guessed(snapshot)),
        "public_key": base64.b64encode(public).decode(),
        "identity": {
            "hostname": hostname,
            "machine_id": identity.machine_id if identity else None,
            "os_name": identity.os_name if identity else "",
        },
    }
    fingerprint, centre, relay = named_in(token), None, False
    try:
        if fingerprint:
            centre, relay = meet(collector, fingerprint)
            reply = ask_sealed(collector, centre, "/api/v1/enrol", _json(asked))
        else:
            reply = collector.ask("POST", "/api/v1/enrol", _json(asked), {"Content-Type": "application/json"})
    except Offline as offline:
        raise Undelivered(_("not enrolled: %s. The token was not used up; try again.") % offline) from None
    if reply.status != 201:
        raise Refusal(_("the collector refuses: %s") % reply.complaint)
    answer = reply.document
    if not isinstance(answer.get("agent_id"), str) or not answer["agent_id"]:
        raise Undelivered(_("not enrolled: the collector's answer is not understood."))
    if ca_file is not None:
        files.write(state.folder / "ca.pem", ca_file.read_bytes())
    known: dict[str, Any] = {
        "agent_id": answer["agent_id"],
        "unit": str(answer.get("unit", "")),
        "url": collector.url,
        "name": asked["name"],
        "enrolled_at": str(answer.get("server_time", "")),
        KEY_SUM: hashlib.sha256(state.key_file.read_bytes()).hexdigest(),  # of 32 random bytes: gives nothing away
    }
    if centre is not None:
        known |= {"centre": centre.document(), "relay": relay}
    state.keep_sound("identity.json", known)
    return known


def make_key(state: State) -> bytes:
    """The public half of this machine's key, which is made if there is none."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    try:
        private = Ed25519PrivateKey.from_private_bytes(state.key())
    except (FileNotFoundError, ValueError):
        private = Ed25519PrivateKey.generate()
        files.write(state.key_file, private.private_bytes_raw())
    return private.public_key().public_bytes_raw()


def _json(value: dict[str, Any]) -> bytes:
    import json

    return json.dumps(value, ensure_ascii=False).encode()
