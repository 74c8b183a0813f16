"""The last snapshots of each target that the collector acknowledged: the newest is what the next one is sent as a difference to.

    acknowledged/<machine>.<snapshot id>.sealed    the sealed snapshot itself, moved here from the spool
    differences.json                               until when only whole ones are sent, because the collector knew no other

What lies here is something the collector said it has, after a crash at any point too: the file comes by one rename, and with
it leaves the spool. Whether the collector still has it is for the collector to say; where it does not, or anything else is
wrong with a difference, the snapshot is sent whole at once. So nothing here is needed, and losing it costs a few kilobytes.

Where the collector no longer has what it acknowledged, its database was put back to an earlier day. Then what lies here of that target
goes back into the spool: the last KEPT of each come back by themselves, though no backup held them.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from agent import files
from agent.spool import Waiting
from agent.state import State

FOLDER, FILE = "acknowledged", "differences.json"
MAX_FILES, MAX_BYTES = 5000, 64 * 1024 * 1024
WHOLE_SECONDS = 86400
KEPT = 8
"""Of each target: a backup may be as many reports old, and nothing is missing after a restore."""
WORTH = 0.8
"""A difference that saves less than a fifth is not worth the collector's work."""
OF_THE_FORM = ("base-unknown", "difference-damaged", "media-type")
"""Codes of refusals that say nothing about the snapshot."""
_NAME = re.compile(r"^(?P<machine>[0-9a-f]{12})\.(?P<id>[0-9a-f-]{36})\.sealed$")


class _Base(NamedTuple):
    id: str
    machine: str
    path: Path
    size: int


class Acknowledged:
    """The folder. Every failure here ends in a whole snapshot, never in an error."""

    def __init__(self, state: State, max_files: int = MAX_FILES, max_bytes: int = MAX_BYTES) -> None:
        self._state = state
        self.folder = state.folder / FOLDER
        self._max_files, self._max_bytes = max_files, max_bytes

    def keep(self, entry: Waiting) -> None:
        """The collector has it. Moved here out of the spool."""
        with suppress(OSError):
            files.private_folder(self.folder)
            entry.path.replace(self.folder / f"{entry.machine}.{entry.id}.sealed")
            self._prune()

    def difference(self, entry: Waiting, blob: bytes) -> bytes | None:
        """The snapshot as a difference; None where it is to travel whole."""
        if self._only_whole(time.time()):
            return None
        base = max((known for known in self._all() if known.machine == entry.machine), default=None)
        if base is None or base.id == entry.id:
            return None
        try:
            from collectors.seal import SealError, parse, unpack, unseal
            from collectors.seal_delta import make
        except ModuleNotFoundError:  # zstd is not installed
            return None
        try:
            reference, plain = unseal(base.path.read_bytes()), unpack(blob)
            agent = parse(plain).agent
        except (OSError, SealError):
            with suppress(OSError):
                base.path.unlink(missing_ok=True)
            return None
        if reference.agent != agent:  # enrolled anew since
            self.forget(entry.machine)
            return None
        found = make(plain, agent, base.id, reference.snapshot)
        return found if found is not None and len(found) < WORTH * len(blob) else None

    def refused(self, machine: str, code: str) -> bool:
        """The collector refuses a difference. True: it may take the same snapshot whole."""
        if code not in OF_THE_FORM or (code == "media-type" and self._only_whole(time.time())):
            return False
        if code == "base-unknown":
            self._send_again(machine)
        self.forget(machine)
        if code == "media-type":
            self._state.try_keep(FILE, {"whole_until": time.time() + WHOLE_SECONDS})
        return True

    def forget(self, machine: str) -> None:
        for known in self._all():
            if known.machine == machine:
                with suppress(OSError):
                    known.path.unlink(missing_ok=True)

    def _send_again(self, machine: str) -> None:
        """What it said it has, it has no more: back into the spool, for the next run. What it has after all, it knows by its id."""
        for known in self._all():
            if known.machine == machine:
                with suppress(OSError):
                    known.path.replace(self._state.folder / "spool" / f"{known.id}.{machine}.sealed")

    def _only_whole(self, now: float) -> bool:
        until = (self._state.read(FILE) or {}).get("whole_until")
        # further away than was ever said: the clock was set back
        return isinstance(until, (int, float)) and now < until <= now + WHOLE_SECONDS

    def _all(self) -> list[_Base]:
        found = []
        with suppress(OSError):
            for path in self.folder.iterdir():
                name = _NAME.match(path.name)
                if name:
                    with suppress(FileNotFoundError):
                        found.append(_Base(name["id"], name["machine"], path, path.stat().st_size))
        return found

    def _prune(self) -> None:
        """The newest of each target first, then those before them; the oldest go where there are too many."""
        ranked: list[tuple[int, _Base]] = []
        seen: Counter[str] = Counter()
        for known in sorted(self._all(), reverse=True):
            ranked.append((seen[known.machine], known))
            seen[known.machine] += 1
        count = size = 0
        for rank, known in sorted(ranked, key=lambda one: one[0]):
            if rank >= KEPT or count == self._max_files or size + known.size > self._max_bytes:
                known.path.unlink(missing_ok=True)
                continue
            count, size = count + 1, size + known.size
