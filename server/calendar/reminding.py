"""Units are told of what they answer for, some days before its last day and once when it is over; each time once.

A reminder is a notice on the pages and a row of the journal; outlets that tell alarms carry it further, by e-mail too. One row a
day for each unit, however much falls together. The notice stays, however long ago the day was, until somebody says that it was
done, the unit is excused, or the record names no such day any more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, Min, OuterRef, QuerySet

from server.calendar import events
from server.calendar.events import KINDS, REMINDED, Event, Reach
from server.calendar.models import Done, Reminder, Setting
from server.journal import models as journal
from server.units.models import Unit, User
from server.units.rights import HANDLE, SEE

COLLECTOR = "collector"
OVER = -1
BACK = timedelta(days=14)
"""What was over for longer when the collector first looked is not told any more."""
LONGEST = timedelta(days=120)
NAMED = 5


def step_of(left: int, lead: list[int], period: int) -> int | None:
    """The last step that was reached; None: there is time. Steps longer than half a period would speak of the time before."""
    if left < 0:
        return OVER
    return min((days for days in lead if left <= days and days <= max(period // 2, 1)), default=None)


def remind(today: date) -> int:
    """How many things units were told of."""
    first = today - BACK
    oldest = _unanswered(Reminder.objects.all()).aggregate(day=Min("day"))["day"] or first
    settings = {one.pk: one for one in Setting.objects.all()}
    told: dict[int, list[tuple[Event, int]]] = defaultdict(list)
    units: dict[int, Unit] = {}
    roots = list(Unit.objects.filter(parent=None, valid_until=None))
    standing: set[tuple[int, str, date]] = set()
    for event in events.gather(Reach(None, None), min(first, oldest), today + LONGEST, REMINDED):
        # a warranty that has ended has ended for ever: of old ones the register's own list goes on telling
        if event.closed or (event.kind == "expiry" and event.day < first):
            continue
        for unit in event.units or ([event.unit] if event.unit is not None else roots):
            units[unit.pk] = unit
            standing.add((unit.pk, event.key, event.day))
            step = step_of(event.left(today), events.lead_days(unit, settings), event.period)
            if step is not None and event.day >= first:
                told[unit.pk].append((event, step))
    _withdraw(standing)
    return sum(_tell(units[pk], some, today) for pk, some in told.items())


def _withdraw(standing: set[tuple[int, str, date]]) -> None:
    """Take back what nothing stands behind any more: excused, removed, on another day now, or done as the record itself says."""
    told = _unanswered(Reminder.objects.all()).values_list("pk", "unit_id", "key", "day")
    Reminder.objects.filter(pk__in=[pk for pk, *place in told if tuple(place) not in standing]).delete()


def _tell(unit: Unit, some: list[tuple[Event, int]], today: date) -> int:
    done = set(Done.objects.filter(unit=unit, taken_back_at=None).values_list("key", "day"))
    known = {
        (key, day): step
        for key, day, step in Reminder.objects.filter(unit=unit).order_by("-step").values_list("key", "day", "step")
    }
    new = [
        (event, step)
        for event, step in some
        if (event.key, event.day) not in done and step < known.get((event.key, event.day), step + 1)
    ]
    if not new:
        return 0
    try:
        with transaction.atomic():
            Reminder.objects.bulk_create(Reminder(unit=unit, key=event.key, day=event.day, step=step) for event, step in new)
            titles = "; ".join(f"{event.day:%d/%m} {event.title}" for event, _step in new[:NAMED])
            journal.write(
                "calendar.reminder", COLLECTOR, unit_path=unit.path, subject=f"{unit.name}: {titles}", rows=len(new),
                overdue=sum(step == OVER for _event, step in new), until=min(event.last for event, _step in new).isoformat(),
            )  # fmt: skip
    except IntegrityError:
        return 0  # another worker was faster
    return len(new)


def _unanswered(rows: QuerySet[Reminder]) -> QuerySet[Reminder]:
    """Those of days of which nobody said that what they ask was done."""
    met = Done.objects.filter(unit=OuterRef("unit"), key=OuterRef("key"), day=OuterRef("day"), taken_back_at=None)
    return rows.filter(~Exists(met)).order_by()


def told(user: User) -> int:
    """Of how many days this person's units were told that nobody said anything of yet: shown on every page."""
    return _unanswered(Reminder.objects.visible_to(user, HANDLE)).values("unit", "key", "day").distinct().count()


def gathered(
    user: User | None, unit: Unit, first: date, last: date, kinds: Iterable[str] = KINDS, joined: bool = False
) -> list[Event]:
    """What falls in that span (`joined`: as Reach says), and before it what people were told of and what still waits."""
    mine = Reminder.objects.all() if user is None else Reminder.objects.visible_to(user, SEE)
    here = mine.filter(unit__path__under=unit.path, day__lt=first)
    waiting = set(_unanswered(here).values_list("key", "day"))
    before: list[Event] = []
    if waiting:
        told = {events.kind_of(key) for key, _day in waiting}
        begin = min(day for _key, day in waiting)
        earlier = events.gather(Reach(user, unit), begin, first - events.DAY, [kind for kind in kinds if kind in told])
        before = [one for one in earlier if (one.key, one.day) in waiting and not one.over]
    return [*before, *events.gather(Reach(user, unit, joined), first, last, kinds)]
