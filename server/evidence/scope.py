"""What a bundle speaks of: its machines with the snapshot each is known by, and those of whom there is none, by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from baselines.evidence.form import MOST_MACHINES, Missing
from server.campaigns.account import Account
from server.campaigns.models import SCOPE, Campaign, Row
from server.campaigns.states import MISSING
from server.coverage import numbers
from server.evidence.models import CAMPAIGN, SYSTEM, UNIT, Bundle
from server.ingest.models import IN_SERVICE, Machine
from server.units.models import Unit


class TooMuch(ValueError):
    """More machines than one bundle holds; the message is how many."""


class Gone(ValueError):
    """What was asked for is no more."""


@dataclass
class Scope:
    """What goes in."""

    kind: str
    name: str
    number: str
    unit: Unit
    machines: list[tuple[int, str, str]] = field(default_factory=list)
    """(machine, snapshot, moment)."""
    expected: int = 0
    fresh: int = 0
    excused: int = 0
    missing: list[Missing] = field(default_factory=list)
    account: Account | None = None


def of(bundle: Bundle, now: datetime) -> Scope:
    """Raises TooMuch, Gone."""
    found = {UNIT: _unit, CAMPAIGN: _campaign, SYSTEM: _system}[bundle.kind](bundle, now)
    if len(found.machines) > MOST_MACHINES:
        raise TooMuch(str(len(found.machines)))
    return found


def line_of(unit: Unit, units: dict[int, Unit]) -> str:
    """Names from the root down."""
    return " / ".join(units[pk].name if pk in units else "–" for pk in unit.ids)


def _unit(bundle: Bundle, now: datetime) -> Scope:
    unit = bundle.unit
    found = Scope(UNIT, unit.name, unit.code, unit)
    _machines(found, Machine.objects.filter(IN_SERVICE, unit__path__under=unit.path))
    for gap in ("absent", "ambiguous", "excused"):
        for one in numbers.gap(None, gap, unit, now):
            found.missing.append(Missing(name=one.name, unit=one.unit.name, why="listed" if gap == "absent" else gap))
            found.expected += gap != "excused"
            found.excused += gap == "excused"
    _late(found, numbers.gap(None, "stale", unit, now))
    return found


def _late(found: Scope, stale: QuerySet[Any]) -> None:
    """Those that are here with an old report: said by name as well."""
    known = {pk for pk, _snapshot, _moment in found.machines}
    late = [(one.pk, one.name, one.unit.name) for one in stale if one.pk in known]
    found.missing += [Missing(name=name, unit=unit, why="stale") for _pk, name, unit in late]
    found.fresh = len(known) - len(late)


def _machines(found: Scope, machines: QuerySet[Machine]) -> None:
    rows = machines.order_by("unit__path", "name", "pk").values_list("pk", "name", "unit__name", "latest_id")
    for pk, name, unit, latest in rows:
        found.expected += 1
        if latest is None:
            found.missing.append(Missing(name=name, unit=unit, why="never"))
        else:
            found.machines.append((pk, latest, "now"))


def _system(bundle: Bundle, now: datetime) -> Scope:
    from server.registers.systems import System

    system = System.objects.select_related("unit").filter(pk=bundle.of).first()
    if system is None:
        raise Gone(bundle.name)
    found = Scope(SYSTEM, system.name, system.code, system.unit)
    _machines(found, system.machines)
    known = set(system.machines.values_list("pk", flat=True))
    for member in system.here.select_related("machine", "item__machine", "item__unit", "machine__unit"):
        one = member.reads
        if one is None or one.pk not in known:
            where = member.item.unit if member.item is not None else one.unit if one else system.unit
            found.missing.append(Missing(name=member.name, unit=where.name, why="listed"))
            found.expected += 1
    _late(found, numbers.gap(None, "stale", system.unit, now).filter(pk__in=known))
    return found


def _campaign(bundle: Bundle, now: datetime) -> Scope:
    campaign = Campaign.objects.select_related("unit").filter(pk=bundle.of).exclude(frozen_at=None).first()
    if campaign is None:
        raise Gone(bundle.name)
    account = Account(campaign, None, bundle.unit)
    found = Scope(CAMPAIGN, campaign.subject, campaign.number, bundle.unit, account=account)
    seen: set[tuple[int, str]] = set()
    for row in rows(account):
        found.expected += 1
        machine = row.now
        if machine is None or not row.snapshot or away(row, bundle.unit):
            why = "moved" if away(row, bundle.unit) else "pruned" if row.snapshot else "listed" if machine is None else "never"
            found.missing.append(Missing(name=row.name, unit=row.part.name, why=why))
            continue
        number = machine.pk
        if row.state == MISSING:
            found.missing.append(Missing(name=row.name, unit=row.part.name, why="missing-now"))
        found.fresh += row.state != MISSING
        found.machines.append((number, row.snapshot, "now"))
        seen.add((number, row.snapshot))
        if row.before_snapshot and (number, row.before_snapshot) not in seen:
            found.machines.append((number, row.before_snapshot, "start"))
    return found


def rows(account: Account) -> QuerySet[Row]:
    """Of the scope of a campaign, in the order of its account."""
    found = account.rows(SCOPE).select_related("part", "machine__unit", "expected__machine__unit")
    return found.order_by("part__path", "name", "pk")


def away(row: Row, unit: Unit) -> bool:
    """Its machine lies outside the unit that holds the campaign by now: what it tells is not shown there."""
    return row.became == "moved" and row.now is not None and not row.now.unit.path.startswith(unit.path)


def choices(user: Any, action: str) -> tuple[QuerySet[Unit], QuerySet[Campaign], QuerySet[Any]]:
    """What this person may ask a bundle of. A campaign's where the unit that holds it is."""
    from server.registers.systems import System

    units = Unit.objects.visible_to(user, action).filter(valid_until=None).order_by("path")
    campaigns = Campaign.objects.filter(unit__in=units.order_by()).exclude(frozen_at=None).order_by("-date", "-pk")
    return units, campaigns, System.objects.visible_to(user, action).order_by("name", "pk")
