"""What falls on which day for whom: law and documents, and what the collector's own records name. Each says what it rests on.

Only what has a day is here. A licence without a date in the register, or a certificate that nobody could read, is not: that
nothing stands on a day does not say that nothing is due.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, Min, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from server.assignments.models import Assignment
from server.calendar import dates
from server.calendar.dates import Rule
from server.calendar.models import LEAD, Certificate, Done, OwnDate, Setting
from server.campaigns.models import SCOPE, Campaign, Row
from server.campaigns.states import OPEN
from server.documents.models import Document
from server.feeds.models import Feed
from server.registers.expiry import DONE_WITH, SORTS
from server.units.models import Unit, User
from server.waivers.models import Attestation, Waiver

DAY = timedelta(days=1)
NAMED = 3
"""Machines that a line names."""
KINDS = {
    "law": gettext_lazy("law and documents"),
    "own": gettext_lazy("the unit's own"),
    "system": gettext_lazy("level dossiers and checks of systems"),
    "campaign": gettext_lazy("campaigns"),
    "work": gettext_lazy("findings that are worked on"),
    "waiver": gettext_lazy("waivers"),
    "attestation": gettext_lazy("attestations"),
    "expiry": gettext_lazy("warranty, support, licences"),
    "certificate": gettext_lazy("certificates"),
    "feed": gettext_lazy("feeds"),
}
REMINDED = ("law", "own", "system", "expiry", "certificate", "feed")
"""Campaigns, findings, waivers and attestations are reminded of by their own rooms."""
BY_HAND = ("law", "own", "system")
"""Of which a person says that it was done. Of the others the record itself says so."""


@dataclass
class Event:
    """Something that is to be done, or that ends, on a day."""

    key: str
    kind: str
    day: date
    last: date
    """The last day on which it is in time: the one before, where the text says "before"."""
    unit: Unit | None
    """None: the same for everybody (feeds)."""
    title: str
    who: str = ""
    source: str = ""
    url: str = ""
    wording: str = ""
    """seen · not_seen, of law and documents alone"""
    derived: bool = False
    note: str = ""
    period: int = 365
    done: Done | None = None
    closed: str = ""
    """What the record itself says became of it, with who and when; empty: it is open."""
    unmet: int = 0
    """Machines of a closed campaign that had not done what it asks. It is over all the same, and not met."""
    units: list[Unit] = field(default_factory=list)
    """Where several units answer for the same day: all of them; `done_by` of how many it was done."""
    done_by: int = 0
    paper: str = ""
    """The kind of paper that is handed in by that day."""
    places: int = 0
    """In how many units, where the same of several is one line (Reach.joined)."""
    papers: list[Document] = field(default_factory=list)
    """Those that were made for the units that answer, as far as they were looked up (papers.py)."""

    @property
    def over(self) -> bool:
        """Done, by whomever has to."""
        return bool(self.done or self.closed) or (bool(self.units) and self.done_by == len(self.units))

    @property
    def met(self) -> bool:
        """It is over because it was done, and nothing was lacking."""
        return self.over and not self.unmet

    def left(self, today: date) -> int:
        return (self.last - today).days

    @property
    def kind_word(self) -> str:
        return str(KINDS[self.kind])

    @property
    def address(self) -> str:
        """The page of what stands on that day."""
        if self.kind not in BY_HAND:
            return self.url
        unit = f"&unit={self.unit.pk}" if self.unit is not None and not self.units else ""
        return f"{reverse('calendar-day')}?key={self.key}&day={self.day.isoformat()}{unit}"


class Reach:
    """Whose records are read: a person's part of the tree, or all of them for the collector's own work."""

    def __init__(self, user: User | None, unit: Unit | None, joined: bool = False) -> None:
        """`joined`: what falls on one day in several units is one line, as people read it; reminders go to each unit."""
        self.user, self.unit, self.joined = user, unit, joined and unit is not None

    def rows(self, model: type[Any], path: str = "unit__path") -> QuerySet[Any]:
        found: QuerySet[Any] = model.objects.all() if self.user is None else model.objects.visible_to(self.user)
        return found if self.unit is None else found.filter(**{f"{path}__under": self.unit.path})

    def units(self) -> list[Unit]:
        return list(self.rows(Unit, "path").filter(valid_until=None).order_by("path"))


def gather(reach: Reach, first: date, last: date, kinds: Iterable[str] = KINDS) -> list[Event]:
    """In the order of the days, both ends included."""
    found = [event for kind in kinds for event in SOURCES[kind](reach, first, last)]
    _mark(found)
    return sorted(found, key=lambda one: (one.day, list(KINDS).index(one.kind), one.title))


def _mark(found: list[Event]) -> None:
    """Write to each what people said was done."""
    mine = [one for one in found if one.kind in BY_HAND]
    units = {unit.pk for one in mine for unit in [*one.units, one.unit] if unit is not None}
    said: dict[tuple[str, date], dict[int, Done]] = defaultdict(dict)
    for done in Done.objects.filter(taken_back_at=None, unit__in=units, day__in={one.day for one in mine}) if mine else ():
        said[done.key, done.day][done.unit_id] = done
    for one in mine:
        here = said.get((one.key, one.day), {})
        one.done = here.get(one.unit.pk) if one.unit is not None and not one.units else None
        one.done_by = sum(unit.pk in here for unit in one.units)


# -- law and documents ---------------------------------------------------------------------------------------------------


def followed(units: Iterable[Unit], rule: Rule, settings: dict[int, Setting], roots: set[int]) -> list[Unit]:
    """The units that answer for a rule: by their place in the tree, or because they say so; not where they say why not."""
    found = []
    above: dict[str, set[int | None]] = {"centre": {None}, "below": {*roots}, "none": set()}
    placed = above[rule.where]
    for unit in units:
        said = settings.get(unit.pk)
        by_place = unit.parent_id in placed
        if said is not None and rule.id in said.off:
            continue
        if by_place or (said is not None and rule.id in said.on):
            found.append(unit)
    return found


def _law(reach: Reach, first: date, last: date) -> Iterator[Event]:
    units = reach.units()
    roots = set(Unit.objects.filter(parent=None).values_list("pk", flat=True))
    settings = {one.pk: one for one in Setting.objects.all()}
    for rule in dates.rules().values():
        days = list(rule.when.between(first, last))
        answering = followed(units, rule, settings, roots) if days else []
        for day in days if answering else ():
            yield law_event(rule, day, answering)


def law_event(rule: Rule, day: date, answering: list[Unit]) -> Event:
    return Event(
        key=f"law:{rule.id}", kind="law", day=day, last=rule.last(day), unit=answering[0], title=dates.text(rule.title),
        who=dates.text(rule.who), source=f"{rule.source.document}, {dates.text(rule.source.clause)}", wording=rule.wording,
        derived=rule.derived, note=dates.text(rule.note) if rule.note else "", period=rule.when.period,
        units=answering if len(answering) > 1 else [], paper=rule.paper or "",
    )  # fmt: skip


# -- what the collector's own records name -------------------------------------------------------------------------------


def _own(reach: Reach, first: date, last: date) -> Iterator[Event]:
    for one in reach.rows(OwnDate).filter(day__lte=last).select_related("unit"):
        for day in one.between(first, last):
            yield Event(f"own:{one.pk}", "own", day, day, one.unit, one.title, one.who, one.source, period=one.period)


def _systems(reach: Reach, first: date, last: date) -> Iterator[Event]:
    """What the register of information systems names: when a dossier is to be approved, a plan put into practice, a check due."""
    from server.registers.systems import System

    for one in reach.rows(System).exclude(state="stopped").select_related("unit"):
        told = [
            ("approval", one.approval_expected, _("Level dossier to be approved: %s"), one.decided),
            ("plan", one.plan_expected, _("Plan of protection to be put into practice in full: %s"), one.plan == "whole"),
            ("check", _next_check(one), _("Next periodic assessment: %s"), False),
        ]
        for word, day, title, is_done in told:
            if day is None or not first <= day <= last:
                continue
            yield Event(
                f"system-{word}:{one.pk}", "system", day, day, one.unit, title % one.name, one.operator or one.owner,
                _("register of information systems")
                if word != "check"
                else _("Decree 85/2016, article 20.2.c, counted from the last assessment in the register"),
                url=reverse("systems-entry", args=[one.pk]), derived=word == "check", wording="seen" if word == "check" else "",
                note=_("Of the frame before; Decree 331/2026, article 28, names no number: by level and risk.") if word == "check" else "",
                closed=_("so written in the register") if is_done else "",
            )  # fmt: skip


def _next_check(system: Any) -> date | None:
    """Levels 3 and 4 every year, 5 every half year; of the others no text names a system's own day."""
    if system.checked_on is None or system.level not in (3, 4, 5):
        return None
    half = OwnDate(day=system.checked_on, repeats=OwnDate.HALF if system.level == 5 else OwnDate.YEAR)
    days = half.between(system.checked_on + DAY, system.checked_on + timedelta(days=400))
    return next(days, None)


