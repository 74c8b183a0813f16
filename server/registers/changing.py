"""An entry is written or changed: by a version, so that two people never overwrite each other, and with its history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from server.registers.books import Book
from server.registers.columns import text_of
from server.registers.models import DISPOSED, Item, key_of
from server.registers.record import Change, Record
from server.registers.systems import System
from server.units.models import Unit, User


class Refused(ValueError):
    """It cannot be kept like this. The message is for people."""


class Overtaken(Exception):
    """Somebody else changed the entry meanwhile. `now`: as it stands."""

    def __init__(self, now: Record) -> None:
        self.now = now
        super().__init__(f"{now.pk}: version {now.version}")


def create(book: Book, unit: Unit, given: Mapping[str, Any], user: User, kind: str = Change.CREATED, **more: Any) -> Any:
    """A new entry. Raises Refused."""
    record = book.model(unit=unit, created_by=user.username, **given, **more)
    refuse_doubles(record, user)
    try:
        with transaction.atomic():
            record.save()
            book.turned(record, user.username, kind, new=str(record)).save()
    except IntegrityError:
        raise Refused(_taken(record)) from None
    return record


def edit(book: Book, record: Any, version: int, unit: Unit, given: Mapping[str, Any], user: User, kind: str = Change.TYPED) -> int:  # fmt: skip
    """Turn these fields of the entry as it was in that version; how many turned. Raises Refused, Overtaken."""
    try:
        with transaction.atomic():
            now = book.model.objects.select_for_update().get(pk=record.pk)
            if now.version != version:
                raise Overtaken(now)
            turned = differences(book, now, unit, given)
            if not turned:
                return 0
            apply(now, unit, given)
            refuse_doubles(now, user)
            now.version += 1
            now.save()
            book.change.objects.bulk_create(
                [book.turned(now, user.username, kind, field, old, new) for field, old, new in turned]
            )
    except IntegrityError:
        raise Refused(_taken(record)) from None
    return len(turned)


def _taken(record: Any) -> str:
    """Somebody was quicker by less than the look before."""
    if isinstance(record, System):
        return _("Another entry has the same code since a moment ago.")
    return _("Another entry has the same serial number or the same machine since a moment ago.")


def apply(record: Any, unit: Unit, given: Mapping[str, Any]) -> None:
    record.unit = unit
    for name, value in given.items():
        setattr(record, name, value)


def differences(book: Book, record: Any, unit: Unit, given: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(field, old, new) of what would turn, as texts."""
    found = [("unit", record.unit.name, unit.name)] if record.unit_id != unit.pk else []
    choices = book.choices
    for column in book.fields:
        if column.id in given and (old := getattr(record, column.id)) != given[column.id]:
            new = given[column.id]
            if column.kind == "choice":  # its code: whoever reads it later may speak another language
                found.append((column.id, old or "", new or ""))
            else:
                found.append((column.id, text_of(column, old, choices), text_of(column, new, choices)))
    return found


def prepare(record: Any) -> None:
    """What saving one by one does, for entries that are written many at a time."""
    if isinstance(record, Item):
        record.serial_key = key_of(record.serial)


def refuse_doubles(record: Any, user: User) -> None:
    """Raises Refused where another entry is meant to be the same thing, naming it as far as this person may see it."""
    if isinstance(record, Item):
        for why in _doubles_of(record, user):
            raise Refused(why)
        return
    coded = System.objects.filter(code=record.code).exclude(pk=record.pk) if isinstance(record, System) and record.code else None
    if coded is not None and (other := coded.select_related("unit").first()):
        raise Refused(_("System code %(code)s is that of %(other)s.") % {"code": record.code, "other": called(other, user)})
    if twin := type(record).objects.filter(unit=record.unit, name=record.name).exclude(pk=record.pk).first():
        raise Refused(
            _("%(name)s of this unit stands in the register already: number %(number)d.") % {"name": twin.name, "number": twin.pk}
        )


def _doubles_of(item: Item, user: User) -> Iterator[str]:
    others = Item.objects.exclude(pk=item.pk).select_related("unit")
    key = key_of(item.serial)
    if key and item.state != DISPOSED and (other := others.filter(serial_key=key).exclude(state=DISPOSED).first()):
        yield _("Serial number %(serial)s is that of %(other)s.") % {"serial": item.serial, "other": called(other, user)}
    if item.tag and (other := others.filter(tag=item.tag, unit=item.unit).first()):
        yield _("Asset tag %(tag)s is that of %(other)s.") % {"tag": item.tag, "other": called(other, user)}
    if item.machine_id and (other := others.filter(machine=item.machine_id).first()):
        yield _("The machine is already that of %(other)s.") % {"other": called(other, user)}
    if item.machine and not item.machine.unit.path.startswith(item.unit.path):
        yield _("Its machine lies in another unit (%(unit)s): move the machine, or take the link away.") % {
            "unit": item.machine.unit.name if user.may("see", item.machine.unit) else "–"
        }


def called(item: Item | System, user: User) -> str:
    """How to name another entry to this person."""
    number = _("number %d of the register") % item.pk
    return f"{item.name} ({item.unit.name}, {number})" if user.may("see", item.unit) else number
