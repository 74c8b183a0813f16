"""Terms that come to their end: said in time, and noted when they are over."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from server.background.declare import Outcome, Work, task
from server.waivers import ending


@task("waivers.check", _("See which waivers end soon"))
def check(work: Work) -> Outcome:
    warned, over = ending.check()
    return {"warned": warned, "ended": over} if warned or over else None
