"""Becoming a relay, and its systemd unit."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from agent import files
from agent.centre import ask_sealed, meet, named_in
from agent.enrol import make_key
from agent.errors import Refusal, Undelivered
from agent.language import _
from agent.relay.settings import FILE, IDENTITY, TEMPLATE, load
from agent.state import State
from agent.upload import Collector, Offline

UNIT = "rasoat-relay.service"


def enrol(folder: Path, url: str, token: str, given: dict[str, Any]) -> dict[str, Any]:
    """Make a key, show the invitation, become known. Raises Refusal, Undelivered."""
    state = State(folder)
    state.prepare()
    if state.read(IDENTITY):
        raise Refusal(_("there is a relay in %s already. To enrol it anew, remove that folder first.") % folder)
    fingerprint = named_in(token)
    if not token.startswith("rr1.") or not fingerprint:
        raise Refusal(_("this is no invitation for a relay. An administrator makes one with: rasoat server relay new NAME"))
    ca_file = given.get("ca_file")
    collector = Collector(url, Path(ca_file) if ca_file else None)
    centre, relay = meet(collector, fingerprint)
    if relay:
        raise Refusal(_("%s is itself a relay. Give the centre's own address: relays do not stand in line.") % url)
    asked = {"token": token, "public_key": base64.b64encode(make_key(state)).decode()}
    try:
        reply = ask_sealed(collector, centre, "/api/v1/relays/enrol", json.dumps(asked).encode())
    except Offline as offline:
        raise Undelivered(_("not enrolled: %s. The token was not used up; try again.") % offline) from None
    if reply.status != 201:
        raise Refusal(_("the collector refuses: %s") % reply.complaint)
    if not (folder / FILE).exists():
        text = TEMPLATE.format(**{"host": "127.0.0.1", "port": 8341, "certificate": "", "private_key": "", "ca_file": ""} | given)
        files.write(folder / FILE, text.encode())
    known = {name: str(reply.document[name]) for name in ("relay_id", "name", "unit")}
    state.keep_sound(IDENTITY, known | {"url": collector.url, "centre": centre.document()})
    load(folder)  # what is wrong with relay.yaml is said now
    return known


def unit(command: str, folder: Path) -> str:
    """The text of the systemd unit. As root, but without any of root's powers over what is not its own."""
    return f"""\
[Unit]
Description=rasoat relay: keep what hosts send, and pass it on to the centre
Wants=network-online.target
After=network-online.target

[Service]
ExecStart={command} relay run --quiet --state-dir {folder}
Restart=always
RestartSec=5
MemoryMax=512M
TasksMax=600
LimitNOFILE=4096
UMask=0077
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectSystem=strict
ReadWritePaths={folder}
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service

[Install]
WantedBy=multi-user.target
"""
