"""What happens to units: created, renamed, moved, merged, closed. Each is one transaction with its rows of the journal.

Nothing is dated ahead: on the day, what the decision says is entered. Nothing is dated before what was entered already, so
that each day of the past has one answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import wraps
from typing import Any, NamedTuple, ParamSpec, TypeVar

from django.apps import apps
from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Concat, Substr
from django.dispatch import Signal
from django.utils import timezone
from django.utils.translation import gettext as _

from server.ingest.models import Agent, EnrolmentToken, Machine
from server.journal import models as journal
from server.units.kinds import kinds
from server.units.models import MachinePlacement, Membership, Unit, UnitName, UnitPlace, UnitSuccession, by_code

DAY = timedelta(days=1)
CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._/-]{0,39}")

succeeding = Signal()
"""Sent inside the transaction with `old`, `new` and `since`, while everything still stands where it stood."""
succeeded = Signal()
"""Sent inside the transaction with `old`, `new` and `since`. A model whose rows only need their `unit` changed says
FOLLOWS_UNIT = True; this is for a room that has more to do."""

P = ParamSpec("P")
R = TypeVar("R")


class Inconsistent(ValueError):
    """It cannot be done so. The message says why, in the reader's language."""


class By(NamedTuple):
    """Who does it, from where, and on what ground."""

    actor: str
    address: str = ""
    decision: str = ""


