"""Whether anything was lost, doubled or altered: every snapshot that was signed, by its id, against what the collector has.

made        came into its agent's spool (or was acknowledged, of the machines that reported before)
lost        an agent was told that it is stored, and it is not; or, at the end of a cell, it is nowhere
doubled     a row too many: a snapshot nobody signed, a second judgement, a turn that does not follow from the one before
altered     the collector has other bytes under its id than were signed
set_aside   the only copy was damaged on purpose: it must lie in its agent's refused/, with the reason, and in no database
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.faults.site import Site
from bench.fleet.account import _CHAINS, _STANDS, _UNTOLD
from collectors.seal import SealError, unpack
from collectors.seal_delta import read, restore

SHOWN = 12


@dataclass
class Account:
    made: int = 0
    acknowledged: int = 0
    stored: int = 0
    judged: int = 0
    lost: int = 0
    doubled: int = 0
    altered: int = 0
    unjudged: int = 0
    set_aside: int = 0
    untold: int = 0
    """Set aside without a word."""
    still_waiting: int = 0
    counts_off: int = 0
    """A tally that counting again does not give, or a journal whose chain is broken."""
    examples: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        good = ("made", "acknowledged", "stored", "judged", "set_aside", "examples")
        return self.stored > 0 and not any(value for name, value in asdict(self).items() if name not in good)

    def note(self, what: str, found: Any) -> int:
        names = sorted(map(str, found))
        self.examples += [f"{what}: {name}" for name in names[: max(0, SHOWN - len(self.examples))]]
        return len(names)


def kept(site: Site) -> tuple[dict[str, str], set[str]]:
    """Id -> sha256 of the bytes that were signed, read past the server; and those that cannot be opened."""
    rows: list[tuple[str, str | None, Any]] = site.collector.rows("select id, base_id, sealed from ingest_storedsnapshot")
    whole: dict[str, bytes] = {}
    broken: set[str] = set()
    for pk, base, sealed in rows:
        if base is None:
            try:
                whole[pk] = unpack(bytes(sealed))
            except SealError:
                broken.add(pk)
    found = {pk: hashlib.sha256(plain).hexdigest() for pk, plain in whole.items()}
    for pk, base, sealed in rows:
        if base is not None:
            try:
                found[pk] = hashlib.sha256(restore(read(bytes(sealed)), whole[base].partition(b"\n")[2])).hexdigest()
            except (SealError, KeyError):
                broken.add(pk)
    return found, broken


def told_and_there(site: Site) -> None:
    """In the middle of a cell: what an agent was told is stored, is. Raises AssertionError."""
    told = {pk: digest for agent in site.agents for pk, digest in agent.signed.items() if pk in agent.acknowledged}
    here, broken = kept(site)
    lost = [pk for pk, digest in told.items() if here.get(pk) != digest]
    assert not lost, f"acknowledged and not stored: {lost}, {broken}"


def take(site: Site, damaged: set[str] = frozenset()) -> Account:  # type: ignore[assignment]
    """At the end of a cell. `damaged`: ids whose only copy the cell damaged."""
    found = Account()
    signed = dict(site.signed)
    refused: dict[str, str] = {}
    waiting: set[str] = set()
    for agent in site.agents:
        signed |= agent.signed
        refused |= agent.refused
        waiting |= set(agent.waiting)
        found.acknowledged += len(agent.acknowledged - damaged)
    here, broken = kept(site)
    aside = damaged & refused.keys()
    found.made, found.stored, found.still_waiting = len(signed), len(here), len(waiting)
    found.acknowledged += len(site.signed)
    found.set_aside = len(aside)
    found.untold = found.note("damaged and not told", damaged - refused.keys())
    found.lost = found.note("lost", signed.keys() - here.keys() - waiting - aside)
    found.lost += found.note("refused though whole", refused.keys() - damaged)
    found.altered = found.note("altered", (pk for pk, digest in here.items() if signed.get(pk, digest) != digest))
    found.altered += found.note("cannot be opened", broken)
    found.doubled = found.note("nobody signed it", here.keys() - signed.keys())
    judged = [pk for (pk,) in site.collector.rows("select snapshot_id from assess_storedassessment")]
    found.judged = len(judged)
    found.unjudged = found.note("not judged", here.keys() - set(judged))
    found.doubled += len(judged) - len(set(judged))
    for query in (_CHAINS, _UNTOLD, _STANDS):
        found.doubled += found.note("a turn that does not follow", site.collector.rows(query))
    done = site.collector.both_verified()
    found.counts_off += found.note(
        "findings verify, journal verify", [(done.stdout + done.stderr)[-300:]] if done.returncode else []
    )
    return found
