"""New packs and new versions of the agent in rings: a few machines first, and everybody back when they show that something is wrong.

A pack travels to agents as text by its digest (`/api/v1/packs/`), and they judge by what their unit holds them to; so a rollout is
what a part of the machines is held to instead, told to them and judged by here alike. The version of the agent is only recommended:
agents never replace themselves from the network, a person or the organisation's software distribution does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from baselines.loader import BaselineError
from server.assess import packs
from server.assess.models import Alarm, StoredAssessment
from server.background.declare import TASKS
from server.ingest.models import IN_SERVICE, Agent, Machine
from server.journal import models as journal
from server.schedules.models import Rollout
from server.statements import Select
from server.units.models import DEFAULT_BASELINE, DEFAULT_INTERVAL, DEFAULT_LEVEL, Policy, Unit, resolve

LEAST_JUDGED = 10
"""Fewer reports of a ring say nothing about it, unless they are all there will be."""
TROUBLE = ("not-judged", "verdicts-differ")
PARTS = 10_000


class CannotRoll(Exception):
    """Why a rollout cannot be begun or led on; `str(error)` is for people."""


def place(rollout: Rollout, agent: str) -> float:
    """Where among a hundred this agent stands in this rollout."""
    digest = hashlib.sha256(f"{rollout.pk} {agent}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % PARTS * 100 / PARTS


def reached(rollout: Rollout, agent: str) -> bool:
    """This agent's machines are held to the new."""
    return place(rollout, agent) < rollout.percent


def concerned(rollout: Rollout, policy: Policy) -> bool:
    """Machines of that policy take part: a unit with a pack or stricter values of its own keeps them."""
    return rollout.what == Rollout.VERSION or (policy.baseline, policy.tailoring) == (
        rollout.former_baseline,
        rollout.former_tailoring,
    )


under_way = Select(lambda: Rollout.objects.filter(ended_at=None))
"""In the whole tree: there are few."""


def underway(unit: Unit) -> list[Rollout]:
    """The rollouts that concern a unit, the nearest first."""
    found = [rollout for rollout in under_way() if rollout.unit_id in unit.ids]
    return sorted(found, key=lambda rollout: -unit.ids.index(rollout.unit_id))


def applied(rollouts: Iterable[Rollout], agent: str, policy: Policy) -> Policy:
    """What this agent's machines are held to while those are under way."""
    rollout = next((one for one in rollouts if one.what == Rollout.PACK), None)
    if rollout is None or not concerned(rollout, policy) or not reached(rollout, agent):
        return policy
    tailoring = policy.tailoring if rollout.tailoring is None else rollout.tailoring or above(rollout.unit).tailoring
    return policy._replace(baseline=rollout.baseline or policy.baseline, tailoring=tailoring)


def above(unit: Unit) -> Policy:
    """What would hold in a unit that has no word of its own: who removes the own stricter values falls back to these."""
    return unit.parent.policy() if unit.parent else Policy(DEFAULT_LEVEL, DEFAULT_BASELINE, "", DEFAULT_INTERVAL)


def policy_of(agent_id: str, unit: Unit) -> Policy:
    """What the machines of an agent are held to today that belong to that unit."""
    return applied(underway(unit), agent_id, unit.policy())


def reached_by(units: dict[int, Unit]) -> list[tuple[Policy, list[str]]]:
    """(policy, agents) of all who are held to something new today. `units`: the whole tree."""
    found = []
    for rollout in Rollout.objects.filter(what=Rollout.PACK, ended_at=None, halted_at=None):
        by_policy: dict[Policy, list[str]] = {}
        below = {unit.pk for unit in units.values() if unit.path.startswith(units[rollout.unit_id].path)}
        for agent, pk in Agent.objects.filter(unit__in=below).values_list("pk", "unit"):
            policy = resolve(units[pk], units)
            if (then := applied([rollout], agent, policy)) != policy:
                by_policy.setdefault(then, []).append(agent)
        found += list(by_policy.items())
    return found


def version_for(rollouts: Iterable[Rollout], agent: str) -> str | None:
    """The version of the agent that is recommended to this one."""
    rollout = next((one for one in rollouts if one.what == Rollout.VERSION), None)
    return rollout.version if rollout is not None and reached(rollout, agent) else None


