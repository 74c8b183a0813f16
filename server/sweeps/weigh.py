"""How a letter stands on a machine after one more look at it. Open once, an item is closed only by a newer report that proves it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from server.ingest.models import Machine
from server.sweeps.codes import CANNOT_TELL, CLOSED, NOT_AFFECTED, OPEN, STATES
from server.sweeps.compare import Answer
from server.sweeps.models import Concern, Standing, Weighed, packed

BY_DATA, CANNOT, NOT_PROVED = "by-data", "newest-cannot-tell", "not-proved"
CHUNK = 500


class Shown(NamedTuple):
    """What an older report showed open."""

    by: str
    """That report."""
    letter: int
    key: str


class Told(NamedTuple):
    """What one report says of the letters."""

    machine: Machine
    snapshot: str
    at: datetime
    matched_at: datetime | None
    answers: Mapping[int, list[tuple[str, Answer]]]
    """Letter -> (key of the item, answer)."""
    still: Mapping[Shown, bool] = {}
    """Of what ends: that report would show it open by the data of now; left out: it could not be asked."""


def ends(before: Standing, answer: Answer, snapshot: str) -> bool:
    """It was open by an older report, and is not by this one."""
    return before.state == OPEN and answer.state == NOT_AFFECTED and before.by != snapshot


def turned(key: str, before: Standing | None, answer: Answer, snapshot: str, at: datetime, still: bool | None = None) -> Standing:
    """The next standing of an item. `still`: Told.still of it; without it nothing is proved."""
    when = at.isoformat()
    if answer.state == OPEN:
        since = before.since if before is not None and before.state == OPEN else min(at, answer.since or at).isoformat()
        return Standing(key, OPEN, since, answer.ground, answer.detail, snapshot)
    if before is not None and before.state == OPEN:
        if answer.state == CANNOT_TELL:
            return before._replace(note=CANNOT)
        if ends(before, answer, snapshot) and still:
            return Standing(key, CLOSED, when, answer.ground, answer.detail, snapshot, "", snapshot, when)
        note = NOT_PROVED if ends(before, answer, snapshot) and still is None else BY_DATA
        return Standing(key, NOT_AFFECTED, when, answer.ground, answer.detail, note=note)
    closed_by, closed_at = (before.closed_by, before.closed_at) if before is not None else ("", "")
    if answer.state == NOT_AFFECTED and closed_by:
        return Standing(key, CLOSED, closed_at, answer.ground, answer.detail, closed_by, "", closed_by, closed_at)
    same = before is not None and before.state == answer.state
    since, note = (before.since, before.note) if same and before is not None else (when, "")
    return Standing(key, answer.state, since, answer.ground, answer.detail, "", note, closed_by, closed_at)


def keep(told: Told, book: str, now: datetime) -> int:
    """Write how a machine stands; how many letters turned. Inside a transaction of the caller's. Twice does no harm.

    A letter that stands as before is not written again, unless an item is open: by which report it was so last is its proof.
    """
    before = {one.letter_id: one for one in Concern.objects.select_for_update().filter(machine=told.machine)}
    new: list[Concern] = []
    changed: list[Concern] = []
    for letter in told.answers:
        old = before.get(letter)
        standings = _standings(old, letter, told)
        row = _concern(told, letter, standings)
        if old is None:
            new.append(row)
        elif (old.state, old.since) != (row.state, row.since) or old.standings != standings:
            row.pk = old.pk
            changed.append(row)
    Concern.objects.bulk_create(new, CHUNK)
    columns = ["state", "since", "closed_by", "closed_at", "open", "untold", "packed"]
    Concern.objects.bulk_update(changed, columns, CHUNK)
    Weighed.objects.update_or_create(
        machine=told.machine, defaults={"snapshot": told.snapshot, "book": book, "matched_at": told.matched_at, "at": now}
    )
    return len(new) + sum(before[one.letter_id].state != one.state for one in changed)


def _standings(old: Concern | None, letter: int, told: Told) -> list[Standing]:
    held = {one.key: one for one in old.standings} if old is not None else {}
    found = []
    for key, answer in told.answers[letter]:
        before = held.get(key)
        still = told.still.get(Shown(before.by, letter, key)) if before is not None else None
        found.append(turned(key, before, answer, told.snapshot, told.at, still))
    return found


def _concern(told: Told, letter: int, standings: list[Standing]) -> Concern:
    """As the worst item stands: open, not known, closed, not affected."""
    state = min((STATES[one.state] for one in standings), default=STATES[CANNOT_TELL])
    mine = [one for one in standings if STATES[one.state] == state]
    times = [one.since_at for one in mine]
    # open since the first of them; closed only when the last of them was
    newest = max(mine, key=lambda one: one.since_at, default=None)
    since = (max(times) if state == STATES[CLOSED] else min(times)) if times else told.at
    closed = newest if state == STATES[CLOSED] else None
    return Concern(
        machine=told.machine, letter_id=letter, state=state, since=since,
        closed_by=closed.closed_by if closed else "", closed_at=closed.since_at if closed else None,
        open=sum(one.state == OPEN for one in standings), untold=sum(one.state == CANNOT_TELL for one in standings),
        packed=packed(standings),
    )  # fmt: skip
