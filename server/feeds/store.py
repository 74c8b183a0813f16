"""Put a feed's data in force: fill a generation nobody reads, then point the feed at it. Old rows go afterwards, in slices.

Whatever ends an import before its last line - a mistake in the file, a killed process, a full disk - leaves the generation in
force as it was; the next import removes what was half written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

from django.db import connection
from django.db.models import Max, Min, Q
from django.dispatch import Signal
from django.utils import timezone

from server.feeds.models import CONTENT, Feed, Generation
from server.feeds.parsers import BARE, KINDS, Malformed, Source
from server.feeds.rows import Batch, Unfit
from server.journal import models as journal

swapped: Final = Signal()
"""A feed has other data than before. Sent in the transaction of the swap, with `feed`: enqueue there, do not compute."""
REMOVED_AT_ONCE: Final = 20_000
KEPT: Final = timedelta(days=1)
"""Replaced data stay so long for work that began with them: rows that vanish under it would read as "nothing known"."""
AHEAD: Final = timedelta(days=1)
"""A clock may be wrong by so much; data made later than that are of no day we know."""


class Refused(ValueError):
    """The file is not taken. `reason` is a word for programs; the message is for people."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Progress(Protocol):
    """What the store asks of a job (server.background.declare.Work)."""

    def slice(self, count: int = 1, **kept: Any) -> AbstractContextManager[None]: ...


@dataclass(frozen=True)
class File:
    """One file of a feed, as the bundle's signed list names it."""

    feed: str
    kind: str
    path: Path
    name: str
    data_date: date
    digest: str
    publisher: str = ""
    licence: str = ""
    bundle: int = 0
    given: dict[str, str] = field(default_factory=dict)


def take(file: File, work: Progress, by: str) -> Generation | None:
    """The new generation in force; None when the file is in force already, as it would be read now. Raises Refused."""
    kind = KINDS.get(file.kind)
    if kind is None:
        raise Refused("unknown-kind", f"{file.name}: this version reads no {file.kind!r}")
    feed, _made = Feed.objects.get_or_create(name=file.feed, defaults={"kind": file.kind, "limit_days": kind.limit_days})
    try:
        return _filled(feed, file, work, by)
    except (Malformed, Refused) as error:
        refused = error if isinstance(error, Refused) else Refused("malformed", str(error))
        with work.slice(0):
            Feed.objects.filter(pk=feed.pk).update(refused_at=timezone.now(), refused=str(refused)[:500])
            journal.write("feed.refused", by, subject=feed.name, reason=refused.reason, said=str(refused)[:300])
        raise refused from None