def _campaigns(reach: Reach, first: date, last: date) -> Iterator[Event]:
    rows = (Campaign.objects.all() if reach.user is None else Campaign.objects.visible_to(reach.user)).exclude(
        state=Campaign.DRAFT
    )
    if reach.unit is not None:
        rows = rows.filter(parts__unit__path__under=reach.unit.path).distinct()
    found = list(rows.filter(deadline__range=(first, last)).select_related("unit"))
    unmet = _unmet(reach, [one for one in found if one.is_closed])
    for one in found:
        lacking = unmet.get(one.pk, 0)
        yield Event(
            f"campaign:{one.pk}", "campaign", one.deadline, one.deadline, one.unit, f"{one.number} – {one.subject}", one.issuer,
            _("letter %s") % one.number, url=reverse("campaign", args=[one.pk]), closed=_closed(one, lacking), unmet=lacking,
        )  # fmt: skip


def _unmet(reach: Reach, closed: list[Campaign]) -> dict[int, int]:
    """Of closed campaigns: how many machines that are seen here were still open at the end, or were never heard of."""
    if not closed:
        return {}
    rows = reach.rows(Row, "part__unit__path").filter(campaign__in=closed, place=SCOPE, state__in=OPEN).order_by()
    return dict(rows.values_list("campaign").annotate(Count("pk")))


