"""What taking a file over would change, as pages show it; of a large file kept, with what each row would write."""

from __future__ import annotations

import json
import zlib
from typing import Any, NamedTuple

from django.utils.translation import override

from server.registers.applying import plan_of
from server.registers.books import BOOKS, Book
from server.registers.columns import mapping_of
from server.registers.models import Upload
from server.registers.planning import CHANGED, NEW, REFUSED, Plan
from server.registers.reading import ReadingError, read
from server.units.models import User

SHOWN = 100
"""Rows of a sort that a page lists."""
SMALL_BYTES, SMALL_ROWS = 128 * 1024, 500
"""More than that is read, or looked at and written, in the background."""


class Told(NamedTuple):
    """A row in words."""

    line: int
    name: str
    unit: str
    problems: list[tuple[str, str]]
    notes: list[tuple[str, str]]


Parts = dict[str, list[tuple[Told, list[tuple[str, str, str]]]]]


def parts_of(plan: Plan, book: Book) -> Parts:
    """The first rows of each state, with what turns in words."""
    words = book.choices
    wanted = {state: plan.of(state) for state in (REFUSED, CHANGED, NEW)} | {"notes": [row for row in plan.rows if row.notes]}
    return {
        state: [
            (
                Told(row.line, row.name, row.unit.name, list(row.problems), list(row.notes)),
                [] if state == "notes" else [_said(one, book, words) for one in row.turned],
            )
            for row in rows[:SHOWN]
        ]
        for state, rows in wanted.items()
    }


def _said(turned: tuple[str, str, str], book: Book, words: Any) -> tuple[str, str, str]:
    field, old, new = turned
    chosen = words.get(field, {})
    return book.columns[field].title, str(chosen.get(old, old)), str(chosen.get(new, new))


def look(upload: Upload, user: User) -> None:
    """Read a large file, if that was not done yet, and keep what it would change. Done twice it finds the same."""
    with override(upload.language):
        if upload.raw and not _read(upload):
            return
        if not any(upload.mapping):
            return
        plan = plan_of(upload, user)
        preview = {
            "mapping": upload.mapping, "counts": plan.counts, "digest": plan.digest, "parts": parts_of(plan, BOOKS[upload.book]),
        }  # fmt: skip
        promised = {row.line: (row.state, row.digest) for row in plan.rows if row.state in (NEW, CHANGED)}
        waiting = Upload.objects.filter(pk=upload.pk, started_at=None, applied_at=None)
        waiting.update(preview=preview, promised=zlib.compress(json.dumps(promised).encode()))


def _read(upload: Upload) -> bool:
    try:
        table = read(bytes(upload.raw), upload.file_name, upload.book)
    except ReadingError as error:
        Upload.objects.filter(pk=upload.pk).update(useless=str(error)[:500], raw=b"")
        return False
    upload.raw, upload.packed, upload.rows = b"", table.packed(), len(table.rows)
    upload.encoding, upload.mapping = table.encoding, mapping_of(upload.book, table.heading)
    upload.save(update_fields=["raw", "packed", "rows", "encoding", "mapping"])
    return True


def promise_of(upload: Upload) -> dict[int, tuple[str, str]]:
    """Line -> what it would do (new or changed), and the digest of the row."""
    told = json.loads(zlib.decompress(bytes(upload.promised))) if upload.promised else {}
    return {int(line): (state, digest) for line, (state, digest) in told.items()}


def kept_parts(upload: Upload) -> Parts:
    """`parts_of`, as they were kept."""
    return {
        state: [(Told(*row), [(field, old, new) for field, old, new in turned]) for row, turned in rows]
        for state, rows in upload.preview["parts"].items()
    }