# -- by people -----------------------------------------------------------------------------------------------------


def start(unit: Unit, by: str, *, baseline: str = "", tailoring: str | None = None, version: str = "", percents: list[int] | None = None, bad_percent: int = 2, approved_by: str = "") -> Rollout:  # fmt: skip
    """Begin with the first ring. `approved_by` is kept as it is given: who must agree is decided in server/approvals. Raises CannotRoll."""
    what = Rollout.VERSION if version else Rollout.PACK
    digest = check(unit, baseline=baseline, tailoring=tailoring, version=version, percents=percents)
    rings, policy = list(Rollout.RINGS) if percents is None else percents, unit.policy()
    rollout = Rollout.objects.create(
        unit=unit, what=what, former_baseline=policy.baseline, former_tailoring=policy.tailoring, baseline=baseline, digest=digest, tailoring=tailoring, version=version, percents=rings,
        bad_percent=bad_percent, started_by=by, approved_by=approved_by,
    )  # fmt: skip
    _note("rollout.started", rollout, by)
    return rollout


def check(
    unit: Unit, *, baseline: str = "", tailoring: str | None = None, version: str = "", percents: list[int] | None = None
) -> str:
    """Whether it could begin now: the digest of the pack, empty for a version. Raises CannotRoll."""
    what = Rollout.VERSION if version else Rollout.PACK
    if bool(version) == bool(baseline or tailoring is not None):
        raise CannotRoll(_("say what is new: a pack and its stricter values, or a version of the agent"))
    rings = list(Rollout.RINGS) if percents is None else percents
    if not rings or rings[-1] != 100 or any(not 0 < one <= 100 for one in rings) or sorted(set(rings)) != rings:
        raise CannotRoll(_("rings are percentages that grow and end with 100"))
    if Rollout.objects.filter(unit=unit, what=what, ended_at=None).exists():
        raise CannotRoll(_("a rollout is under way in %s; end it first") % unit)
    return "" if version else _fits(unit, baseline, tailoring)


def _fits(unit: Unit, baseline: str, tailoring: str | None) -> str:
    policy = unit.policy()
    try:
        pack = packs.get(baseline or policy.baseline)
        stricter = packs.tailoring(policy.tailoring if tailoring is None else tailoring)
    except (BaselineError, OSError) as error:
        raise CannotRoll(str(error)) from None
    if problems := stricter.problems(pack) if stricter else []:
        raise CannotRoll("\n".join(map(str, problems)))
    return pack.digest


def widen(rollout: Rollout, by: str) -> None:
    """On to the next ring; also after a halt that a person has looked into. Raises CannotRoll."""
    if rollout.halted_at is None and rollout.ring + 1 >= len(rollout.percents):
        raise CannotRoll(_("it has reached all; end it to make it the unit's own"))
    if rollout.halted_at is None:
        rollout.ring += 1
    rollout.halted_at, rollout.halted_why, rollout.ring_since = None, "", timezone.now()
    rollout.save(update_fields=["ring", "halted_at", "halted_why", "ring_since"])
    _note("rollout.widened", rollout, by)


def halt(rollout: Rollout, by: str, why: str) -> None:
    """Everybody is held to what was before. Halted twice is halted once."""
    now = timezone.now()
    if Rollout.objects.filter(pk=rollout.pk, halted_at=None, ended_at=None).update(halted_at=now, halted_why=why[:300]):
        rollout.halted_at, rollout.halted_why = now, why[:300]
        _note("rollout.halted", rollout, by)


def end(rollout: Rollout, by: str) -> None:
    """Give it up, or, once it has reached all, make it the unit's own. Raises CannotRoll when units below say otherwise."""
    if rollout.percent == 100 and rollout.what == Rollout.PACK:
        unit = rollout.unit
        if rollout.baseline:
            unit.baseline = rollout.baseline
        if rollout.tailoring is not None:
            unit.tailoring = rollout.tailoring
        unit.save(update_fields=["baseline", "tailoring"])
    rollout.ended_at = timezone.now()
    rollout.save(update_fields=["ended_at"])
    _note("rollout.ended", rollout, by)


