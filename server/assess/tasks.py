"""Judging stored facts again when what machines are held to has changed, in slices, in the background."""

from __future__ import annotations

import logging
from collections import defaultdict

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from baselines.loader import BaselineError
from server.assess import centre, following, judge, packs
from server.background.declare import Outcome, Work, task
from server.background.models import Job
from server.ingest.models import Machine
from server.schedules.rollouts import reached_by
from server.units.models import Policy, Unit, resolve

log = logging.getLogger(__name__)

SLICE = 50
"""Machines between two looks at whether to go on. Each is a short transaction of its own."""


@task("assess.rejudge", _("Judge stored facts again"), lock="assess.rejudge", journal="assess.rejudged", gives_way=True)
def rejudge(work: Work, everything: bool = False) -> Outcome:
    """The newest snapshot of each machine of the job's unit and below: those judged otherwise than holds now, or everything.

    A machine that is judged rightly already is not among those, so a slice begun twice judges nothing twice. While we
    walk, a snapshot may be stored that was judged a moment before the change: we walk again until nothing is found.
    """
    packs.forget()
    done = {"judged": 0, "failed": 0, "after": 0, "found": 0} | work.kept
    while True:
        if not done["after"]:
            work.expect(work.done + _wanted(work.job.unit, everything).count())
        while part := list(_wanted(work.job.unit, everything).filter(pk__gt=done["after"])[:SLICE]):
            work.check()
            judged, failed = judge.rejudge(iter(part))
            done["judged"] += judged
            done["found"] += judged
            done["failed"] += failed
            done["after"] = part[-1].pk
            work.advance(len(part), **done)
        if everything or not done["found"]:
            return {"judged": done["judged"], "failed": done["failed"]}
        # who could not be judged comes along again, and is not counted twice
        done |= {"failed": 0, "after": 0, "found": 0}


@task("assess.age", _("Judge again what rests on data that passed their age limit"), lock="assess.age")
def age(work: Work) -> Outcome:
    """Time alone turns these verdicts to unknown, and newer data turn them back."""
    return following.age(work)


@task("assess.forget-facts", _("Remove facts made here that no judgement refers to"), lock="assess.forget-facts")
def forget_facts(work: Work) -> Outcome:
    return {"removed": gone} if (gone := centre.forget(work)) else None


def follow(unit: Unit, by: str) -> Job:
    """What `unit` says has changed: judge its machines by it. To be called in the transaction of the change."""
    return rejudge.enqueue(by=by, unit=unit, key=f"assess.rejudge/{unit.pk}")


def _wanted(unit: Unit | None, everything: bool) -> QuerySet[Machine]:
    machines = Machine.objects.exclude(latest=None).select_related("unit", "latest").order_by("pk")
    if unit is not None:
        machines = machines.filter(unit__path__under=unit.path)
    return machines if everything else machines.filter(_otherwise())


def _otherwise() -> Q:
    """Condition on a Machine: its newest snapshot is not judged, or not by what its unit says now."""
    units = {unit.pk: unit for unit in Unit.objects.all()}
    held: dict[Policy, list[int]] = defaultdict(list)
    for unit in units.values():
        held[resolve(unit, units)._replace(interval_seconds=0)].append(unit.pk)
    condition, early = Q(pk__in=[]), reached_by(units)
    whose = [
        (policy, Q(unit__in=pks) & ~Q(agent__in=[one for _new, ids in early for one in ids])) for policy, pks in held.items()
    ]
    for policy, machines in [*whose, *((policy, Q(agent__in=ids)) for policy, ids in early)]:
        try:
            digest, tailoring = packs.get(policy.baseline).digest, packs.tailoring(policy.tailoring)
        except (BaselineError, FileNotFoundError) as error:
            log.error("what judges by %s stays as it is: %s", policy.baseline, error)
            continue
        now = {"digest": digest, "level": policy.level, "tailoring": tailoring.digest if tailoring else ""}
        condition |= machines & ~Q(**{f"latest__assessment__{name}": value for name, value in now.items()})
    return condition
