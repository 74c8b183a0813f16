"""The account is complete; and later: it is closed, with what it rested on."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from server.campaigns import lists, proof
from server.campaigns.account import Account, Numbers
from server.campaigns.models import LATER, LEFT_OUT, SCOPE, Campaign, Part, Row
from server.feeds import status as feeds
from server.journal import models as journal
from server.units.models import User, policies, rules_of_all
from server.units.rights import SEE


def begun(campaign: Campaign) -> int:
    """The account is complete: the campaign runs. How many machines are in its scope."""
    with transaction.atomic():
        starting = Campaign.objects.filter(pk=campaign.pk, state=Campaign.STARTING)
        count = Row.objects.filter(campaign=campaign, place=SCOPE).count()
        if not starting.update(state=Campaign.RUNNING, frozen_at=timezone.now()):
            return count  # somebody else was faster, and has written it into the journal
        left_out = Row.objects.filter(campaign=campaign, place=LEFT_OUT).count()
        journal.write(
            "campaign.frozen", campaign.started_by, unit_path=campaign.unit.path, subject=f"{campaign.number} {campaign.subject}",
            machines=count, left_out=left_out,
        )  # fmt: skip
    return count


def seal(campaign: Campaign, address: str = "") -> dict[str, Any] | None:
    """Nothing changes any more from here on. None when somebody else was faster."""
    account = Account(campaign, None)
    numbers = account.sum(None)
    result = ground(campaign, account) | {"states": numbers.states, "before": numbers.before}
    with transaction.atomic():
        held = Campaign.objects.select_for_update(of=("self",)).get(pk=campaign.pk)
        if held.state != Campaign.CLOSING:
            return None
        held.state, held.sealed_at, held.result = Campaign.CLOSED, timezone.now(), result
        held.save(update_fields=["state", "sealed_at", "result"])
        journal.write(
            "campaign.closed", held.closed_by, unit_path=campaign.unit.path, subject=f"{held.number} {held.subject}", address=address,
            machines=numbers.scope, states=", ".join(f"{state} {count}" for state, count in numbers.states.items()),
        )  # fmt: skip
    return {"machines": numbers.scope}


def sums(closed: Collection[Campaign], user: User) -> dict[int, Numbers]:
    """Of each closed campaign what this person sees of it. Whoever sees all its units is told what was sealed with it, which is
    the sum of its rows."""
    cut = Part.objects.filter(campaign__in=closed).exclude(Part.objects.condition(user, SEE))
    in_part = set(cut.order_by().values_list("campaign", flat=True).distinct())
    found = {one.pk: Numbers() if one.pk in in_part else _sealed(one) for one in closed}
    rows = Row.objects.visible_to(user).filter(campaign__in=in_part, place=SCOPE).order_by()
    for pk, state, before, count in rows.values_list("campaign", "state", "before").annotate(Count("pk")):
        found[pk].states[state] += count
        found[pk].before[before] += count
    return found


def _sealed(campaign: Campaign) -> Numbers:
    numbers = Numbers()
    numbers.states |= campaign.result["states"]
    numbers.before |= campaign.result["before"]
    return numbers


def ground(campaign: Campaign, account: Account) -> dict[str, Any]:
    """What the states rest on now: packs, feeds, lists, and parts that are held to something else than at the start."""
    return {
        "packs": proof.packs_used(campaign) if campaign.packs is None else campaign.packs,
        "feeds": [
            {"name": one.name, "date": one.data_date.isoformat() if one.data_date else None, "old": one.old}
            for one in feeds.standings() if one.limit_days
        ],
        "lists": {number: [one._asdict() for one in lists.states(number, account)] for number in campaign.lists},
        "rules_changed": changed_rules(campaign),
        "later": Row.objects.filter(campaign=campaign, place=LATER).count(),
    }  # fmt: skip


def changed_rules(campaign: Campaign) -> list[int]:
    """Parts whose machines are held to another pack, other stricter values or another level than at the start, as far as it is
    known what those were."""
    held = policies(rules_of_all())
    now = {text: proof.tailored(text) for text in {policy.tailoring for policy in held.values()}}
    found = []
    parts = Part.objects.filter(campaign=campaign).order_by("path")
    for pk, unit, level, baseline, tailoring in parts.values_list("pk", "unit_id", "level", "baseline", "tailoring"):
        policy = held[unit]
        other_values = tailoring is not None and now[policy.tailoring] != tailoring
        if other_values or (policy.level, policy.baseline) != (level, baseline):
            found.append(pk)
    return found
