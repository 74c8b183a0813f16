"""The account of campaigns in the background: made, looked over every few minutes, sealed; and people reminded."""

from __future__ import annotations

import logging
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.background.declare import Outcome, Task, Work, task
from server.campaigns import freezing, leading, reminding, sealing
from server.campaigns.models import Campaign

COLLECTOR = "collector"
log = logging.getLogger(__name__)


def ask(what: Task, held: Campaign, by: str, **more: Any) -> None:
    """For one campaign, never two jobs at once, whether they make its account or seal it."""
    key, lock = f"{what.name}/{held.pk}", f"campaigns/{held.pk}"
    what.enqueue(by=by, unit=held.unit, subject=held.number, key=key, lock=lock, campaign=held.pk, **more)


@task("campaigns.freeze", _("Write down who is in a campaign"))
def freeze(work: Work, campaign: int) -> Outcome:
    """Slice by slice; a slice done twice writes nothing twice. The campaign runs once the account is complete."""
    held = Campaign.objects.select_related("unit").filter(pk=campaign, state=Campaign.STARTING).first()
    if held is None:
        return None
    for phase, step in (("machines", freezing.freeze_machines), ("lines", freezing.freeze_lines)):
        after: int | None = work.kept.get(phase, 0)
        while after is not None and (after := step(held, after)) is not None:
            work.advance(freezing.SLICE, **{phase: after})
    freezing.look(held, timezone.now(), work.advance)
    return {"rows": sealing.begun(held)}


@task("campaigns.seal", _("Take the last look at a campaign and close it"))
def seal(work: Work, campaign: int, address: str = "") -> Outcome:
    held = Campaign.objects.select_related("unit").filter(pk=campaign, state=Campaign.CLOSING).first()
    if held is None:
        return None
    if not freezing.look(held, timezone.now(), work.advance, last=True):
        return None
    return sealing.seal(held, address)


@task("campaigns.look", _("See how campaigns stand"), lock="campaigns.look")
def look(work: Work) -> Outcome:
    """All that run; those over their deadline and grace are closed, and what a dead worker left undone is asked for again."""
    broken: Exception | None = None
    for pk in list(Campaign.objects.exclude(state__in=(Campaign.DRAFT, Campaign.CLOSED)).values_list("pk", flat=True)):
        try:
            _look(work, pk)
        except leading.Impossible:
            pass  # a person closed it a moment ago
        except Exception as error:  # one campaign's bad luck must not stop the others; the job says so at its end
            log.exception("campaign %d", pk)
            broken = broken or error
        work.advance()
    if broken is not None:
        raise broken
    return None


def _look(work: Work, pk: int) -> None:
    held, now = Campaign.objects.select_related("unit").get(pk=pk), timezone.now()
    if held.state == Campaign.STARTING:
        ask(freeze, held, held.started_by)
    elif held.state == Campaign.CLOSING:
        ask(seal, held, held.closed_by)
    elif held.state == Campaign.RUNNING and held.closes_on is not None and timezone.localdate(now) >= held.closes_on:
        leading.close(held, COLLECTOR)
    elif held.state == Campaign.RUNNING and freezing.look(held, now, work.advance):
        reminding.remind(held, now)