def _filled(feed: Feed, file: File, work: Progress, by: str) -> Generation | None:
    now = feed.generation
    if feed.kind != file.kind:
        raise Refused("other-kind", f"{file.name}: the feed {feed.name} is of kind {feed.kind}, this file is {file.kind}")
    if now is not None and file.bundle and file.bundle < now.bundle:
        raise Refused("older", f"{file.name}: a newer bundle ({now.bundle}) came in before this one ({file.bundle})")
    kind = KINDS[file.kind]
    if now is not None and _same(now, file, kind.number):
        return None
    _not_older(now, file.data_date, file)
    source = Source(file.path, file.name, dict(file.given))
    size = file.path.stat().st_size
    with work.slice(0):
        made = Generation.objects.create(
            feed=feed, data_date=file.data_date, digest=file.digest, size=size, bundle=file.bundle, parser=kind.number, given=file.given
        )  # fmt: skip
    batch, told, empty = Batch(made.pk), 0, True
    for row in _rows(source, file):
        empty = empty and isinstance(row, BARE)
        try:
            batch.add(row)
        except Unfit as error:
            raise source.malformed(f"record {source.records}", error) from None
        if batch.full:
            read = source.read_so_far() // 1024
            with work.slice(max(0, read - told)):
                batch.write()
            told = max(told, read)
    if empty:
        raise Refused("empty", f"{file.name}: holds no record that rasoat uses")
    if source.data_date is not None and source.data_date != file.data_date:
        raise Refused("other-date", f"{file.name}: says it is of {source.data_date}, the list says {file.data_date}")
    with work.slice(max(0, size // 1024 - told)):
        batch.write()
        _swap(feed, made, file, source, batch.written, by)
    made.refresh_from_db()
    return made


def _same(now: Generation, file: File, parser: int) -> bool:
    """The same file, read by the same parser with the same words beside it: it would give the same rows."""
    return (now.digest, now.data_date, now.parser, now.given) == (file.digest, file.data_date, parser, file.given)


def _rows(source: Source, file: File) -> Iterator[Any]:
    """The parser's rows; whatever it stumbles over is a mistake of the file, with its place."""
    try:
        yield from KINDS[file.kind].read(source)
    except (Malformed, OSError, MemoryError):
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # a shape no parser thought of: the file is refused like any other that is not of its format
        raise Malformed(f"{source.name}: record {source.records}: {type(error).__name__}: {error}"[:300]) from error


def _not_older(now: Generation | None, dated: date, file: File) -> None:
    if dated > timezone.localdate() + AHEAD:
        raise Refused("future", f"{file.name}: is of {dated}, which is still to come; is the clock of this machine right?")
    if now is not None and dated < now.data_date:
        raise Refused("older", f"{file.name}: is of {dated}, older than the data in force ({now.data_date})")


def _swap(feed: Feed, made: Generation, file: File, source: Source, rows: int, by: str) -> None:
    """One update; whoever asks before it gets the old data, whoever asks after it the new, nobody a mixture."""
    kind = KINDS[file.kind]
    Generation.objects.filter(feed=feed, replaced_at=None).exclude(pk=made.pk).update(replaced_at=timezone.now())
    Generation.objects.filter(pk=made.pk).update(
        complete=True, records=source.records, rows=rows, left_out=source.left_out, imported_at=timezone.now()
    )
    Feed.objects.filter(pk=feed.pk).update(
        generation=made, publisher=(file.publisher or kind.publisher)[:200], licence=(file.licence or kind.licence)[:200],
        limit_days=kind.limit_days, refused_at=None, refused="",
    )  # fmt: skip
    journal.write(
        "feed.imported", by, subject=feed.name, data_date=str(file.data_date), records=source.records, rows=rows,
        digest=file.digest, bundle=file.bundle,
    )  # fmt: skip
    swapped.send(sender=Feed, feed=feed)


def sweep(work: Progress) -> int:
    """Remove the rows of generations that are in force nowhere: replaced a while ago, refused, or left by a killed import. How many.

    Only one at a time with imports, which hold the same lock: a generation that is being filled is not in force either.
    """
    gone = 0
    in_force = Feed.objects.exclude(generation=None).values("generation")
    over = Q(complete=False) | Q(replaced_at__lt=timezone.now() - KEPT)
    for generation in Generation.objects.filter(over).exclude(pk__in=in_force).order_by("pk"):
        for model in CONTENT:
            # rows of a generation lie side by side, so a slice is a stretch of numbers
            ends = model._base_manager.filter(generation=generation).aggregate(first=Min("pk"), last=Max("pk"))
            for first in range(ends["first"] or 1, (ends["last"] or 0) + 1, REMOVED_AT_ONCE):
                with work.slice(0):
                    gone += _remove(model._meta.db_table, first, first + REMOVED_AT_ONCE, generation.pk)
        with work.slice(0):
            # it may have come in force meanwhile only if the lock did not hold; then it stays
            Generation.objects.filter(pk=generation.pk).exclude(Q(pk__in=in_force)).delete()
    return gone


def _remove(table: str, first: int, after: int, generation: int) -> int:
    name = connection.ops.quote_name(table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {name} WHERE id >= %s AND id < %s AND generation_id = %s",  # noqa: S608  (names are constants)
            [first, after, generation],
        )
        return int(cursor.rowcount)


def sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


__all__ = ["File", "Refused", "Unfit", "swapped", "sweep", "take"]
