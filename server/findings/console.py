"""`rasoat server findings ...`, once Django is set up (server/cli.py)."""

from __future__ import annotations

import argparse
from datetime import date

from django.utils.translation import gettext as _

from server.assess import repeated
from server.findings import rollup, tally
from server.findings import verify as verifying
from server.findings.models import Rule
from server.terminal import FAILED, OK, say
from server.units.models import Unit

SHOWN = 20


def verify(options: argparse.Namespace) -> int:
    """Counts again; 1 when a tally was off, or what a machine repeats of its newest report, repaired or not."""
    off = strayed = 0
    names = dict(Unit.objects.values_list("pk", "name"))
    for one in verifying.verify(options.repair):
        off += 1
        if off <= SHOWN:
            rule = Rule.objects.filter(pk=one.rule).first()
            say(f"{names.get(one.unit, one.unit)}  {rule or one.rule}: {_counts(one.counted)} -> {_counts(one.really)}")
    for machine in repeated.off(options.repair):
        strayed += 1
        if strayed <= SHOWN:
            say(_("%s: its numbers are not those of its newest report") % machine.name)
    if not (off or strayed):
        say(_("Every tally is what counting again gives."))
        return OK
    if off:
        say((_("%d tallies were off and are right now.") if options.repair else _("%d tallies are off.")) % off)
    return FAILED


def count(options: argparse.Namespace) -> int:
    """What the worker does every few minutes."""
    moved = 0
    while settled := tally.settle():
        moved += settled
    say(_("%(reports)d reports counted in, %(moved)d machines moved") % {"reports": tally.fold_all(), "moved": moved})
    return OK


def roll_up(options: argparse.Namespace) -> int:
    """The days that were missed, or one day again."""
    days: list[date] = [options.date] if options.date else rollup.missed()
    for day in days:
        say(_("%(day)s: %(rows)d rows") % {"day": day.isoformat(), "rows": rollup.roll_up(day)})
    return OK


def _counts(counts: tuple[int, ...]) -> str:
    return "/".join(map(str, counts))
