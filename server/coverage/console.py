"""`rasoat server coverage ...`: take lists over and tell the numbers, for scripts."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from django.utils import timezone
from django.utils.translation import gettext as _

from server.coverage import lists, numbers, register
from server.terminal import FAILED, OK, USAGE, say, wrong
from server.units.console import named

GAPS = FAILED


def take(options: argparse.Namespace) -> int:
    unit = named(options.unit)
    if unit is None:
        return USAGE
    path, now = Path(options.file), timezone.now()
    try:
        raw = path.read_bytes()
        read = lists.read(options.source, raw, path.name, now)
        plan = register.take(
            unit, options.source, path.name, raw, read, "console", now, dry=options.dry_run, shorter=options.shorter
        )
    except OSError as error:
        return wrong(f"{path}: {error.strerror}")
    except lists.ListError as error:
        return wrong(*error.problems)
    for note in plan.notes:
        sys.stderr.write(f"rasoat: {note}\n")
    told = _(
        "%(lines)d lines: %(new)d new, %(known)d known, %(gone)d no longer listed; %(matched)d have an agent, %(ambiguous)d fit several machines"
    )
    sys.stdout.write(told % plan._asdict() + "\n")
    if options.dry_run:
        sys.stdout.write(_("Nothing was changed.") + "\n")
    return OK


def show(options: argparse.Namespace) -> int:
    """Exit code 1 when something expected does not report."""
    unit = named(options.unit)
    if unit is None:
        return USAGE
    now = timezone.now()
    total, branches = numbers.branches(None, unit, now)
    rows = [(unit.name, total), *((branch.unit.name, branch.numbers) for branch in branches)]
    if options.format == "json":
        told = [{"unit": name, **vars(one)} for name, one in rows]
        sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=1) + "\n")
    else:
        words = (_("Expected"), _("Ever seen"), _("Up to date"), _("Judged"), _("Excused"))
        for name, one in rows:
            shares = (f"{count}" + ("" if share is None else f" ({share} %)") for _word, count, share in one.shares)
            cells = zip(words, (one.expected, *shares, one.excused), strict=True)
            say(f"{name}  " + "  ".join(f"{word}: {cell}" for word, cell in cells))
    return OK if total.fresh == total.expected else GAPS


def gap(options: argparse.Namespace) -> int:
    unit = named(options.unit)
    if unit is None:
        return USAGE
    for row in numbers.gap(None, options.gap, unit, timezone.now()).iterator(chunk_size=500):
        sys.stdout.write(f"{row.unit.name}\t{row.name}\n")
    return OK
