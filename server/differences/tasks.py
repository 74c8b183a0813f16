"""What is added up in the background."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from server.background.declare import Outcome, Work, task
from server.differences import beforehand


@task("differences.add-up", _("Add up what turned in the last week"), lock="differences.add-up")
def add_up(work: Work) -> Outcome:
    """Each unit by itself; done twice it writes the same."""
    for _unit in beforehand.add_up():
        work.check()
        work.advance()
    return None