def _note(action: str, rollout: Rollout, by: str) -> None:
    """For the journal; and what is stored is judged by what holds now."""
    if rollout.what == Rollout.PACK:
        # by its name: what judges asks this room what machines are held to
        TASKS["assess.rejudge"].enqueue(by=by, unit=rollout.unit, key=f"assess.rejudge/{rollout.unit_id}")
    journal.write(
        action, by, unit_path=rollout.unit.path, subject=rollout.baseline or rollout.version or rollout.what,
        percent=rollout.percent, code=rollout.halted_why, approved=rollout.approved_by,
    )  # fmt: skip


# -- how it goes ---------------------------------------------------------------------------------------------------


@dataclass
class Ring:
    """A ring and what came of it."""

    percent: int
    machines: int = 0
    judged: int = 0
    """Reported since the ring was opened, and judged by the new pack."""
    bad: int = 0
    """Could not be judged, or their own verdicts differ from the collector's, or they did not judge by what they were told."""
    current: int = 0
    """Run the recommended version."""
    versions: dict[str, int] | None = None

    @property
    def share(self) -> float:
        return 100 * self.bad / max(1, self.judged + self.bad)


def rings(rollout: Rollout) -> list[Ring]:
    """Each ring with its own machines, those of narrower rings left out."""
    found = [Ring(percent, versions={}) for percent in rollout.percents]
    machines = Machine.objects.filter(IN_SERVICE, unit__in=_units(rollout), agent__revoked_at=None)
    troubled = set(_troubled(machines, rollout.ring_since))
    wanted = (
        "pk",
        "agent_id",
        "own",
        "latest__collector",
        "latest__received_at",
        "latest__assessment__digest",
        "latest__assessment__agent",
    )
    for pk, agent, own, version, at, digest, said in machines.values_list(*wanted).iterator(chunk_size=2000):
        where = place(rollout, agent)
        ring = next(one for one in found if where < one.percent)
        ring.machines += 1
        if own and version:
            ring.versions = ring.versions or {}
            ring.versions[version] = ring.versions.get(version, 0) + 1
            ring.current += version == rollout.version
        if where >= rollout.percent or at is None or at < rollout.ring_since:
            continue
        fell = own and said == StoredAssessment.NOT_JUDGED and digest == rollout.digest
        if pk in troubled or fell:
            ring.bad += 1
        elif digest == rollout.digest:
            ring.judged += 1
    return found


def _units(rollout: Rollout) -> list[int]:
    units = {unit.pk: unit for unit in Unit.objects.all()}
    below = (unit for unit in units.values() if unit.path.startswith(rollout.unit.path))
    return [unit.pk for unit in below if concerned(rollout, resolve(unit, units))]


def _troubled(machines: QuerySet[Machine], since: datetime) -> Iterable[int]:
    alarms = Alarm.objects.filter(machine__in=machines, kind__in=TROUBLE, closed_at=None, last_at__gte=since)
    return alarms.values_list("machine_id", flat=True)


def watch(rollout: Rollout) -> None:
    """Halt a rollout of a pack whose reached machines show that something is wrong, or whose pack was changed under it."""
    if rollout.what != Rollout.PACK or rollout.halted_at or rollout.ended_at:
        return
    try:
        digest = packs.get(rollout.baseline or rollout.unit.policy().baseline).digest
    except (BaselineError, OSError) as error:
        halt(rollout, "collector", str(error).splitlines()[0])
        return
    if digest != rollout.digest:
        halt(rollout, "collector", _("the pack is no longer the one it began with"))
        return
    reached_ones = [ring for ring in rings(rollout) if ring.percent <= rollout.percent]
    bad, judged, machines = (sum(getattr(ring, name) for ring in reached_ones) for name in ("bad", "judged", "machines"))
    if bad and bad + judged >= min(LEAST_JUDGED, machines) and 100 * bad > rollout.bad_percent * (bad + judged):
        halt(
            rollout,
            "collector",
            _("%(bad)d of %(all)d machines could not be judged or judged otherwise") % {"bad": bad, "all": bad + judged},
        )