def _whole(function: Callable[P, R]) -> Callable[P, R]:
    """All or nothing, and one at a time: two moves side by side could make a circle."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with transaction.atomic():
            list(Unit.objects.select_for_update().filter(parent=None).order_by("pk").values_list("pk"))
            return function(*args, **kwargs)

    return run


def clean_name(text: str) -> str:
    """The name in NFC with single blanks. Raises Inconsistent for none, a too long one, and what a spreadsheet would run."""
    name = " ".join(unicodedata.normalize("NFC", text).split())
    if not name:
        raise Inconsistent(_("a unit needs a name"))
    if len(name) > 200:
        raise Inconsistent(_("the name is longer than 200 characters"))
    if not name.isprintable() or name[0] in "=+-@":
        raise Inconsistent(_("the name holds control characters, or begins as a formula does: %s") % ascii(name))
    return name


def clean_code(text: str) -> str:
    """The code, or nothing. Raises Inconsistent."""
    code = unicodedata.normalize("NFC", text).strip()
    if code and not CODE.fullmatch(code):
        raise Inconsistent(_("a code is letters without marks, digits and ._/- (at most 40): %s") % ascii(code))
    return code


@_whole
def create(
    name: str, parent: Unit | None, by: By, *, code: str = "", kind: str = "", valid_from: date | None = None, **policy: Any
) -> Unit:
    """A new unit. `policy`: level, baseline, tailoring, interval_seconds."""
    if kind and kind not in kinds():
        raise Inconsistent(_("%(kind)s is no kind of unit; known: %(known)s") % {"kind": kind, "known": ", ".join(kinds())})
    if parent is not None:
        parent.refresh_from_db()
        _must_be_open(parent)
        _not_before_its_beginning(parent, valid_from)
    code = clean_code(code)
    _code_is_free(code)
    unit = Unit(name=clean_name(name), code=code, kind=kind, parent=parent, valid_from=valid_from, **policy)
    unit.save()
    _note("unit.new", unit, by, unit_code=code or None, date=valid_from.isoformat() if valid_from else None)
    return unit


@_whole
def rename(unit: Unit, by: By, since: date, *, name: str = "", code: str = "") -> None:
    """Another name, another code, or both, from that day on."""
    unit.refresh_from_db()
    _must_be_open(unit)
    name, code = clean_name(name) if name else unit.name, clean_code(code) or unit.code
    if (name, code) == (unit.name, unit.code):
        raise Inconsistent(_("%s has this name and code already") % unit)
    if code != unit.code:
        _code_is_free(code)
    last = unit.names.last()
    began = last.until + DAY if last else unit.valid_from
    _in_order(unit, since, began)
    before = unit.name
    if began != since:
        UnitName.objects.create(unit=unit, name=unit.name, code=unit.code, since=began, until=since - DAY)
    unit.name, unit.code = name, code
    unit.save(update_fields=["name", "code"])
    _note("unit.renamed", unit, by, before=before, unit_code=code or None, date=since.isoformat())


@_whole
def move(unit: Unit, parent: Unit, by: By, since: date) -> None:
    """Under another unit from that day on, with everything below it."""
    unit.refresh_from_db()
    parent.refresh_from_db()
    _must_be_open(unit)
    _must_be_open(parent)
    if unit.parent_id == parent.pk:
        raise Inconsistent(_("%(unit)s lies under %(parent)s already") % {"unit": unit, "parent": parent})
    if unit.parent is None:
        raise Inconsistent(_("%s is the root: everything lies under it") % unit)
    _not_before_its_beginning(parent, since)
    before = unit.parent
    _place(unit, parent, since)
    _note("unit.moved", unit, by, before=before.name, into=parent.name, date=since.isoformat())


@_whole
def merge(sources: Sequence[Unit], into: Unit, by: By, since: date) -> None:
    """The duties of `sources` go over to `into` from that day on: machines, agents, tokens, people, and the units below.

    A unit that goes on under its own name is `into`, not a source. What ended lies below its successor from then on, so
    that whoever sees the successor sees what it was, the journal included.
    """
    into.refresh_from_db()
    _must_be_open(into)
    _not_before_its_beginning(into, since)
    if not sources:
        raise Inconsistent(_("say which units are merged"))
    for source in sources:
        source.refresh_from_db()
        _must_be_open(source)
        if source.pk == into.pk:
            raise Inconsistent(_("%s cannot become its own successor") % source)
        if into.path.startswith(source.path):
            raise Inconsistent(_("%(into)s lies under %(unit)s: move it out first") % {"into": into, "unit": source})
        _hand_over(source, into, by, since)
        into.refresh_from_db()


@_whole
def close(unit: Unit, by: By, last_day: date) -> None:
    """It ends without a successor. Refused while anything in being depends on it; its tokens are revoked."""
    unit.refresh_from_db()
    _must_be_open(unit)
    if unit.parent is None:
        raise Inconsistent(_("%s is the root: everything lies under it") % unit)
    if below := Unit.objects.filter(parent=unit, valid_until=None).count():
        raise Inconsistent(
            _("%(unit)s still has %(count)d units in being below it: move or close them first") % {"unit": unit, "count": below}
        )
    machines = Machine.objects.filter(unit=unit).count()
    agents = Agent.objects.filter(unit=unit, revoked_at=None).count()
    if machines or agents:
        raise Inconsistent(
            _("%(unit)s still has %(machines)d machines and %(agents)d agents: merge it into a successor")
            % {"unit": unit, "machines": machines, "agents": agents}
        )
    _end(unit, last_day)
    now = timezone.now()
    for token in EnrolmentToken.objects.filter(unit=unit, revoked_at=None, expires_at__gt=now, uses_left__gt=0):
        token.revoked_at = now
        token.save(update_fields=["revoked_at"])
        journal.write("token.revoked", by.actor, unit_path=unit.path, subject=token.public, address=by.address)
    _note("unit.closed", unit, by, date=last_day.isoformat())


@_whole
def move_machines(machines: Sequence[Machine], unit: Unit, by: By, since: date) -> None:
    """Machines go to another unit from that day on; an agent goes with the machine it runs on."""
    unit.refresh_from_db()
    _must_be_open(unit)
    _not_before_its_beginning(unit, since)
    _not_ahead(since)
    for machine in machines:
        before = machine.unit
        if before.pk != unit.pk:
            last = machine.placements.last()
            if last and since <= last.until:
                raise Inconsistent(
                    _("%(machine)s was in another unit until %(day)s: nothing can be dated before")
                    % {"machine": machine, "day": last.until}
                )
            _keep_placements([machine], since)
            Machine.objects.filter(pk=machine.pk).update(unit=unit)
            if machine.own:
                Agent.objects.filter(pk=machine.agent_id).update(unit=unit)
            journal.write(
                "machine.moved", by.actor, unit_path=unit.path, subject=machine.name, address=by.address,
                before=before.name, into=unit.name, date=since.isoformat(), decision=by.decision or None,
            )  # fmt: skip


@_whole
def split(unit: Unit, parts: dict[Unit, Sequence[Machine]], by: By, since: date) -> None:
    """Its machines go to several successors, each to the one named, and it ends. People do not follow: nobody sees more by it."""
    unit.refresh_from_db()
    _must_be_open(unit)
    named = {machine.pk for machines in parts.values() for machine in machines}
    here = set(Machine.objects.filter(unit=unit).values_list("pk", flat=True))
    if len(parts) < 2:
        raise Inconsistent(_("a split needs two successors at least"))
    if named != here:
        raise Inconsistent(
            _("%(unit)s: %(missing)d machines are given to no successor, %(foreign)d are not its own")
            % {"unit": unit, "missing": len(here - named), "foreign": len(named - here)}
        )
    for new, machines in parts.items():
        move_machines(machines, new, by, since)
        UnitSuccession.objects.create(old=unit, new=new, date=since, decision=by.decision[:300])
        _note("unit.split", unit, by, into=new.name, machines=len(machines), date=since.isoformat())
    close(unit, by, since - DAY)


def _hand_over(source: Unit, into: Unit, by: By, since: date) -> None:
    succeeding.send(Unit, old=source, new=into, since=since)
    for child in Unit.objects.filter(parent=source, valid_until=None):
        _place(child, into, since)
    machines = list(Machine.objects.filter(unit=source))
    _keep_placements(machines, since)
    for model in apps.get_models():
        if getattr(model, "FOLLOWS_UNIT", False):
            model._default_manager.filter(unit=source).update(unit=into)
    people = _members(source, into)
    succeeded.send(Unit, old=source, new=into, since=since)
    UnitSuccession.objects.create(old=source, new=into, date=since, decision=by.decision[:300])
    _end(source, since - DAY)
    _place(source, into, since)
    _note(
        "unit.merged",
        source,
        by,
        into=into.name,
        date=since.isoformat(),
        machines=len(machines),
        people=", ".join(people) or None,
    )


def _members(source: Unit, into: Unit) -> list[str]:
    """People keep their roles, in the successor. Who has the same role there already has it for the longer of both terms."""
    people = []
    for membership in Membership.objects.filter(unit=source).select_related("user"):
        same = Membership.objects.filter(unit=into, user=membership.user, role=membership.role, origin=membership.origin).first()
        if same is None:
            membership.unit = into
            membership.save(update_fields=["unit"])
        else:
            ends = [membership.until, same.until]
            same.until = None if None in ends else max(end for end in ends if end)
            same.save(update_fields=["until"])
            membership.delete()
        people.append(membership.user.username)
    return sorted(set(people))


def _keep_placements(machines: Sequence[Machine], since: date) -> None:
    """Note where they were until the day before; a machine that came on that day or later was never there for a day."""
    lasts = {row.machine_id: row.until for row in MachinePlacement.objects.filter(machine__in=machines).order_by("until")}
    rows = []
    for machine in machines:
        came = timezone.localtime(machine.created_at).date()
        begin = lasts[machine.pk] + DAY if machine.pk in lasts else came
        if begin < since:
            rows.append(MachinePlacement(machine=machine, unit_id=machine.unit_id, since=begin, until=since - DAY))
    MachinePlacement.objects.bulk_create(rows, batch_size=500)


def _place(unit: Unit, parent: Unit, since: date) -> None:
    """Put it and everything below it under `parent`; a place it had for no whole day leaves no row."""
    unit.refresh_from_db()
    parent.refresh_from_db()
    if parent.path.startswith(unit.path):
        raise Inconsistent(_("%(parent)s lies under %(unit)s: that would be a circle") % {"parent": parent, "unit": unit})
    if unit.parent_id == parent.pk:
        return
    last = unit.places.last()
    began = last.until + DAY if last else unit.valid_from
    _in_order(unit, since, began)
    if began != since:
        UnitPlace.objects.create(unit=unit, parent_id=unit.parent_id, path=unit.path, since=began, until=since - DAY)
    old, new = unit.path, f"{parent.path}{unit.pk}/"
    Unit.objects.filter(path__under=old).update(path=Concat(Value(new), Substr("path", len(old) + 1)))
    Unit.objects.filter(pk=unit.pk).update(parent=parent)
    unit.refresh_from_db()


def _end(unit: Unit, last_day: date) -> None:
    _in_order(unit, last_day, unit.valid_from)
    for last in (unit.names.last(), unit.places.last()):
        if last and last_day <= last.until:
            raise Inconsistent(_("%(unit)s changed after %(day)s: it cannot have ended then") % {"unit": unit, "day": last_day})
    unit.valid_until = last_day
    unit.save(update_fields=["valid_until"])


def ended(unit: Unit) -> str:
    """Words for a unit that is no more."""
    return _("%(unit)s ended on %(day)s.") % {"unit": unit, "day": unit.valid_until}


def _must_be_open(unit: Unit) -> None:
    if not unit.open:
        raise Inconsistent(ended(unit))


def _not_ahead(day: date) -> None:
    if day > timezone.localdate():
        raise Inconsistent(_("%s is still to come: enter it on the day") % day)


def _not_before_its_beginning(unit: Unit, day: date | None) -> None:
    if unit.valid_from and (day is None or day < unit.valid_from):
        raise Inconsistent(_("%(unit)s began on %(day)s only") % {"unit": unit, "day": unit.valid_from})


def _in_order(unit: Unit, day: date, began: date | None) -> None:
    """Not ahead of today, not before the unit, not before what was entered last."""
    _not_ahead(day)
    if began and day < began:
        raise Inconsistent(
            _("%(unit)s: %(day)s is before %(began)s, when it began or last changed") % {"unit": unit, "day": day, "began": began}
        )


def _code_is_free(code: str) -> None:
    holder = next((unit for unit in by_code(code) if unit.open and unit.code == code), None)
    if holder:
        raise Inconsistent(_("code %(code)s is %(unit)s's") % {"code": code, "unit": holder})


def _note(action: str, unit: Unit, by: By, **detail: Any) -> None:
    detail |= {"decision": by.decision or None}
    given = {key: value for key, value in detail.items() if value is not None}
    journal.write(action, by.actor, unit_path=unit.path, subject=unit.name, address=by.address, **given)
