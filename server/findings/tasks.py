"""What is counted in the background."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from server.background.declare import Outcome, Work, task
from server.findings import rollup, tally


@task("findings.count", _("Count in what reports have changed"), lock="findings.count")
def count(work: Work) -> Outcome:
    """Begun twice, it counts nothing twice: what is counted in is taken away in the same transaction."""
    while moved := tally.settle():
        work.advance(moved)
    while folded := tally.fold():
        work.advance(folded)
    return {}


@task("findings.roll-up", _("Keep each day's counts"), lock="findings.roll-up")
def roll_up(work: Work) -> Outcome:
    """The days that are over and were not kept yet; a day begun twice is written anew."""
    days = rollup.missed()
    work.expect(work.done + len(days))
    for day in days:
        work.check()
        rollup.roll_up(day)
        work.advance()
    return {"days": len(days)}