def _closed(one: Campaign, unmet: int) -> str:
    if not one.is_closed:
        return ""
    said = _("closed by %(who)s") % {"who": one.closed_by}
    lacking = ngettext("%d machine had not done it", "%d machines had not done it", unmet) % unmet
    return f"{said}; {lacking}" if unmet else said


def _work(reach: Reach, first: date, last: date) -> Iterator[Event]:
    """Of each person and day together: fifty findings due on one day are one line."""
    rows = reach.rows(Assignment).filter(closed_at=None, due__range=(first, last))
    found = list(_counted(reach, rows, "due", "owner"))
    owners = User.objects.in_bulk({owner for _day, owner, *_rest in found if owner})
    for day, owner, count, unit, places in found:
        title = ngettext("%d finding is due", "%d findings are due", count) % count
        yield Event(
            f"work:{unit.pk}:{owner or 0}", "work", day, day, unit, title, str(owners.get(owner) or _("nobody yet")),
            _("due day of the findings"), url=f"{reverse('work')}?unit={unit.pk}" + (f"&owner={owner}" if owner else "&whose=nobody"),
            places=places,
        )  # fmt: skip


def _waivers(reach: Reach, first: date, last: date) -> Iterator[Event]:
    for one in reach.rows(Waiver).filter(ended_at=None, until__range=(first, last)).select_related("unit"):
        yield Event(
            f"waiver:{one.pk}", "waiver", one.until, one.until, one.unit, _("Waiver ends: %s") % one, one.asked_by, one.document,
            url=reverse("waiver", args=[one.pk]),
        )  # fmt: skip


def _attestations(reach: Reach, first: date, last: date) -> Iterator[Event]:
    for one in reach.rows(Attestation).filter(ended_at=None, until__range=(first, last)).select_related("unit"):
        yield Event(
            f"attestation:{one.pk}", "attestation", one.until, one.until, one.unit, _("Attestation ends: %s") % one.requirement, one.by,
            one.document, url=f"{reverse('waivers')}?unit={one.unit_id}",
        )  # fmt: skip


