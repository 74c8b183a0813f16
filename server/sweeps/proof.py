"""Whether a newer report ended what an older one showed open, or other data did: both are asked by the very same data of now."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from django.db import DatabaseError

from server.feeds.matching.codes import ANSWERS
from server.feeds.matching.match import match
from server.feeds.matching.outcome import Cache
from server.feeds.matching.tables import Overtaken
from server.ingest.models import Machine, StoredSnapshot
from server.storage import retention
from server.sweeps import letters, weigh
from server.sweeps.codes import NOT_AFFECTED, OPEN
from server.sweeps.compare import Answer, Carries, Seen, answer
from server.sweeps.models import Concern, Standing
from server.sweeps.reports import records_of

log = logging.getLogger(__name__)

Held = Mapping[int, Mapping[str, Standing]]
"""Letter -> key of the item -> how it stands."""


def held(machines: Iterable[Machine]) -> dict[int, dict[int, dict[str, Standing]]]:
    """Machine -> Held, of what is open in any item."""
    found: dict[int, dict[int, dict[str, Standing]]] = defaultdict(dict)
    for one in Concern.objects.filter(machine__in=machines, open__gt=0):
        found[one.machine_id][one.letter_id] = {standing.key: standing for standing in one.standings}
    return found


@retention.keeps
def _shown(snapshots: Collection[str]) -> Iterable[str]:
    """Reports that show an item open, or closed it, are its proof: without them what ends could not be told from other data."""
    machines = StoredSnapshot.objects.filter(pk__in=snapshots).values("machine")
    for concern in Concern.objects.filter(machine__in=machines):
        yield from filter(None, (concern.closed_by, *(name for one in concern.standings for name in (one.by, one.closed_by))))


class Proofs:
    """Of one piece of work. Hosts are matched in memory, and nothing of it is stored."""

    def __init__(self, book: letters.Book) -> None:
        self.book = book
        self._cache: Cache = {}

    def of(self, told: weigh.Told, newest: Seen, before: Held) -> weigh.Told:
        """With what the older reports say by the data of now of all that is about to end. Raises Overtaken.

        The newest is asked by the same tables: the stored matches may be of other data, or may not speak of it yet. What it
        says so holds.
        """
        ending = list(_ending(told, before))
        if not ending:
            return told
        seen = self._older(told.machine, {shown.by for shown in ending})
        now = self._matched(newest, told.snapshot, told.at)
        items = {(letter, item.key): item for letter in told.answers for item in self.book.items[letter]}
        still: dict[weigh.Shown, bool] = {}
        otherwise: dict[tuple[int, str], Answer] = {}
        for shown in ending:
            item, older = items[shown.letter, shown.key], seen.get(shown.by)
            if now is None or older is None:
                continue
            if (said := answer(item, now, self.book)).state != NOT_AFFECTED:
                otherwise[shown.letter, shown.key] = said
            else:
                still[shown] = answer(item, older, self.book).state == OPEN
        answers = {
            letter: [(key, otherwise.get((letter, key), said)) for key, said in rows] for letter, rows in told.answers.items()
        }  # fmt: skip
        return told._replace(answers=answers, still=still)

    def _older(self, machine: Machine, snapshots: Iterable[str]) -> dict[str, Seen | None]:
        """Those that are kept; None: it cannot be read."""
        found: dict[str, Seen | None] = {}
        for stored in StoredSnapshot.objects.filter(machine=machine, pk__in=snapshots).select_related("base"):
            try:
                seen = Seen.of(records_of(stored), carried={})
            except Exception:  # whatever is wrong with it, it proves nothing
                log.exception("machine %s: snapshot %s could not be read again", machine.pk, stored.pk)
                found[stored.pk] = None
            else:
                found[stored.pk] = self._matched(seen, stored.pk, stored.orders_at)
        return found

    def _matched(self, seen: Seen, snapshot: str, at: datetime) -> Seen | None:
        """With all that it has by the data of now; None: it cannot be matched."""
        try:
            outcome = match(seen.host, self.book.tables, self._cache)
        except (Overtaken, DatabaseError):  # asked another time
            raise
        except Exception:
            log.exception("snapshot %s could not be matched again", snapshot)
            return None
        carried: dict[str, list[Carries]] = defaultdict(list)
        for one in outcome.matches:
            carried[one.identifier].append(Carries(one.package, ANSWERS[one.answer], at))
        left = {one.package: one.why for one in outcome.left}
        unmatched = "not-assessed" if outcome.reason else ""
        return replace(seen, carried=carried, ecosystem=outcome.ecosystem, unmatched=unmatched, unmatched_detail="", left=left)


def _ending(told: weigh.Told, before: Held) -> Iterable[weigh.Shown]:
    for letter, answers in told.answers.items():
        for key, said in answers:
            standing = before.get(letter, {}).get(key)
            if standing is not None and weigh.ends(standing, said, told.snapshot):
                yield weigh.Shown(standing.by, letter, key)
