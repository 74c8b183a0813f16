"""What a relay keeps: snapshots on their way to the centre, and of each agent what the centre last said to it.

    spool/            one sealed envelope per file, by the same rules as an agent's own spool
    agents/<id>.json  the agent's public key, the centre's last instructions to it, receipts it has not fetched

Everything about an agent comes from an answer that the centre signed. What an agent sends before the centre was ever heard
of it is taken too, but may fill an eighth of the room only: a stranger cannot push out what hosts delivered. Nor can a host.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import shutil
import threading
import time
from pathlib import Path
from typing import Any

from agent import files
from agent.spool import Spool, SpoolFull, Waiting
from agent.state import SUM, State
from collectors.centre import MAX_HEADER, Answer, CentreError, Envelope, read_envelope

ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
STRANGERS, ANYBODY = 8, 4
"""Parts of the room that those the centre has not spoken of may fill together, and that any one agent may: one over so many."""
RECEIPT_DAYS = 14
MOST_RECEIPTS = 200
STORED, BASE_UNKNOWN = (200, 201), 412
"""What the centre says of one that it has, and of a difference to one that it has not."""
LAZY = 600
PACKS = 20


class Full(Exception):
    """There is no room; `str(error)` says which kind. The sender keeps it."""


class Held(Spool):
    """A spool that knows by heart what lies in it: a relay is asked for it with every delivery."""

    def __init__(self, state: Path, cap: int) -> None:
        super().__init__(state, cap)
        self._known: dict[str, Waiting] | None = None
        self._sorted: list[Waiting] | None = None

    def waiting(self) -> list[Waiting]:
        if self._known is None:
            self._known = {entry.path.name: entry for entry in super().waiting()}
        if self._sorted is None:
            self._sorted = sorted(self._known.values())
        return self._sorted

    def keep(self, snapshot: str, machine: str, blob: bytes) -> Waiting:
        """Like `put`; what was kept."""
        self.put(snapshot, machine, blob)
        digest = self.entry(machine)
        kept = Waiting(snapshot, digest, self.folder / f"{snapshot}.{digest}.sealed", len(blob))
        self.waiting()
        assert self._known is not None
        self._known[kept.path.name] = kept
        self._sorted = None
        return kept

    @staticmethod
    def entry(machine: str) -> str:
        return hashlib.sha256(machine.encode()).hexdigest()[:12]

    def sent(self, entry: Waiting) -> None:
        super().sent(entry)
        self._forget(entry)

    def drop(self, entry: Waiting, why: str) -> None:
        """It gives way; the log says so first."""
        self._drop(entry, why)

    def _drop(self, entry: Waiting, why: str) -> None:
        super()._drop(entry, why)
        self._forget(entry)

    def _forget(self, entry: Waiting) -> None:
        if self._known is not None:
            self._known.pop(entry.path.name, None)
        self._sorted = None


class Store:
    """For several threads: one lock over the spool, and agents' files replaced whole."""

    def __init__(self, folder: Path, cap: int, least_free: int) -> None:
        self.state = State(folder)
        self.spool = Held(folder, cap)
        self.agents = folder / "agents"
        self.packs = folder / "packs"
        self.least_free = least_free
        self.lock = threading.RLock()
        self.arrived = threading.Event()
        self._owners: dict[str, str] = {}
        self._passed: dict[str, str] = {}
        self._known: dict[str, dict[str, Any]] = {}

    def prepare(self) -> None:
        self.state.prepare()
        self.spool.prepare()
        for folder in (self.agents, self.packs):
            files.private_folder(folder)
            files.sweep(folder)
        for entry in self.spool.waiting():
            with contextlib.suppress(OSError, CentreError), entry.path.open("rb") as file:
                self._owners[entry.path.name] = read_envelope(file.read(MAX_HEADER)).agent

    def take(self, envelope: Envelope, blob: bytes, stranger: bool) -> None:
        """Keep it, on disk before this returns. Raises Full."""
        with self.lock:
            if shutil.disk_usage(self.spool.folder).free - len(blob) < self.least_free:
                raise Full("this relay's disk is nearly full")
            if stranger and self._of_strangers() + len(blob) > self.spool.cap // STRANGERS:
                raise Full("too much waits here from machines this relay has not heard the centre speak of")
            victims = self._own_victims(envelope, len(blob))
            try:
                kept = self.spool.keep(envelope.about, f"{envelope.agent}/{envelope.machine}", blob)
            except SpoolFull as full:
                raise Full(str(full)) from None
            self._owners[kept.path.name] = envelope.agent
            # only now: until the new one is safe, the older ones are the best there is
            for victim in victims:
                self.spool.drop(victim, "superseded")
        self.arrived.set()

    def _own_victims(self, envelope: Envelope, size: int) -> list[Waiting]:
        """What of the agent's own gives way for its newest, where it has filled its part of the room. Raises Full."""
        own = [entry for entry in self.spool.waiting() if self._owners.get(entry.path.name) == envelope.agent]
        excess = sum(entry.size for entry in own) + size - self.spool.cap // ANYBODY
        newest = {entry.machine: entry.id for entry in own} | {Held.entry(f"{envelope.agent}/{envelope.machine}"): envelope.about}
        victims: list[Waiting] = []
        for entry in own:
            if excess <= 0:
                break
            if entry.id < newest[entry.machine]:
                victims.append(entry)
                excess -= entry.size
        if excess > 0 and len(victims) < len(own):
            raise Full("too much of this machine waits here already")
        return victims

    def _of_strangers(self) -> int:
        """Bytes that wait of agents of whom the centre was never heard to speak."""
        known: dict[str, bool] = {}
        total = 0
        for entry in self.spool.waiting():
            owner = self._owners.get(entry.path.name, "")
            if owner not in known:
                known[owner] = self.key_of(owner) is not None
            total += 0 if known[owner] else entry.size
        return total

    def next(self, bulk: bool) -> Waiting | None:
        """What to send now: the newest of each machine first, then the rest, oldest first; the rest only when `bulk`."""
        with self.lock:
            waiting = self.spool.waiting()
            newest = {entry.machine: entry for entry in waiting}
            fresh = [entry for entry in newest.values() if entry.id > self._passed.get(entry.machine, "")]
        if fresh:
            return min(fresh)
        return waiting[0] if bulk and waiting else None

    def done(self, entry: Waiting) -> None:
        with self.lock:
            self.spool.sent(entry)
            self._passed[entry.machine] = max(entry.id, self._passed.get(entry.machine, ""))
            self._owners.pop(entry.path.name, None)

    def holds(self, ids: list[str]) -> list[str]:
        """Which of them wait here for the centre. By the id alone: nobody learns more than that he asked for the right one."""
        with self.lock:
            here = {entry.id for entry in self.spool.waiting()}
        return [name for name in ids if name in here]

    # what the centre said of an agent

    def agent(self, agent: str) -> dict[str, Any]:
        """What is known; empty for a stranger."""
        if not ID.fullmatch(agent):
            return {}
        with self.lock:
            if agent not in self._known:
                found = State(self.agents).sound(f"{agent}.json")
                if found is None or SUM not in found:
                    # damaged: with a wrong key or a wrong receipt its agent would be turned away for ever. The centre tells it again
                    return {}
                self._known[agent] = found
            return self._known[agent]

    def key_of(self, agent: str) -> bytes | None:
        try:
            return base64.b64decode(self.agent(agent)["key"], validate=True) or None
        except (KeyError, ValueError, TypeError):
            return None

    def heard(self, answer: Answer, document: dict[str, Any], keep: str = "") -> None:
        """The centre said this. `keep`: as what to keep it; of a revoked agent nothing stays."""
        if not ID.fullmatch(answer.agent):
            return
        with self.lock:
            if answer.status == 401 and answer.body.get("error") == "revoked":
                self._known.pop(answer.agent, None)
                (self.agents / f"{answer.agent}.json").unlink(missing_ok=True)
                return
            known = dict(self.agent(answer.agent))
            if not answer.key and "key" not in known:
                return
            changed: dict[str, Any] = {"key": answer.key or known["key"]}
            if keep:
                saved = (known.get("work") or {}).get("saved", 0)
                changed["work"] = {"about": answer.about, "at": answer.at, "saved": saved, "document": document}
            same = known.get("key") == changed["key"] and abs(answer.at - (known.get("work") or {}).get("saved", 0)) < LAZY
            if same or known == known | changed:
                # in memory at once, on disk now and then: agents take what is a little older than they had
                self._known[answer.agent] = known | changed
                return
            if keep:
                changed["work"]["saved"] = answer.at
            self._write(answer.agent, known | changed)

    def receipt(self, answer: Answer, document: dict[str, Any]) -> None:
        """Keep the centre's word on a snapshot until its agent asks. On disk before this returns."""
        with self.lock:
            known = dict(self.agent(answer.agent))
            if not answer.key and "key" not in known:
                return
            oldest = time.time() - RECEIPT_DAYS * 86400
            kept = {name: entry for name, entry in (known.get("receipts") or {}).items() if entry.get("at", 0) > oldest}
            if answer.status == BASE_UNKNOWN:
                # its database was put back to an earlier day: what it said it has, it may have no more, and its agent sends it again
                kept = {name: entry for name, entry in kept.items() if entry.get("status") not in STORED}
            kept[answer.about] = {"at": answer.at, "status": answer.status, "document": document}
            for name in sorted(kept)[: max(0, len(kept) - MOST_RECEIPTS)]:
                del kept[name]
            self._write(answer.agent, known | {"key": answer.key or known["key"], "receipts": kept})

    def receipts(self, agent: str, ids: list[str]) -> dict[str, dict[str, Any]]:
        kept = self.agent(agent).get("receipts") or {}
        return {name: kept[name]["document"] for name in ids if name in kept}

    def stored(self, agent: str, snapshot: str) -> dict[str, Any] | None:
        """The receipt of one that the centre has; None when it has not, or refused it."""
        entry = (self.agent(agent).get("receipts") or {}).get(snapshot)
        return entry["document"] if entry and entry.get("status") in STORED else None

    def _write(self, agent: str, known: dict[str, Any]) -> None:
        """In memory in any case. Where the disk is full, only there: what is forgotten then, the centre says again."""
        self._known[agent] = known
        try:
            State(self.agents).keep_sound(f"{agent}.json", known)
        except OSError as error:
            if error.errno not in files.FULL:
                raise

    # packs: whoever uses one checks its digest

    def pack(self, digest: str) -> dict[str, Any] | None:
        """One that was damaged here is none: it would be handed to every host for good, and each would refuse it."""
        found = State(self.packs).read(f"{digest}.json")
        return found if found is not None and is_pack(digest, found) else None

    def keep_pack(self, digest: str, document: dict[str, Any]) -> None:
        if State(self.packs).try_keep(f"{digest}.json", document) is None:
            kept = sorted(self.packs.glob("*.json"), key=lambda path: path.stat().st_mtime)
            for path in kept[: max(0, len(kept) - PACKS)]:
                path.unlink(missing_ok=True)

    def summary(self) -> dict[str, Any]:
        """What the centre and a person are told."""
        with self.lock:
            waiting = self.spool.waiting()
            # since when here: the id's own time is of the host's clock
            oldest = min((entry.path.stat().st_mtime for entry in waiting), default=None)
        return {
            "waiting": len(waiting),
            "bytes": sum(entry.size for entry in waiting),
            "cap": self.spool.cap,
            "dropped": self.spool.dropped(),
            "dropped_at": self.spool.log.stat().st_mtime if self.spool.log.exists() else None,
            "oldest": oldest,
            "agents": sum(1 for _path in self.agents.glob("*.json")),
            "free": shutil.disk_usage(self.spool.folder).free,
        }


def is_pack(digest: str, document: dict[str, Any]) -> bool:
    """What its digest says."""
    from baselines.loader import digest_of

    texts = document.get("files")
    if not isinstance(texts, dict) or not all(isinstance(body, str) for body in texts.values()):
        return False
    return digest_of(texts) == digest
