"""The agent's own folder: who it is, what it last saw, what it last heard from the collector.

    identity.json     agent id, unit, collector, when enrolled           key          Ed25519 private key, 32 bytes
    last.json         the last scan judged, as `scan --format json`      contact.json last success and last failure of talking
    policy.json       what the collector last asked for                  packs/       baselines by digest
    spool/            sealed snapshots that wait to be sent              refused/     those the collector will never take

Everything is mode 0600 in a folder of mode 0700.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from agent import files
from agent.errors import Refusal
from agent.language import _

MAX_BYTES = 64 * 1024 * 1024


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

    def try_keep(self, name: str, value: dict[str, Any]) -> str | None:
        """Like `keep`; the reason instead of an error. For what is only shown, so that a full disk costs no delivery."""
        try:
            self.keep(name, value)
        except OSError as error:
            return error.strerror or str(error)
        return None

    def identity(self) -> dict[str, Any]:
        """Who this agent is. Raises Refusal when it is not enrolled."""
        found = self.read("identity.json")
        if not found or not self.key_file.exists():
            raise Refusal(_("this machine is not enrolled yet. Run: rasoat agent enrol URL --token-file FILE"))
        return found

    @property
    def key_file(self) -> Path:
        return self.folder / "key"

    def key(self) -> bytes:
        """The private key: 32 raw bytes. Raises Refusal when others could have read it."""
        found = self.key_file.stat()
        if found.st_mode & 0o077:
            raise Refusal(
                _("%s could be read by others, so it no longer proves anything. Remove it and enrol again with a new token.")
                % self.key_file
            )
        return self.key_file.read_bytes()

    def forget(self, name: str) -> None:
        """Remove one file, if it is there."""
        with contextlib.suppress(OSError):
            (self.folder / name).unlink(missing_ok=True)
