"""What wants a person today, worst first: each line is a number and leads to its list. What could not be counted says so."""

from __future__ import annotations

from typing import NamedTuple

from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from server.assess.models import Alarm
from server.campaigns.models import Campaign
from server.coverage import numbers as coverage
from server.feeds import status as feeds
from server.feeds.matching.models import Matched
from server.feeds.matching.views import numbers as matched
from server.ingest.models import Agent
from server.ingest.serving import serving
from server.overview.standing import Standing
from server.units.models import Unit, User
from server.units.rights import APPROVE

SOON = 7
"""Days before the end of a campaign from which on it is named."""


class Task(NamedTuple):
    """One line."""

    grave: bool
    number: str
    words: str
    url: str


def tasks(user: User, unit: Unit, standing: Standing) -> list[Task]:
    """Grave ones first."""
    found = [
        *_machines(user, unit, standing),
        *_coverage(user, unit, standing),
        *_feeds(),
        *_campaigns(user, unit),
        *_waiting(user, unit),
    ]
    return sorted(found, key=lambda one: not one.grave)


def _machines(user: User, unit: Unit, standing: Standing) -> list[Task]:
    counted = matched(serving(Matched.objects.all(), user, unit), standing.enrolled)
    exploited, unsaid = counted["exploited"], (counted["unsaid"] or 0) + (counted["blind"] or 0)
    found, url = [], reverse("vulnerabilities")
    if exploited:
        words = ngettext(
            "machine with a vulnerability that is known to be exploited",
            "machines with a vulnerability that is known to be exploited",
            exploited,
        )
        found.append(Task(True, str(exploited), words, url))
    if unsaid:
        words = ngettext(
            "machine of which nobody can say whether an exploited vulnerability is on it",
            "machines of which nobody can say whether an exploited vulnerability is on them",
            unsaid,
        )
        found.append(Task(False, str(unsaid), words, url))
    here = Q(machine__unit__path__under=unit.path, machine__retired_at=None)
    alarms = Alarm.objects.visible_to(user).filter(here, closed_at=None).aggregate(n=Count("machine", distinct=True))["n"]
    if alarms:
        words = ngettext("machine with an open alarm", "machines with an open alarm", alarms)
        found.append(Task(True, str(alarms), words, f"{reverse('machines')}?state=alarm&unit={unit.pk}"))
    return found


def _coverage(user: User, unit: Unit, standing: Standing) -> list[Task]:
    found, url = [], reverse("coverage")
    ambiguous = coverage.gap(user, "ambiguous", unit, timezone.now()).count() if standing.listed else 0
    if never := standing.enrolled - standing.seen:
        words = ngettext("enrolled machine never reported", "enrolled machines never reported", never)
        found.append(Task(False, str(never), words, f"{url}?gap=never&unit={unit.pk}"))
    if absent := standing.listed - ambiguous:
        words = ngettext("listed machine has no agent", "listed machines have no agent", absent)
        found.append(Task(False, str(absent), words, f"{url}?gap=absent&unit={unit.pk}"))
    if standing.silent:
        words = ngettext("machine has not reported of late", "machines have not reported of late", standing.silent)
        found.append(Task(False, str(standing.silent), words, f"{url}?gap=stale&unit={unit.pk}"))
    if unjudged := standing.count("unjudged"):
        words = ngettext("machine reported and was not judged", "machines reported and were not judged", unjudged)
        found.append(Task(True, str(unjudged), words, f"{url}?gap=unjudged&unit={unit.pk}"))
    if ambiguous:
        words = ngettext("line of a list fits several machines", "lines of lists fit several machines", ambiguous)
        found.append(Task(False, str(ambiguous), words, f"{url}?gap=ambiguous&unit={unit.pk}"))
    return found


def _feeds() -> list[Task]:
    old = sum(stale for _name, _dated, stale in feeds.foot())
    if not old:
        return []
    words = ngettext(
        "feed is over its limit: what rests on it is unknown", "feeds are over their limit: what rests on them is unknown", old
    )
    return [Task(False, str(old), words, reverse("feeds"))]


def _campaigns(user: User, unit: Unit) -> list[Task]:
    """Those that run here or reach in here, and end soon or should have ended."""
    near = Q(unit__path__under=unit.path) | Q(unit__in=unit.ids)
    found = []
    for campaign in Campaign.objects.visible_to(user).filter(near, state=Campaign.RUNNING).order_by("deadline", "pk").distinct():
        left = campaign.left()
        if left > SOON:
            continue
        if left < 0:
            words = gettext("days over the deadline: campaign %s") % campaign.number
        else:
            words = ngettext("day left: campaign %s", "days left: campaign %s", left) % campaign.number
        found.append(Task(left <= 1, str(abs(left)), words, reverse("campaign", args=[campaign.pk])))
    return found


def _waiting(user: User, unit: Unit) -> list[Task]:
    waiting = Agent.objects.visible_to(user, APPROVE).filter(unit__path__under=unit.path, waiting=True, revoked_at=None).count()
    if not waiting:
        return []
    words = ngettext("machine waits to be let in", "machines wait to be let in", waiting)
    return [Task(False, str(waiting), words, reverse("enrolment-waiting"))]
