"""What people do with findings: take them up, give them to somebody, say how far they are. None of it closes one.

Each is one transaction with its row of the journal. The second of two who save is refused by name and reads what the first wrote.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from server.assignments import people
from server.assignments.models import CHOSEN, OPEN, WAITING, Assignment, Note
from server.findings.codes import UNKNOWN
from server.findings.models import Head, Rule, Standing
from server.ingest.models import IN_SERVICE, Machine
from server.journal import models as journal
from server.units.models import Unit, User

MOST = 500
"""Findings that are taken up or given away at once."""


class Impossible(ValueError):
    """It cannot be done so. The message is for people."""


class Overtaken(Impossible):
    """Somebody else saved it since it was read. The message names who and when."""


class Wish(NamedTuple):
    """What a person wants an assignment to be."""

    owner: User | None
    due: date | None
    state: str = OPEN
    waits_for: str = ""


class Taken(NamedTuple):
    """What became of several."""

    new: list[Assignment]
    known: list[Assignment]
    """There already: changed, not made twice."""
    left_out: list[str]
    """Nothing of them is known to fail now, or they are closed and open by themselves."""


def take(unit: Unit, rule: Rule, machines: Sequence[Machine], wish: Wish, by: User, address: str = "") -> Taken:
    """Take up a rule that does not pass: of each of these machines, or, where none is named, of the unit. Raises Impossible."""
    if len(machines) > MOST:
        raise Impossible(_("At most %d at once.") % MOST)
    found = Taken([], [], [])
    with transaction.atomic():
        some: Sequence[Machine | None] = machines or [None]
        for machine in some:
            _take(found, machine.unit if machine else unit, rule, machine, wish, by, address)
    if not found.new and not found.known:
        raise Impossible(_("Passes, is not asked, or was closed and opens by itself: %s") % ", ".join(found.left_out[:10]))
    return found


def _take(found: Taken, unit: Unit, rule: Rule, machine: Machine | None, wish: Wish, by: User, address: str) -> None:
    _fits(wish, unit)
    at = _failed_at(unit, rule, machine)
    of: dict[str, Any] = {"machine": machine, "rule": rule} if machine else {"machine": None, "rule": rule, "unit": unit}
    held = Assignment.objects.select_for_update(of=("self",)).filter(**of).first()
    if at is None or (held is not None and not held.is_open):
        found.left_out.append(str(machine or unit))
    elif held is not None:
        found.known.append(held)
        _save(held, wish._replace(state=held.state, waits_for=held.waits_for), by, address)
    else:
        made = Assignment.objects.create(
            machine=machine, rule=rule, unit=unit, owner=wish.owner, due=wish.due, made_by=by.username, changed_by=by.username,
            failed_at=at,
        )  # fmt: skip
        found.new.append(made)
        _note("work.new", made, by, address, until=wish.due.isoformat() if wish.due else None)


def change(one: Assignment, wish: Wish, version: int, by: User, address: str = "") -> Assignment:
    """Save what was written over the state that had that version. Raises Overtaken, Impossible."""
    with transaction.atomic():
        held = _held(one.pk)
        if held.version != version:
            raise Overtaken(
                _(
                    "%(who)s saved this at %(at)s, while you were writing. Nothing of yours was saved: below stand what is saved now "
                    "and what you wrote; save again to put yours in its place."
                )
                % {"who": held.changed_by, "at": _moment(held.changed_at)}
            )
        if not held.is_open:
            raise Impossible(_("It is closed. It opens by itself when it fails again."))
        if wish.state not in CHOSEN:
            raise Impossible(_("Nobody closes it: a new scan that passes does."))
        _fits(wish, held.unit)
        _save(held, wish, by, address)
    return held


def give(some: Sequence[Assignment], owner: User | None, due: date | None, by: User, address: str = "") -> int:
    """Several to one person, with one due day; None: stays as it is. How many changed. Raises Impossible."""
    if len(some) > MOST:
        raise Impossible(_("At most %d at once.") % MOST)
    changed = 0
    with transaction.atomic():
        for one in sorted(some, key=lambda one: one.pk):
            held = _held(one.pk)
            if not held.is_open:
                continue
            wish = Wish(owner or held.owner, due or held.due, held.state, held.waits_for)
            if owner is not None:
                _fits(wish, held.unit)
            changed += _save(held, wish, by, address)
    return changed


def comment(one: Assignment, text: str, by: User, address: str = "") -> Note:
    """Kept as it was written; nobody changes what was said."""
    with transaction.atomic():
        made = Note.objects.create(assignment=one, by=by.username, text=text)
        _note("work.comment", one, by, address)
    return made


def _held(pk: int) -> Assignment:
    rows = Assignment.objects.select_for_update(of=("self",)).select_related("unit", "machine", "rule", "owner")
    return rows.get(pk=pk)


def _fits(wish: Wish, unit: Unit) -> None:
    if wish.owner is not None and not people.is_able(wish.owner, unit):
        raise Impossible(_("%(who)s may not handle findings in %(unit)s.") % {"who": wish.owner, "unit": unit})
    if wish.state == WAITING and not wish.waits_for:
        raise Impossible(_("Say what it waits for."))


def _failed_at(unit: Unit, rule: Rule, machine: Machine | None) -> datetime | None:
    """When what does not pass was last seen so; None: nothing is known not to pass."""
    machines = Machine.objects.filter(IN_SERVICE, unit__path__under=unit.path)
    if machine is not None:
        machines = machines.filter(pk=machine.pk)
    failing = Standing.objects.filter(rule=rule, verdict__lte=UNKNOWN, machine__in=machines.order_by().values("pk"))
    return Head.objects.filter(machine__in=failing.values("machine")).order_by("-at").values_list("at", flat=True).first()


def _save(held: Assignment, wish: Wish, by: User, address: str) -> bool:
    """What changed, with who and when; False: nothing did."""
    wish = wish._replace(waits_for=wish.waits_for if wish.state == WAITING else "")
    before, after = _told(held.owner, held.due, held.state, held.waits_for), _told(*wish)
    detail = {name: [before[name], after[name]] for name in after if before[name] != after[name]}
    if not detail:
        return False
    if "due" in detail:
        held.reminded = None
    held.owner, held.due, held.state, held.waits_for = wish.owner, wish.due, wish.state, wish.waits_for
    held.version, held.changed_by, held.changed_at = held.version + 1, by.username, timezone.now()
    held.save(update_fields=["owner", "due", "state", "waits_for", "reminded", "version", "changed_by", "changed_at"])
    Note.objects.create(assignment=held, at=held.changed_at, by=by.username, kind=Note.CHANGED, detail=detail)
    until = held.due.isoformat() if held.due else None
    _note("work.changed", held, by, address, changes=", ".join(detail), until=until if "due" in detail else None)
    return True


def _told(owner: User | None, due: date | None, state: str, waits_for: str) -> dict[str, Any]:
    return {
        "owner": owner.username if owner else "", "due": due.isoformat() if due else "", "state": state, "waits_for": waits_for
    }  # fmt: skip


def _moment(at: datetime) -> str:
    return date_format(timezone.localtime(at), "DATETIME_FORMAT")


def _note(action: str, one: Assignment, by: User, address: str, **detail: Any) -> None:
    owner = one.owner.username if one.owner else None
    journal.write(action, by.username, unit_path=one.unit.path, subject=str(one), address=address, owner=owner, **detail)
