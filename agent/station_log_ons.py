"""What a station remembers of log-ons that failed, so that the next run does not try the same wrong password again.

log_ons.json holds host, port, user, site, and a stamp by which a corrected password is known for another one: 16 bits of a
digest keyed with this agent's private key. That is too little to find the password from, and misses a correction once in
65,536 times; `rasoat agent once --retry-log-ons` forgets all of it.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agent.state import State
from collectors.credential import Credential
from collectors.errors import CollectError
from collectors.inventory import Inventory
from collectors.log_ons import LogOns, Refused, port_of
from collectors.model import Target

FILE = "log_ons.json"


class Remembered(LogOns):
    """The log-ons of all runs of a station."""

    def __init__(self, state: State, listed: Inventory, key: bytes) -> None:
        self._state = state
        self._key = key
        self._inventory = listed
        self._stamps: dict[str, str | None] = {}
        self._names: dict[tuple[str, int, str], set[str]] = {}
        for target in listed.targets:
            self._names.setdefault(_account(listed, target), set()).add(target.credential or "")
        self._entries = [entry for entry in kept(state) if self._stands(entry)]
        super().__init__(_refused(entry) for entry in self._entries)

    def note(self, refused: Refused) -> None:
        # sites begin with the credential: see sites_of
        stamp = self._stamp(refused.sites[0].removeprefix("credential "))
        self._entries.append({**refused._asdict(), "sites": list(refused.sites), "stamp": stamp, "at": int(time.time())})
        # at once: a run that is killed now must not forget it
        self._state.try_keep(FILE, {"refused": self._entries})

    def settle(self) -> None:
        """Forget what was corrected."""
        if len(kept(self._state)) != len(self._entries):
            self._state.try_keep(FILE, {"refused": self._entries})

    def _stands(self, entry: dict[str, Any]) -> bool:
        """The account is still in the targets file, and nobody has changed its password; where that cannot be read, nobody has."""
        names = self._names.get(_refused(entry).account, set())
        return any(self._stamp(name) in (None, entry.get("stamp")) for name in names)

    def _stamp(self, name: str) -> str | None:
        if name not in self._stamps:
            self._stamps[name] = _stamp(self._key, self._inventory.credentials.get(name))
        return self._stamps[name]


def kept(state: State) -> list[dict[str, Any]]:
    """The refusals on file."""
    found = (state.read(FILE) or {}).get("refused")
    return [entry for entry in found if _sound(entry)] if isinstance(found, list) else []


def stopped(entries: list[dict[str, Any]]) -> Iterator[tuple[str, int]]:
    """(site, failures) of each site where log-ons have failed."""
    count: dict[str, int] = {}
    for entry in entries:
        for site in entry["sites"]:
            count[site] = count.get(site, 0) + 1
    yield from sorted(count.items())


def _sound(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and all(isinstance(entry.get(name), str) for name in ("host", "user"))
        and isinstance(entry.get("port"), int)
        and isinstance(entry.get("sites"), list)
        and bool(entry["sites"])
        and all(isinstance(site, str) for site in entry["sites"])
    )


def _refused(entry: dict[str, Any]) -> Refused:
    return Refused(entry["host"], entry["port"], entry["user"], tuple(entry["sites"]))


def _account(listed: Inventory, target: Target) -> tuple[str, int, str]:
    credential = listed.credentials.get(target.credential or "")
    return (target.address or target.name).lower(), port_of(target), credential.user if credential else ""


def _stamp(key: bytes, credential: Credential | None) -> str | None:
    """None: the secret cannot be had now."""
    if credential is None:
        return None
    try:
        secrets = (credential.password(), credential.enable_password())
        own = Path(credential.key_file).expanduser().read_bytes() if credential.key_file else b""
    except (CollectError, OSError):
        return None
    digest = hmac.new(key, b"log-on stamp\0", hashlib.sha256)
    for part in (credential.user.encode(), own, *((secret or "").encode() for secret in secrets)):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:4]
