"""One machine on two days: the report each day rests on, how it was judged then, and what it told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils import timezone

from baselines.model import Result
from collectors.model import Snapshot
from server.assess import kept as former
from server.assess import sheet
from server.assess.models import StoredAssessment
from server.ingest.models import Machine, StoredSnapshot
from server.waivers.asking import titles

GONE, NEVER, OTHER = "gone", "never", "other"


def end_of(day: date) -> datetime:
    """The first moment after a day, by the collector's clock here."""
    return timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))


@dataclass
class OnDay:
    """What is known of a machine at the end of a day."""

    day: date
    stored: StoredSnapshot | None
    """The newest stored report of that day or before; None: there is none."""
    results: dict[tuple[str, str], str] | None = None
    """(requirement, check) -> verdict; None: it was not judged, or what it was judged by is not here any more."""
    kept: StoredAssessment | None = None

    @property
    def reported(self) -> bool:
        """That very day."""
        return self.stored is not None and timezone.localtime(self.stored.orders_at).date() == self.day

    @property
    def snapshot(self) -> Snapshot | None:
        return self.stored.snapshot() if self.stored else None


def on_day(machine: Machine, day: date) -> OnDay:
    stored = machine.snapshots.filter(orders_at__lt=end_of(day)).order_by("-orders_at", "-pk").first()
    if stored is None:
        return OnDay(day, None)
    kept = StoredAssessment.objects.filter(snapshot=stored).first()
    results = _results(kept, stored, machine) if kept is not None else None
    told = None if results is None else {(one.requirement, one.check): str(one.verdict) for one in results if one.check}
    return OnDay(day, stored, told, kept)


def _results(kept: StoredAssessment, stored: StoredSnapshot, machine: Machine) -> list[Result] | None:
    whole = kept.results
    return former.again(kept, stored.snapshot(), machine.kind) if whole is None else sheet.results_from(whole)


@dataclass
class Turn:
    """A verdict that is another one on the second day."""

    requirement: str
    check: str
    was: str
    """Empty: it was not asked."""
    now: str
    titles: tuple[str, str]


def turns(first: OnDay, second: OnDay) -> list[Turn] | None:
    """None where one of both is not known."""
    if first.results is None or second.results is None or first.kept is None or second.kept is None:
        return None
    found = []
    for place in dict.fromkeys([*first.results, *second.results]):
        was, now = first.results.get(place, ""), second.results.get(place, "")
        if was != now:
            baseline = (second.kept if now else first.kept).baseline
            found.append(Turn(*place, was, now, titles(baseline, *place)))
    order = {"fail": 0, "unknown": 1, "": 2}
    return sorted(found, key=lambda one: (order.get(one.now, 3), one.requirement, one.check))


def same_rules(first: OnDay, second: OnDay) -> bool:
    """Pack, stricter values, level and kind are those of then: what turned, turned by the machine or by publishers' data."""
    if first.kept is None or second.kept is None:
        return False
    return all(
        getattr(first.kept, name) == getattr(second.kept, name) for name in ("baseline", "digest", "tailoring", "level", "kind")
    )
