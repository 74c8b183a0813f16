"""`rasoat server export`"""

from __future__ import annotations

import argparse
import json
import os
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from django.utils.translation import gettext as _

from server import database
from server.exports import glpi, netbox
from server.exports.seen import each, under
from server.exports.tables import HEADINGS, TABLES
from server.ingest.models import IN_SERVICE, Machine
from server.journal import models as journal
from server.terminal import FAILED, OK, say, wrong
from server.units.console import named
from server.units.models import Unit
from server.web.spreadsheet import written


def export(options: argparse.Namespace) -> int:
    unit = named(options.unit)
    if unit is None:
        return wrong()
    if options.format != "csv" and options.what != "assets":
        return wrong(_("only assets have that format"))
    if options.format != "csv" and not options.output:
        return wrong(_("say where to: -o FILE"))
    database.unhurried()
    try:
        if options.format == "csv":
            lines = written(TABLES[options.what](unit), dict, HEADINGS[options.what].split(), bom=not options.no_bom)
            _csv(lines, options.output)
            counted = ""
        else:
            done, left = _whole(Path(options.output), lambda out: FORMATS[options.format](unit, out))
            counted = _("%(done)d machines written, %(left)d left out (left-out.csv says why)") % {"done": done, "left": left}
    except OSError as error:
        wrong(f"{options.output}: {error.strerror}")
        return FAILED
    journal.write("export.made", "console", unit_path=unit.path, subject=options.what, format=options.format)
    if counted:
        say(counted)
    return OK


def _csv(lines: Iterator[str], output: str | None) -> None:
    if output is None:
        sys.stdout.writelines(lines)
        return

    def write(out: IO[bytes]) -> tuple[int, int]:
        out.writelines(line.encode() for line in lines)
        return 0, 0

    _whole(Path(output), write)


def _whole(target: Path, write: Callable[[IO[bytes]], tuple[int, int]]) -> tuple[int, int]:
    """Under its name only once it is whole, and for this account alone."""
    half = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            counts = write(out)
        half.replace(target)
    finally:
        half.unlink(missing_ok=True)
    return counts


def _glpi(unit: Unit, out: IO[bytes]) -> tuple[int, int]:
    done, left = 0, [("asset", "name", "why")]
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for seen in each(under(unit)):
            document = glpi.document(seen)
            if document is None:
                left.append((f"rasoat-{seen.machine.pk}", seen.machine.name, seen.why or "what it is was not seen"))
                continue
            archive.writestr(f"{document['deviceid']}.json", json.dumps(document, ensure_ascii=False, indent=1))
            done += 1
        rows = (dict(zip(left[0], row, strict=True)) for row in left[1:])
        archive.writestr("left-out.csv", "".join(written(rows, dict, left[0])))
    return done, len(left) - 1


def _netbox(unit: Unit, out: IO[bytes]) -> tuple[int, int]:
    book = netbox.Book(netbox.names(Machine.objects.filter(IN_SERVICE).values_list("pk", "name")))
    added = [book.add(seen) for seen in each(under(unit))]
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(book.files()):
            archive.writestr(name, text)
    return sum(added), len(added) - sum(added)


FORMATS: dict[str, Callable[[Unit, IO[bytes]], tuple[int, int]]] = {"glpi": _glpi, "netbox": _netbox}
