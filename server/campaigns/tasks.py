"""The account of campaigns in the background: made, looked over every few minutes, sealed; and people reminded."""

from __future__ import annotations

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from server.background.declare import Outcome, Work, task
from server.campaigns import freezing, leading, reminding, sealing
from server.campaigns.models import Campaign

COLLECTOR = "collector"


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
    freezing.look(held, timezone.now())
    return {"rows": sealing.begun(held)}


@task("campaigns.seal", _("Take the last look at a campaign and close it"))
def seal(work: Work, campaign: int, address: str = "") -> Outcome:
    held = Campaign.objects.select_related("unit").filter(pk=campaign, state=Campaign.CLOSING).first()
    if held is None:
        return None
    freezing.look(held, timezone.now(), work.advance)
    return sealing.seal(held, address)


@task("campaigns.look", _("See how campaigns stand"), lock="campaigns.look")
def look(work: Work) -> Outcome:
    """All that run; those over their deadline and grace are closed, and what a dead worker left undone is asked for again."""
    now = timezone.now()
    for held in Campaign.objects.select_related("unit").exclude(state__in=(Campaign.DRAFT, Campaign.CLOSED)):
        if held.state == Campaign.STARTING:
            freeze.enqueue(
                by=held.started_by, unit=held.unit, subject=held.number, key=f"campaigns.freeze/{held.pk}", campaign=held.pk
            )
        elif held.state == Campaign.CLOSING:
            seal.enqueue(
                by=held.closed_by, unit=held.unit, subject=held.number, key=f"campaigns.seal/{held.pk}", campaign=held.pk
            )
        elif held.closes_on is not None and timezone.localdate(now) >= held.closes_on:
            leading.close(held, COLLECTOR)
        else:
            freezing.look(held, now)
            reminding.remind(held, now)
        work.advance()
    return None
