"""Sealed snapshots that wait to be sent: one file each, oldest first.

A file is complete or not there: it is written beside, synced and renamed, so kill -9 or a power cut at any moment
leaves a valid spool. When the spool would grow beyond its cap, the oldest snapshot that a newer one of the same machine
supersedes gives way: posture is a state, and the newest state is worth most. Each one dropped is first written to
dropped.log, which `rasoat agent status` counts; nothing disappears silently. Where nothing is superseded, the new one
is refused instead.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from agent import files
from agent.language import _

_NAME = re.compile(r"^(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.(?P<machine>[0-9a-f]{12})\.sealed$")
MAX_REFUSED = 50
MAX_LOG = 1024 * 1024


class SpoolFull(Exception):
    """There is no room: the cap, and nothing superseded that could give way; or the disk. `str(error)` says which."""

    def __init__(self, message: str, disk: bool) -> None:
        super().__init__(message)
        self.disk = disk


class Waiting(NamedTuple):
    """One sealed snapshot in the spool."""

    id: str
    """Of the snapshot: UUID version 7, so that names sort by time."""
    machine: str
    """Digest of the machine's name: which snapshots supersede which."""
    path: Path
    size: int

    def read(self) -> bytes:
        return self.path.read_bytes()


class Spool:
    """The folder of what waits, and beside it the folder of what was refused for good."""

    def __init__(self, state: Path, cap: int) -> None:
        self.folder = state / "spool"
        self.refused = state / "refused"
        self.log = state / "dropped.log"
        self.cap = cap

    def prepare(self) -> None:
        """Make the folders, and clear what killed writers left."""
        for folder in (self.folder, self.refused):
            files.private_folder(folder)
            files.sweep(folder)

    def waiting(self) -> list[Waiting]:
        """What waits, oldest first."""
        return sorted(_entries(self.folder))

    def put(self, snapshot: str, machine: str, blob: bytes) -> None:
        """Keep a sealed snapshot until it is sent. Raises SpoolFull; then the spool is as it was."""
        entry = hashlib.sha256(machine.encode()).hexdigest()[:12]
        if len(blob) > self.cap:
            raise SpoolFull(
                _("the snapshot has %(size)d bytes, and the spool may hold %(cap)d") % {"size": len(blob), "cap": self.cap},
                disk=False,
            )
        victims = self._to_drop(entry, len(blob))
        try:
            files.write(self.folder / f"{snapshot}.{entry}.sealed", blob)
        except OSError as error:
            if error.errno in files.FULL:
                raise SpoolFull(_("%(folder)s: %(why)s") % {"folder": self.folder, "why": error.strerror}, disk=True) from None
            raise
        # only now: until the new one is safe, the older ones are the best there is
        for victim in victims:
            try:
                self._drop(victim, "superseded")
            except OSError as error:
                if error.errno not in files.FULL:
                    raise
                return  # no room for the line that says so: it stays, above the cap, until there is

    def _to_drop(self, machine: str, size: int) -> list[Waiting]:
        waiting = self.waiting()
        excess = sum(entry.size for entry in waiting) + size - self.cap
        victims: list[Waiting] = []
        newest = {entry.machine: entry.id for entry in waiting}
        for entry in waiting:
            if excess <= 0:
                break
            if entry.machine == machine or entry.id != newest[entry.machine]:
                victims.append(entry)
                excess -= entry.size
        if excess > 0:
            raise SpoolFull(
                _("the spool is full of snapshots that nothing newer replaces; its cap is %d bytes") % self.cap, disk=False
            )
        return victims

    def sent(self, entry: Waiting) -> None:
        """The collector has it."""
        entry.path.unlink(missing_ok=True)
        files.sync_folder(self.folder)

    def refuse(self, entry: Waiting, status: int, why: str) -> None:
        """The collector will never take it: keep it aside, with the reason, for a person to look at."""
        note = {"at": _now(), "status": status, "why": why}
        files.write(self.refused / f"{entry.id}.why", json.dumps(note, ensure_ascii=False).encode())
        if entry.path.exists():
            entry.path.replace(self.refused / entry.path.name)
        files.sync_folder(self.refused)
        files.sync_folder(self.folder)
        kept = sorted(_entries(self.refused))
        for old in kept[: max(0, len(kept) - MAX_REFUSED)]:
            self._drop(old, "refused long ago")
            (self.refused / f"{old.id}.why").unlink(missing_ok=True)

    def retry_refused(self) -> int:
        """Put what was refused back in the line; how many."""
        entries = sorted(_entries(self.refused))
        for entry in entries:
            entry.path.replace(self.folder / entry.path.name)
            (self.refused / f"{entry.id}.why").unlink(missing_ok=True)
        files.sync_folder(self.folder)
        return len(entries)

    def refusals(self) -> list[dict[str, Any]]:
        """Id, status and reason of each refused snapshot, oldest first."""
        found = []
        for entry in sorted(_entries(self.refused)):
            try:
                note = json.loads((self.refused / f"{entry.id}.why").read_bytes())
            except (OSError, ValueError):
                note = {}
            found.append({"id": entry.id, **(note if isinstance(note, dict) else {})})
        return found

    def dropped(self) -> int:
        """How many snapshots ever gave way to newer ones, or were removed long after they were refused."""
        try:
            lines = self.log.read_text("utf-8").splitlines()
        except OSError:
            return 0
        count, seen = 0, set()
        for line in lines:
            try:
                entry = json.loads(line)
                before, name = int(entry.get("before", 0)), entry.get("id")
            except (ValueError, AttributeError, TypeError):
                continue
            count += before
            if name and name not in seen:
                seen.add(name)
                count += 1
        return count

    def _drop(self, entry: Waiting, why: str) -> None:
        if self.log.exists() and self.log.stat().st_size > MAX_LOG:
            files.write(self.log, json.dumps({"at": _now(), "before": self.dropped()}).encode() + b"\n")
        line = {"at": _now(), "id": entry.id, "bytes": entry.size, "why": why}
        # the line first: a crash in between leaves the snapshot and a line too many, never neither
        files.append(self.log, json.dumps(line).encode() + b"\n")
        entry.path.unlink(missing_ok=True)


def _entries(folder: Path) -> Iterator[Waiting]:
    try:
        names = sorted(folder.iterdir())
    except FileNotFoundError:
        return
    for path in names:
        found = _NAME.match(path.name)
        if found:
            try:
                size = path.stat().st_size
            except FileNotFoundError:
                continue  # sent by another run meanwhile
            yield Waiting(found["id"], found["machine"], path, size)


def _now() -> str:
    return datetime.now(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
