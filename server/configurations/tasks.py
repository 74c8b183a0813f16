"""Housekeeping of configuration versions."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from server.background.declare import Outcome, Work, task
from server.configurations import retention


@task("configurations.prune", _("Remove old configuration versions"), journal="configuration.pruned")
def prune(work: Work) -> Outcome:
    return {"versions": retention.prune()}
