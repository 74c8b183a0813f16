"""`rasoat register stocktake ...`: what is found is said by people on the page; scripts begin stock-takes and read them."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from django.utils import timezone
from django.utils.translation import gettext as _

from server.background import delivery
from server.registers import acting, stocktake, tasks
from server.registers.console import written
from server.registers.stocks import OUTCOMES, Line, Stocktake
from server.registers.stocktaking import workbook
from server.terminal import FAILED, OK, USAGE, say, wrong
from server.units.console import named


def listed(options: argparse.Namespace) -> int:
    every = list(Stocktake.objects.all())
    counts = stocktake.counts_of(every)
    for one in every:
        numbers = "/".join(str(counts[one.pk][name]) for name in ("found", "missing", "elsewhere", "surplus", "undecided"))
        say(f"{one.pk}  {one.on.isoformat()}  {one.name}  {one.get_state_display()}  {numbers}  {one.unit_name}")
    return OK


def new(options: argparse.Namespace) -> int:
    unit = named(options.unit)
    if unit is None:
        return USAGE
    if not options.name.strip() or len(options.name) > 200:
        return wrong(_("a stock-take needs a name of at most 200 characters"))
    day = options.on or timezone.localdate()
    held = stocktake.begin(unit, options.name.strip(), day, acting.CONSOLE, options.decision[:200])
    tasks.ask_to_freeze(held, acting.CONSOLE)
    delivery.take(acting.CONSOLE, 0.1, until_empty=True, signals=False)
    held.refresh_from_db()
    say(f"{held.pk}  {held.name}  {held.get_state_display()}  {held.lines.count()}")
    return OK if held.state == Stocktake.OPEN else FAILED


def show(options: argparse.Namespace) -> int:
    held = _of(options.stocktake)
    if held is None:
        return USAGE
    counts = stocktake.counts(held)
    differs = stocktake.lines_of(held, "differs")
    code = OK if held.state == Stocktake.CLOSED and counts["found"] == counts["all"] else FAILED
    if options.format == "json":
        told = {
            "id": held.pk, "name": held.name, "on": held.on.isoformat(), "unit": held.unit_name, "state": held.state,
            "closed_at": held.closed_at.isoformat() if held.closed_at else None, **counts, "differences": [_told(line) for line in differs],
        }  # fmt: skip
        sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=1) + "\n")
        return code
    say(f"{held.name}  {held.on.isoformat()}  {held.unit_name}  {held.get_state_display()}")
    for name, word in [*OUTCOMES, ("undecided", _("not decided"))]:
        say(f"  {word}: {counts[name]}")
    for line in differs:
        outcome = line.get_outcome_display() or _("not decided")
        say("    " + "\t".join([str(line.number or ""), line.name, line.serial, line.unit_name, str(outcome), line.place]))
    return code


def _told(line: Line) -> dict[str, object]:
    same = ("number", "name", "serial", "tag", "unit_name", "outcome", "place", "note", "by")
    return {name: getattr(line, name) for name in same}


def export(options: argparse.Namespace) -> int:
    held, path = _of(options.stocktake), Path(options.file)
    if held is None:
        return USAGE
    if path.suffix.lower() != ".xlsx":
        return wrong(_("%s: write a name that ends in .xlsx") % path)
    return written(path, workbook(held))


def _of(pk: int) -> Stocktake | None:
    found = Stocktake.objects.select_related("unit").filter(pk=pk).first()
    if found is None:
        wrong(_("no stock-take %d") % pk)
    return found
