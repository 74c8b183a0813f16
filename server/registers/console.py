"""`rasoat register ...`: the registers for scripts."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from server.background import delivery
from server.registers import acting, applying, files, importing, looking, tasks, writing
from server.registers.books import BOOKS, Book
from server.registers.columns import text_of
from server.registers.models import Upload
from server.registers.reading import MAX_BYTES, ReadingError
from server.registers.views import narrowed
from server.terminal import FAILED, MOST, OK, USAGE, say, wrong
from server.units.console import named

SLICE = 500
WAIT_SECONDS = 0.5


def _rows(options: argparse.Namespace) -> tuple[Book, Any] | None:
    """The register, and its entries that are meant; None: there is no such unit."""
    book = BOOKS[options.book]
    rows = book.rows(acting.person("", on_console=True))
    if options.unit is None:
        return book, rows
    unit = named(options.unit)
    return None if unit is None else (book, rows.filter(unit__path__under=unit.path))


def listed(options: argparse.Namespace) -> int:
    found = _rows(options)
    if found is None:
        return USAGE
    book, rows = found
    rows, choices = narrowed(book, rows, {"q": options.find}), book.choices

    def told(record: Any) -> dict[str, str]:
        return {column.id: text_of(column, record.shown(column.id).value, choices) for column in book.fields}

    many = rows.order_by("pk").iterator(chunk_size=SLICE)
    if options.format == "json":
        same = ({"id": one.pk, "edition": one.version, "unit": one.unit.name, **told(one)} for one in many)
        sys.stdout.write("[" + ",\n ".join(json.dumps(one, ensure_ascii=False) for one in same) + "]\n")
        return OK
    for one in many:
        cells = told(one)
        kept = [cells[name] for name in ("tag", "serial", "code", "level_approved", "licence_until") if cells.get(name)]
        say("  ".join([str(one.pk), cells["name"], *kept, cells["state"], one.unit.name]))
    return OK


def export(options: argparse.Namespace) -> int:
    path = Path(options.file)
    form = path.suffix.lower()
    if form not in (".xlsx", ".csv"):
        return wrong(_("%s: write a name that ends in .xlsx or .csv") % path)
    found = _rows(options)
    if found is None:
        return USAGE
    return written(path, (files.workbook if form == ".xlsx" else files.table)(*found))


def written(path: Path, parts: Iterable[bytes]) -> int:
    """The file is there whole, or as it was before."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("xb") as out:
            out.writelines(parts)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        return wrong(f"{path}: {error.strerror}")
    say(str(path))
    return OK


def take(options: argparse.Namespace) -> int:
    path = Path(options.file)
    unit = named(options.unit)
    if unit is None:
        return USAGE
    user = acting.person("", on_console=True)
    try:
        if path.stat().st_size > MAX_BYTES:
            return wrong(_("The file is larger than %d MiB.") % (MAX_BYTES >> 20))
        upload = importing.keep(path.read_bytes(), path.name, options.book, unit, user, console=True)
    except OSError as error:
        return wrong(f"{path}: {error.strerror}")
    except ReadingError as error:
        return wrong(f"{path}: {error}")
    if upload.background:
        _work(upload)
    if upload.useless:
        return wrong(f"{path}: {upload.useless}")
    if upload.state != Upload.READY:
        return wrong(_("%s: it was not looked at; `rasoat server jobs list` says why") % path)
    if not any(upload.mapping):
        upload.delete()
        return wrong(_("%s: no heading of the file means anything here") % path)
    return _shown(upload, user, options)


def _shown(upload: Upload, user: Any, options: argparse.Namespace) -> int:
    """Say what it would change, and write it where that is wanted."""
    if upload.background:
        counts, digest, parts = upload.preview["counts"], upload.preview["digest"], looking.kept_parts(upload)
    else:
        plan = applying.plan_of(upload, user)
        counts, digest, parts = plan.counts, plan.digest, looking.parts_of(plan, BOOKS[upload.book])
    for row, _turned in parts["refused"][:MOST]:
        for column, why in row.problems:
            wrong(f"{upload.file_name}:{row.line}: {column}: {why}" if column else f"{upload.file_name}:{row.line}: {why}")
    say(_("%(new)d new, %(changed)d to be changed, %(same)d unchanged, %(refused)d refused") % counts)
    refused = bool(counts["refused"])
    if options.dry_run or (refused and not options.partly) or not (counts["new"] or counts["changed"]):
        if refused and not options.dry_run and not options.partly:
            wrong(_("Nothing was written. Mend the rows, or write the others with --partly."))
        upload.delete()
        return FAILED if refused else OK
    return _written(upload, user, digest) or (FAILED if refused else OK)


def _written(upload: Upload, user: Any, digest: str) -> int:
    if upload.background:
        with transaction.atomic():
            begun = writing.begin(upload, user, digest)
            if begun:
                tasks.ask_to_take(upload, user.username, console=True)
        _work(upload)
    else:
        try:
            applying.take(upload, user, digest)
        except applying.Stale:
            return wrong(_("The register changed meanwhile, and nothing was written: try again."))
    upload.refresh_from_db()
    if upload.applied_at is None:
        say(_("It is written in the background: %d rows so far") % upload.written)
        return FAILED
    for why, lines, _many in importing.left_of(upload):
        wrong(f"{upload.file_name}:{lines}: {why}")
    result = {"new": 0, "changed": 0} | upload.result
    say(_("Written: %(new)d new, %(changed)d changed") % result)
    return FAILED if upload.left else OK


def _work(upload: Upload) -> None:
    """Do the background work of it here, and wait for it; another worker may have it."""
    upload.refresh_from_db()
    while True:
        delivery.take(acting.CONSOLE, 0.1, until_empty=True, signals=False)
        job = tasks.job_of(upload)
        if job is None or job.ended:
            break
        time.sleep(WAIT_SECONDS)
    upload.refresh_from_db()
