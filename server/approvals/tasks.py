"""Requests that nobody answered."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from server.approvals import deciding
from server.background.declare import Outcome, Work, task


@task("approvals.expire", _("Note requests that ran out unanswered"))
def expire(work: Work) -> Outcome:
    return {"removed": gone} if (gone := deciding.expire()) else None
