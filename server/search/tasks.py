"""What the index lacks is found by comparing."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from server.background.declare import Outcome, Work, task
from server.search import keep


@task("search.catch-up", _("Keep the search like what there is"), lock="search.catch-up")
def catch_up(work: Work) -> Outcome:
    """Begun twice, it writes what is there already once more."""
    for written in keep.catch_up():
        work.check()
        work.advance(written)
    return {}
