"""The agent's own folder: who it is, what it last saw, what it last heard from the collector.

    identity.json     agent id, unit, collector, when enrolled           key          Ed25519 private key, 32 bytes
    last.json         the last scan judged, as `scan --format json`      contact.json last success and last failure of talking
    policy.json       what the collector last asked for                  packs/       baselines by digest
    spool/            sealed snapshots that wait to be sent              refused/     those the collector will never take

Everything is mode 0600 in a folder of mode 0700.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any

from agent import files, here
from agent.errors import Refusal
from agent.language import _

MAX_BYTES = 64 * 1024 * 1024
KEY_BYTES = 32
SUM, KEY_SUM = "sha256", "key_sha256"


class Damaged(Refusal):
    """A file that says who this is was kept and cannot be read: that is not the same as none."""


def sum_of(value: dict[str, Any]) -> str:
    """Of everything but the sum itself."""
    rest = {name: part for name, part in value.items() if name != SUM}
    return hashlib.sha256(json.dumps(rest, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


class State:
    """The folder, opened. Reading never makes it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def prepare(self) -> None:
        """Make the folder if need be, and clear what killed writers left. Raises Refusal when it cannot be used."""
        try:
            files.private_folder(self.folder)
            files.sweep(self.folder)
        except OSError as error:
            raise Refusal(
                _("the agent's folder %(folder)s cannot be used: %(why)s. Run as root, or name another one with --state-dir.")
                % {"folder": self.folder, "why": error.strerror}
            ) from None

    def read(self, name: str) -> dict[str, Any] | None:
        """The JSON object kept under a name; None when there is none. Damaged counts as none: it can be made anew."""
        try:
            found = json.loads((self.folder / name).read_bytes())
        except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
            return None
        except PermissionError:
            raise Refusal(_("%s may be read by root only: run this as root.") % (self.folder / name)) from None
        return found if isinstance(found, dict) else None

    def keep(self, name: str, value: dict[str, Any]) -> None:
        """Replace it as a whole. Raises OSError."""
        files.write(self.folder / name, json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1).encode())

    def keep_sound(self, name: str, value: dict[str, Any]) -> None:
        """Like `keep`, with a sum by which damage is seen, where a wrong letter would do harm. Raises OSError."""
        self.keep(name, value | {SUM: sum_of(value)})

    def sound(self, name: str, *strings: str) -> dict[str, Any] | None:
        """What `keep_sound` kept; None where there is none, or it is damaged or has not these strings. Without a sum: of an earlier version."""
        found = self.read(name)
        if found is None or found.get(SUM, sum_of(found)) != sum_of(found):
            return None
        return found if all(isinstance(found.get(one), str) and found[one] for one in strings) else None

    def try_keep(self, name: str, value: dict[str, Any]) -> str | None:
        """Like `keep`; the reason instead of an error. For what is only shown, so that a full disk costs no delivery."""
        try:
            self.keep(name, value)
        except OSError as error:
            return error.strerror or str(error)
        return None

    def identity(self) -> dict[str, Any]:
        """Who this agent is. Raises Refusal when it is not enrolled, Damaged when the file that says so is damaged."""
        found = self.sound("identity.json", "agent_id", "url")
        if found is None and (self.folder / "identity.json").exists():
            raise Damaged(
                _(
                    "%s is damaged. Remove it and enrol again with a new token: with the same key this stays the same machine, and what waits in the spool is sent."
                )
                % (self.folder / "identity.json")
            )
        if not found or not self.key_file.exists():
            raise Refusal(_("this machine is not enrolled yet. Run: rasoat agent enrol URL --token-file FILE"))
        return found

    @property
    def key_file(self) -> Path:
        return self.folder / "key"

    def key(self) -> bytes:
        """The private key: 32 raw bytes. Raises Refusal when others could have read it, or when it is not what was enrolled."""
        found = self.key_file.stat()
        if here.open_to_others(found.st_mode):
            raise Refusal(
                _("%s could be read by others, so it no longer proves anything. Remove it and enrol again with a new token.")
                % self.key_file
            )
        key = self.key_file.read_bytes()
        digest = hashlib.sha256(key).hexdigest()
        if len(key) != KEY_BYTES or (self.read("identity.json") or {}).get(KEY_SUM, digest) != digest:
            # what it would sign, the collector would refuse for good
            raise Refusal(
                _(
                    "%s is damaged: it is not the key that was enrolled. Remove it, and beside it the file that says who this is (identity.json, relay.json), and enrol again with a new token."
                )
                % self.key_file
            )
        return key

    def forget(self, name: str) -> None:
        """Remove one file, if it is there."""
        with contextlib.suppress(OSError):
            (self.folder / name).unlink(missing_ok=True)
