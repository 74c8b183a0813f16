"""Take a small file over within a request, as it was shown: whole or not at all, and only over what is still as it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from server.journal import models as journal
from server.registers import changing, linking
from server.registers.books import BOOKS, Book
from server.registers.models import Upload
from server.registers.planning import CHANGED, NEW, Plan, Row, plan
from server.registers.reading import unpacked
from server.registers.record import Change
from server.units.models import User

SLICE = 500


class Stale(Exception):
    """What stands in the register is another than when the plan was shown. `plan`: as it would be now."""

    def __init__(self, now: Plan) -> None:
        self.plan = now
        super().__init__("the register changed meanwhile")


def plan_of(upload: Upload, user: User) -> Plan:
    """What taking it over would change now."""
    return plan(BOOKS[upload.book], unpacked(bytes(upload.packed)), upload.mapping, upload.unit, user)


def take(upload: Upload, user: User, digest: str, address: str = "") -> dict[str, int]:
    """Carry out the plan of that digest. Rows that it refuses are left out. Raises Stale."""
    try:
        counts, fresh = _take(upload, user, digest, address)
    except IntegrityError:
        # another unit took one of its serial numbers a moment ago: nothing was written, and the plan says now of whom it is
        raise Stale(plan_of(upload, user)) from None
    if upload.book == "equipment":
        linking.join(fresh, user.username)
    return counts


def _take(upload: Upload, user: User, digest: str, address: str) -> tuple[dict[str, int], list[Any]]:
    book = BOOKS[upload.book]
    with transaction.atomic():
        locked = Upload.objects.select_for_update().get(pk=upload.pk)
        if locked.applied_at is not None:
            return dict(locked.result), []
        # entries of this part stay as the plan finds them
        here = book.model.objects.select_for_update(of=("self",)).filter(unit__path__under=upload.unit.path)
        list(here.order_by("pk").values_list("pk", flat=True))
        found = plan_of(upload, user)
        if found.digest != digest:
            raise Stale(found)
        fresh = create(book, found.of(NEW), user)
        change(book, found.of(CHANGED), user)
        counts = found.counts
        Upload.objects.filter(pk=upload.pk).update(applied_at=timezone.now(), packed=b"", result=counts)
        note(upload, user.username, counts, address)
    return counts, fresh


def note(upload: Upload, by: str, counts: dict[str, int], address: str = "") -> None:
    """A line of the journal."""
    journal.write(
        "register.import", by, unit_path=upload.unit.path, subject=upload.file_name, address=address, book=upload.book,
        sha256=upload.sha256, encoding=upload.encoding, **counts,
    )  # fmt: skip


def create(book: Book, rows: list[Row], user: User) -> list[Any]:
    made = []
    for part in _slices(rows):
        records = [book.model(unit=row.unit, created_by=user.username, **row.given) for row in part]
        for record in records:
            changing.prepare(record)
        book.model.objects.bulk_create(records)
        book.change.objects.bulk_create([book.turned(one, user.username, Change.CREATED, new=str(one)) for one in records])
        made += records
    return made


def change(book: Book, rows: list[Row], user: User) -> None:
    fields = ["unit", "version", *(column.id for column in book.fields), *book.derived]
    for part in _slices(rows):
        changes = []
        for row in part:
            changes += [book.turned(row.record, user.username, Change.IMPORTED, *one) for one in row.turned]
            changing.apply(row.record, row.unit, row.given)
            changing.prepare(row.record)
            row.record.version += 1
        book.model.objects.bulk_update([row.record for row in part], fields)
        book.change.objects.bulk_create(changes)


def _slices(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    return (rows[start : start + SLICE] for start in range(0, len(rows), SLICE))
