"""`rasoat server journal ...`"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from server.journal import export
from server.journal.models import Entry, broken_at
from server.relays.keys import keys
from server.units.models import Unit

OK, FAILED, USAGE = 0, 1, 2


def verify(options: argparse.Namespace) -> int:
    broken = broken_at()
    if broken is not None:
        sys.stdout.write(
            _("The journal does not follow from itself at row %d: it or the row before was changed or removed.") % broken + "\n"
        )
        return FAILED
    sys.stdout.write(_("%d rows, unbroken") % Entry.objects.count() + "\n")
    return OK


def write(options: argparse.Namespace) -> int:
    """A whole file or none: it is written beside and renamed."""
    path = Path(options.file)
    before = Entry.objects.filter(pk__lte=options.after).order_by("-pk").first() if options.after else None
    after = (before.pk, before.digest) if before else (0, "")
    root = Unit.objects.filter(parent=None).first()
    part = path.with_name(path.name + ".part")
    try:
        with part.open("xb") as out:
            for line in export.lines(_rows(after[0]), after, root.name if root else "", keys()):
                out.write(line)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        sys.stderr.write(f"rasoat: {path}: {error.strerror}\n")
        return USAGE
    return check(argparse.Namespace(file=options.file, continues=None, signed_by=""))


def _rows(after: int) -> Iterator[dict[str, Any]]:
    for entry in Entry.objects.filter(pk__gt=after).order_by("pk").iterator(chunk_size=500):
        yield {"id": entry.pk, **dict(zip(export.ROW, entry.row(), strict=True)), "digest": entry.digest}


def check(options: argparse.Namespace) -> int:
    """Of a file alone: no collector is asked."""
    try:
        told = export.check(Path(options.file), Path(options.continues) if options.continues else None, options.signed_by)
    except export.Broken as error:
        sys.stdout.write(f"{error}\n")
        return FAILED
    except OSError as error:
        sys.stderr.write(f"rasoat: {error.filename}: {error.strerror}\n")
        return USAGE
    signed = told.signed_by or _("nobody")
    words = _("%(rows)d rows, unbroken, up to row %(last)s of %(at)s; signed by %(signed)s")
    sys.stdout.write(words % {"rows": told.rows, "last": told.last or 0, "at": told.exported_at, "signed": signed} + "\n")
    return OK