def _expiry(reach: Reach, first: date, last: date) -> Iterator[Event]:
    """Of each sort and day together."""
    for name, sort in SORTS.items():
        rows = reach.rows(sort.book.model).exclude(state__in=DONE_WITH).filter(**{f"{sort.field}__range": (first, last)})
        for day, count, unit, places in _counted(reach, rows, sort.field):
            said = {"what": sort.title, "count": count}
            title = (
                ngettext(
                    "%(what)s ends: %(count)d entry of the register", "%(what)s ends: %(count)d entries of the register", count
                )
                % said
            )
            yield Event(
                f"{name}:{unit.pk}", "expiry", day, day, unit, title, "", str(sort.book.title),
                url=f"{reverse('register-expiry')}?sort={name}&unit={unit.pk}", places=places,
            )  # fmt: skip


def _counted(reach: Reach, rows: QuerySet[Any], *by: str) -> Iterator[tuple[Any, ...]]:
    """(…by, how many, unit, places) of each unit; joined: of all of them, the unit being the only one or the one that is read."""
    if not reach.joined:
        each = list(rows.order_by(*by, "unit").values_list(*by, "unit").annotate(Count("pk")))
        units = Unit.objects.in_bulk({one[-2] for one in each})
        yield from ((*one[:-2], one[-1], units[one[-2]], 0) for one in each)
        return
    told = rows.order_by(*by).values_list(*by).annotate(Count("pk"), Count("unit", distinct=True), Min("unit"))
    summed = list(told)
    units = Unit.objects.in_bulk({alone for *_by, _count, places, alone in summed if places == 1})
    for *found, count, places, alone in summed:
        yield (*found, count, units[alone], 0) if places == 1 else (*found, count, reach.unit, places)


def _certificates(reach: Reach, first: date, last: date) -> Iterator[Event]:
    """Of each unit and day together; of machines in service, as their newest report says that saw any."""
    begin, end = (timezone.make_aware(datetime.combine(day, time.min)) for day in (first, last + DAY))
    rows = reach.rows(Certificate, "machine__unit__path").filter(
        machine__retired_at=None, not_after__gte=begin, not_after__lt=end
    )
    grouped: dict[tuple[date, int], list[Certificate]] = defaultdict(list)
    for one in rows.select_related("machine__unit").order_by("not_after", "pk"):
        grouped[timezone.localdate(one.not_after), 0 if reach.joined else one.machine.unit_id].append(one)
    for (day, _unit), some in grouped.items():
        names = ", ".join(dict.fromkeys(one.machine.name for one in some[:NAMED]))
        title = ngettext("%d certificate ends", "%d certificates end", len(some)) % len(some)
        alone = len({one.machine_id for one in some}) == 1
        places = len({one.machine.unit_id for one in some})
        unit = reach.unit if places > 1 and reach.unit else some[0].machine.unit
        yield Event(
            f"certificate:{unit.pk}", "certificate", day, day, unit, f"{title}: {names}" + ("…" if len(some) > NAMED else ""),
            source=_("newest report of the machine"), places=places if places > 1 else 0,
            url=reverse("machine", args=[some[0].machine_id]) + "?tab=facts" if alone else f"{reverse('machines')}?unit={unit.pk}",
        )  # fmt: skip


def _feeds(reach: Reach, first: date, last: date) -> Iterator[Event]:
    for one in Feed.objects.select_related("generation"):
        day = one.carries_until()
        if day is not None and first <= day <= last:
            yield Event(
                f"feed:{one.name}", "feed", day, day, None, _("Feed %s reaches its age limit: what rests on it becomes unknown") % one.name,
                _("who imports feeds"), one.publisher, url=reverse("feeds"),
            )  # fmt: skip


def kind_of(key: str) -> str:
    """The kind of the event with that key."""
    word = key.partition(":")[0].partition("-")[0]
    return "expiry" if word in SORTS else word


SOURCES: dict[str, Callable[[Reach, date, date], Iterator[Event]]] = {
    "law": _law, "own": _own, "system": _systems, "campaign": _campaigns, "work": _work, "waiver": _waivers,
    "attestation": _attestations, "expiry": _expiry, "certificate": _certificates, "feed": _feeds,
}  # fmt: skip


def lead_days(unit: Unit, settings: dict[int, Setting] | None = None) -> list[int]:
    """As the unit says, or the nearest one above that says anything."""
    known = settings if settings is not None else {one.pk: one for one in Setting.objects.filter(unit__in=unit.ids)}
    said = (known[pk].lead_days for pk in reversed(unit.ids) if pk in known and known[pk].lead_days is not None)
    return list(next(said, None) or LEAD)
