"""How lists and letters stand on machines: for pages, for programs, and for whoever makes a campaign of a letter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import BooleanField, Case, CharField, Count, Exists, F, OuterRef, Prefetch, Q, QuerySet, Value, When
from django.db.models.expressions import Combinable

from server.ingest.models import IN_SERVICE, Machine
from server.sweeps import book
from server.sweeps.codes import CANNOT_TELL, NOT_KNOWN, NOT_SEEN, SEEN, STATE_WORDS, STATES
from server.sweeps.models import Concern, Letter, Sheet, Sighting
from server.units.models import Unit

_COLUMN = {"ip": "ip", "domain": "domain", "process": "process"}


# --- lists ----------------------------------------------------------------------------------------------------------


def judged(machines: QuerySet[Machine], sheet: Sheet) -> QuerySet[Any]:
    """The machines, each with `verdict` of this list: codes.VERDICTS.

    Seen: a report showed one of its indicators, however long ago. Not seen: all sources that its kinds need were looked at in
    the newest report, by the list of now. Everything else is not known.
    """
    mine = Sighting.objects.filter(machine=OuterRef("pk"), sheet=sheet, listed=True)
    return machines.annotate(
        shown=Exists(mine.filter(exact=True)),
        perhaps=Exists(mine.filter(exact=False)),
        known=_known(sheet),
        verdict=Case(
            When(shown=True, then=Value(SEEN)),
            When(perhaps=False, known=True, then=Value(NOT_SEEN)),
            default=Value(NOT_KNOWN),
            output_field=CharField(),
        ),
    )


def _known(sheet: Sheet) -> Combinable:
    kinds = [kind for kind, count in sheet.kinds.items() if count]
    if not kinds or any(kind not in _COLUMN for kind in kinds):
        return Value(False)  # of hashes and web addresses nothing is ever seen
    # of a newer report that waits, or that cannot be read, nothing is said by the one before it
    newest = Q(looked__snapshot=F("latest_id"), looked__book=book.stamp())
    whole = newest & Q(**{f"looked__{_COLUMN[kind]}": True for kind in kinds})
    return Case(When(whole, then=Value(True)), default=Value(False), output_field=BooleanField())


def numbers(machines: QuerySet[Machine], sheets: Iterable[Sheet]) -> dict[int, dict[str, int]]:
    """List -> verdict -> machines in service, as `judged` says of each; asked of all lists at once."""
    stamp, flags = book.stamp(), tuple(_COLUMN.values())
    mine = machines.filter(IN_SERVICE).order_by()
    looked = mine.filter(looked__snapshot=F("latest_id"), looked__book=stamp)
    whole = list(looked.values_list(*(f"looked__{name}" for name in flags)).annotate(Count("pk")))
    sightings = Sighting.objects.filter(listed=True, machine__in=mine.values("pk")).order_by()
    of_now = sightings.filter(machine__looked__snapshot=F("machine__latest_id"), machine__looked__book=stamp)
    shown = of_now.values_list("sheet", *(f"machine__looked__{name}" for name in flags)).annotate(Count("machine", distinct=True))
    doubtful: dict[int, list[Any]] = {}
    for pk, *row in shown:
        doubtful.setdefault(pk, []).append(row)
    seen = dict(sightings.filter(exact=True).values_list("sheet").annotate(Count("machine", distinct=True)))
    every, found = mine.count(), {}
    for sheet in sheets:
        kinds = [kind for kind, count in sheet.kinds.items() if count]
        clear = _whole(whole, kinds) - _whole(doubtful.get(sheet.pk, ()), kinds)
        told = seen.get(sheet.pk, 0)
        found[sheet.pk] = {SEEN: told, NOT_SEEN: clear, NOT_KNOWN: every - told - clear}
    return found


def _whole(rows: Iterable[Sequence[Any]], kinds: Sequence[str]) -> int:
    """Of rows of (each flag, machines): machines of which all sources were looked at that these kinds need."""
    if not kinds or any(kind not in _COLUMN for kind in kinds):
        return 0
    places = [list(_COLUMN).index(kind) for kind in kinds]
    return sum(row[-1] for row in rows if all(row[place] for place in places))


class Branch(NamedTuple):
    """A unit and what its own machines have."""

    unit: str
    pk: int
    counts: list[int]
    """In the order of the words."""


def by_unit(rows: QuerySet[Any], column: str, words: Iterable[str]) -> list[Branch]:
    """The units of the machines; those with most of the first word first."""
    counted: dict[int, Counter[str]] = {}
    for row in rows.order_by().values("unit", column).annotate(count=Count("pk")):
        counted.setdefault(row["unit"], Counter())[row[column]] += row["count"]
    names = dict(Unit.objects.filter(pk__in=counted).values_list("pk", "name"))
    order = list(words)
    found = [Branch(names[pk], pk, [count[word] for word in order]) for pk, count in counted.items()]
    return sorted(found, key=lambda one: ([-count for count in one.counts], one.unit))


# --- letters --------------------------------------------------------------------------------------------------------


class Stands(NamedTuple):
    """How a letter stands on a machine."""

    state: str
    """codes.STATES"""
    since: datetime | None
    """None: it was not held against the letter yet."""
    closed_by: str
    """Snapshot that proved it; empty: it is not closed."""
    closed_at: datetime | None


class State(NamedTuple):
    """How a letter stands on some machines."""

    counts: dict[str, int]
    machines: dict[int, Stands]


NOT_YET = Stands(CANNOT_TELL, None, "", None)


def state_of(letter: Letter, machines: QuerySet[Machine]) -> State:
    """Of each machine, and counted. A machine that was not held against the letter yet cannot be told, and is never left out."""
    rows = Concern.objects.filter(letter=letter, machine__in=machines.order_by().values("pk"))
    held = {one.machine_id: _stands(one) for one in rows.defer("packed").iterator(chunk_size=2000)}
    found = {pk: held.get(pk, NOT_YET) for pk in machines.values_list("pk", flat=True)}
    return State(dict.fromkeys(STATES, 0) | Counter(one.state for one in found.values()), found)


def _stands(row: Concern) -> Stands:
    return Stands(row.state_word, row.since, row.closed_by, row.closed_at)


def concerned(machines: QuerySet[Machine], letter: Letter) -> QuerySet[Any]:
    """The machines, each with the word of its `state`."""
    mine = Concern.objects.filter(machine=OuterRef("pk"), letter=letter)
    whens = [When(Exists(mine.filter(state=number)), then=Value(word)) for word, number in STATES.items()]
    return machines.annotate(state=Case(*whens, default=Value(CANNOT_TELL), output_field=CharField()))


def with_concern(machines: QuerySet[Any], letter: Letter) -> QuerySet[Any]:
    """The machines, each with how the letter stands on it as the only one of `held`; none: not held against it yet."""
    return machines.prefetch_related(Prefetch("concerns", Concern.objects.filter(letter=letter), to_attr="held"))


def letter_numbers(machines: QuerySet[Machine], letters: Iterable[Letter]) -> dict[int, dict[str, int]]:
    """Letter -> state -> machines in service, as `concerned` says of each; asked of all letters at once."""
    mine = machines.filter(IN_SERVICE).order_by()
    rows = Concern.objects.filter(machine__in=mine.values("pk")).order_by().values_list("letter", "state")
    counted: dict[int, Counter[str]] = {}
    for pk, number, count in rows.annotate(Count("pk")):
        counted.setdefault(pk, Counter())[STATE_WORDS[number]] += count
    every, found = mine.count(), {}
    for letter in letters:
        told = counted.get(letter.pk, Counter())
        told[CANNOT_TELL] += every - told.total()
        found[letter.pk] = {word: told[word] for word in STATES}
    return found
