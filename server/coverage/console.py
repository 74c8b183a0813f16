"""`rasoat server coverage ...`: take lists over and tell the numbers, for scripts."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from django.utils import timezone
from django.utils.translation import gettext as _

from server.coverage import lists, numbers, register
from server.units.models import Unit, by_code

OK, GAPS, USAGE = 0, 1, 2


def take(options: argparse.Namespace) -> int:
    unit = _unit(options.unit)
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
        return _wrong([f"{path}: {error.strerror}"])
    except lists.ListError as error:
        return _wrong(error.problems)
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
    unit = _unit(options.unit)
    if unit is None:
        return USAGE
    now = timezone.now()
    total, branches = numbers.branches(None, unit, now)
    rows = [(unit.name, total), *((branch.unit.name, branch.numbers) for branch in branches)]
    if options.format == "json":
        told = [{"unit": name, **vars(one)} for name, one in rows]
        sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=1) + "\n")
    else:
        for name, one in rows:
            shares = "  ".join(
                f"{word} {count}" + ("" if share is None else f" ({share} %)") for word, count, share in one.shares
            )
            sys.stdout.write(f"{name}  expected {one.expected}  {shares}  excused {one.excused}\n")
    return OK if total.fresh == total.expected else GAPS


def gap(options: argparse.Namespace) -> int:
    unit = _unit(options.unit)
    if unit is None:
        return USAGE
    for row in numbers.gap(None, options.gap, unit, timezone.now()).iterator(chunk_size=500):
        sys.stdout.write(f"{row.unit.name}\t{row.name}\n")
    return OK


def _unit(name: str | None) -> Unit | None:
    """The unit of that code or name; the highest without one."""
    found = (
        list(Unit.objects.filter(parent=None)[:1]) if name is None else by_code(name) or list(Unit.objects.filter(name=name)[:2])
    )
    if len(found) == 1:
        return found[0]
    _wrong([(_("no unit %s") if not found else _("more than one unit is called %s")) % name])
    return None


def _wrong(problems: list[str]) -> int:
    for problem in problems[:50]:
        sys.stderr.write(f"rasoat: {problem}\n")
    if len(problems) > 50:
        sys.stderr.write(f"rasoat: +{len(problems) - 50}\n")
    return USAGE
