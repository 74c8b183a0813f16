"""Housekeeping of snapshots."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from server.background.declare import Outcome, Work, task
from server.storage import retention


@task("storage.prune", _("Remove old snapshots"), lock="storage.prune", journal="snapshot.pruned")
def prune(work: Work) -> Outcome:
    """Interrupted, it goes on with the machine it was at."""
    removed: int = work.kept.get("removed", 0)
    for count, machine in retention.slices(after=work.kept.get("after", 0)):
        removed += count
        work.advance(count, removed=removed, after=machine - 1)
    return {"removed": removed}
