"""Write a large file into a register, in slices: what was promised of each row, and nothing else.

A slice and the note that it is done are one transaction, so that a worker which dies loses nothing and doubles nothing. A row that
would no longer do what was shown is left out and named, with its line; what comes after goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from server.background.declare import Work
from server.registers import applying, linking
from server.registers.books import BOOKS, Book
from server.registers.looking import promise_of
from server.registers.models import Item, Upload
from server.registers.planning import CHANGED, NEW, REFUSED, Plan, Row, without_doubles, without_twins
from server.units.models import User

SLICE = 500
TRIES = 5


def begin(upload: Upload, user: User, digest: str) -> bool:
    """A person says yes to what was shown. False when something else is shown by now, or somebody was quicker."""
    waiting = Upload.objects.filter(pk=upload.pk, started_at=None, applied_at=None)
    if not digest or upload.preview.get("digest") != digest or upload.preview.get("mapping") != upload.mapping:
        return False
    return waiting.update(started_at=timezone.now(), started_by=user.username) == 1


def carry_on(work: Work, upload: Upload, user: User) -> None:
    """Write from where it stands to its end. Raises LaidDown."""
    with override(upload.language):
        promised = promise_of(upload)
        lines = sorted(promised)
        work.expect(len(lines))
        if upload.written > work.done:  # an earlier job came so far
            work.advance(upload.written - work.done)
        rows = {row.line: row for row in _now(upload, user).rows} if upload.written < len(lines) else {}
        while upload.written < len(lines):
            part = lines[upload.written : upload.written + SLICE]
            _slice(work, upload, user, {line: promised[line] for line in part}, rows)
        if upload.book == "equipment":
            work.check()
            fresh = Item.objects.filter(machine=None, unit__path__under=upload.unit.path).select_related("unit")
            linking.join(fresh.order_by("pk"), user.username)
        end(upload, user.username)


def _now(upload: Upload, user: User) -> Plan:
    return applying.plan_of(upload, user)


def _slice(work: Work, upload: Upload, user: User, promised: Mapping[int, tuple[str, str]], rows: Mapping[int, Row]) -> None:
    book = BOOKS[upload.book]
    for tried in range(TRIES):
        try:
            with work.slice(len(promised)):
                kept = Upload.objects.select_for_update(of=("self",)).get(pk=upload.pk)
                wanted, left = _fit(promised, rows)
                wanted, late = _still(book, wanted, user)
                applying.create(book, [row for row in wanted if row.state == NEW], user)
                applying.change(book, [row for row in wanted if row.state == CHANGED], user)
                kept.written += len(promised)
                kept.left = _joined(kept.left, [*left, *late])
                for state in (NEW, CHANGED):
                    kept.result[state] = kept.result.get(state, 0) + sum(row.state == state for row in wanted)
                kept.save(update_fields=["written", "left", "result"])
        except IntegrityError:
            # another unit took one of its serial numbers a moment ago; the next look finds whose it is
            if tried == TRIES - 1:
                raise
        else:
            upload.written, upload.left, upload.result = kept.written, kept.left, kept.result
            return


def _fit(promised: Mapping[int, tuple[str, str]], rows: Mapping[int, Row]) -> tuple[list[Row], list[tuple[int, str]]]:
    """Rows that would still do what was shown, and (line, why) of the others."""
    wanted, left = [], []
    for line, (_state, digest) in promised.items():
        row = rows.get(line)
        if row is not None and row.digest == digest:
            wanted.append(row)
        else:
            left.append((line, _why(row)))
    return wanted, left


def _why(row: Row | None) -> str:
    if row is not None and row.state == REFUSED and row.problems:
        return "; ".join(f"{column}: {why}" if column else why for column, why in row.problems)[:500]
    return _("it would do something else by now than was shown")


def _still(book: Book, rows: Sequence[Row], user: User) -> tuple[list[Row], list[tuple[int, str]]]:
    """Of these, those that still fit in this moment; the entries they change are held until the slice is written."""
    old = [row.record.pk for row in rows if row.state == CHANGED]
    held = book.model.objects.select_for_update(of=("self",)).filter(pk__in=old).order_by("pk")
    versions = dict(held.values_list("pk", "version"))
    left, same = [], []
    for row in rows:
        if row.state == CHANGED and versions.get(row.record.pk) != row.record.version:
            left.append((row.line, _("somebody changed the entry meanwhile")))
        else:
            same.append(row)
    looked = without_doubles(same, user) if book.model is Item else without_twins(book, same, user)
    left += [(row.line, _why(row)) for row in looked if row.state == REFUSED]
    return [row for row in looked if row.state != REFUSED], left


def _joined(left: Mapping[str, list[int]], more: Iterable[tuple[int, str]]) -> dict[str, list[int]]:
    found = {why: list(lines) for why, lines in left.items()}
    for line, why in more:
        found.setdefault(why, []).append(line)
    return found


def give_up(upload: Upload, by: str) -> bool:
    """Leave what was not written yet. False when it ended meanwhile."""
    with override(upload.language):
        rest = sorted(promise_of(upload))[upload.written :]
        more = [(line, _("not written: the import was ended before it came to this line")) for line in rest]
        return end(upload, by, more)


def end(upload: Upload, by: str, more: Sequence[tuple[int, str]] = ()) -> bool:
    """Close it, with its line in the journal. `more`: lines that are left."""
    with transaction.atomic():
        kept = Upload.objects.select_for_update(of=("self",)).select_related("unit").get(pk=upload.pk)
        if kept.applied_at is not None or (more and kept.written != upload.written):
            return False
        left = _joined(kept.left, more)
        counts: dict[str, Any] = {state: kept.result.get(state, 0) for state in (NEW, CHANGED)}
        counts |= {state: kept.preview["counts"][state] for state in ("same", REFUSED)} | {"left": sum(map(len, left.values()))}
        Upload.objects.filter(pk=kept.pk).update(
            applied_at=timezone.now(), packed=b"", promised=b"", preview={}, left=left, result=counts
        )
        applying.note(kept, by, counts)
    return True
