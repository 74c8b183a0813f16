"""What is counted in the background."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from server.background.declare import Outcome, Work, task
from server.findings import retention, rollup, tally
from server.storage import retention as snapshots


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


@task("findings.prune", _("Remove old turns of verdicts"), lock="findings.prune", journal="findings.pruned")
def prune(work: Work) -> Outcome:
    """Kept as long as the snapshots they speak of (`keep_snapshot_days`; 0: for good)."""
    removed: int = work.kept.get("removed", 0)
    if before := snapshots.before():
        while count := retention.forget(before):
            removed += count
            work.advance(count, removed=removed)
    return {"removed": removed}
