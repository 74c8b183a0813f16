"""The state of machines in a campaign, from what they reported after its start and from nothing else.

The first that fits holds:

    never      no machine is known by that line, or it never sent a report
    missing    none of its reports was collected after the start
    not done   its newest report fails a check that no waiver in force bears
    unknown    that report could not be judged, leaves a check unknown, or is not certain to be of after the start
    done       every check of the campaign that is asked of it passes
    exempted   what fails is borne by waivers; or it is none of done, and two people agreed that it cannot be

A check that was asked of a machine at the start and is not asked any more leaves it unknown: lowering what a unit is held to
completes no campaign. Of a machine that was not seen then nobody knows what was asked: it is done only under the pack and the
stricter values of the start, at its level or a higher one. That holds for what its unit is held to now, and for what its newest
report was judged by: a rollout may hold the machine to something else, and what was loosened may have been put back since.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Count

from baselines.loader import BaselineError
from server.assess import packs
from server.assess.models import StoredAssessment
from server.campaigns.models import SCOPE, Campaign, Excuse, Row
from server.campaigns.states import (
    DONE,
    EXCUSED,
    MISSING,
    NEVER,
    NOT_DONE,
    UNKNOWN,
    UNSEEN,
)
from server.campaigns.states import FAIL as FAILED
from server.campaigns.states import PASS as PASSED
from server.campaigns.states import UNSURE as NOT_SURE
from server.coverage.matching import AMBIGUOUS
from server.findings import codes
from server.findings.models import Head, Rule, Standing, Transition
from server.ingest.models import Machine, StoredSnapshot
from server.units.models import Unit, resolve
from server.waivers import overlay

Checks = dict[str, int]
"""Check -> verdict, the worst of its rules."""
LOOKED = ("state", "why", "about", "checks", "snapshot", "seen_at", "contact_at", "became", "became_at", "became_where")
"""What a look writes on a row."""


@dataclass
class Found:
    """What is to be said of a row now."""

    state: str
    why: str = ""
    about: list[str] = field(default_factory=list)
    checks: Checks = field(default_factory=dict)
    snapshot: str = ""
    seen_at: datetime | None = None
    contact_at: datetime | None = None
    became: str = ""
    became_at: datetime | None = None
    became_where: str = ""


class Start(NamedTuple):
    """How a machine stood at the start."""

    before: str
    checks: Checks
    at: datetime | None
    snapshot: str


class Held(NamedTuple):
    """What machines are held to, or a report was judged by."""

    baseline: str
    level: int
    tailoring: str | None
    """Digest of the stricter values; empty: none; None: not known."""


def tailored(text: str) -> str | None:
    """Digest of a unit's stricter values; None for some that cannot be read."""
    try:
        found = packs.tailoring(text)
    except BaselineError:
        return None
    return found.digest if found else ""


def rules_of(checks: Collection[str]) -> dict[int, str]:
    """Rule -> check, whatever pack and requirement."""
    return dict(Rule.objects.filter(check_id__in=list(checks)).values_list("pk", "check_id"))


class Look:
    """One look at a campaign: what is the same for all its rows."""

    def __init__(self, campaign: Campaign, now: datetime) -> None:
        assert campaign.started_at is not None
        self.campaign, self.start, self.now = campaign, campaign.started_at, now
        self.rules = rules_of(campaign.checks)
        self.force = overlay.Force(now)
        self.borne_rules = self.force.rules()
        self.units: dict[int, Unit] = {unit.pk: unit for unit in Unit.objects.all()}
        rows = Excuse.objects.filter(row__campaign=campaign).values_list("row_id", flat=True)
        self.excused = set(rows)

    def at(self, rows: Sequence[Row]) -> dict[int, Found]:
        """Row -> what is to be said of it. `rows` with part, machine, expected and its machine."""
        machines = {machine.pk: machine for row in rows if (machine := row.now) is not None}
        held = _standings(machines, self.rules)
        heads = Head.objects.in_bulk(list(machines))
        latest = _latest(machines.values())
        judged = _judged_by(latest)
        return {row.pk: self._of(row, held, heads, latest, judged) for row in rows}

    def _of(
        self,
        row: Row,
        held: Mapping[int, Mapping[int, int]],
        heads: Mapping[int, Head],
        latest: Mapping[str, StoredSnapshot],
        judged: Mapping[str, Held],
    ) -> Found:
        machine = row.now
        if machine is None:
            found = self._of_nobody(row)
        else:
            newest = latest.get(machine.latest_id or "")
            rests_on = judged.get(machine.latest_id or "")
            found = self._judged(row, machine, newest, heads.get(machine.pk), held.get(machine.pk, {}), rests_on)
            # an agent that reaches others is heard of while they are silent
            asked = machine.agent.contact_at if machine.own else None
            heard = [at for at in (asked, newest.received_at if newest else None) if at is not None]
            found.contact_at = max(heard, default=None)
            if newest is not None:
                found.snapshot, found.seen_at = newest.pk, newest.orders_at
            self._became(row, machine, found)
        if found.state not in (DONE, EXCUSED) and row.pk in self.excused:
            found.state, found.why = EXCUSED, "excused"
        return found

    @staticmethod
    def _of_nobody(row: Row) -> Found:
        if not row.listed:
            return Found(MISSING, "removed", became="removed")
        ambiguous = row.expected is not None and row.expected.matched_by == AMBIGUOUS
        return Found(NEVER, "ambiguous" if ambiguous else "listed")

    def _judged(
        self,
        row: Row,
        machine: Machine,
        newest: StoredSnapshot | None,
        head: Head | None,
        held: Mapping[int, int],
        rests_on: Held | None,
    ) -> Found:
        if newest is None:
            return Found(NEVER, "never")
        if newest.orders_at <= self.start:
            # by the machine's own clock; one that runs behind is told apart from one that is silent
            return Found(MISSING, "before" if newest.received_at > self.start else "silent")
        if head is None or head.snapshot != UUID(newest.pk):
            return Found(UNKNOWN, "not-judged")
        checks = worst(held, self.rules)
        found = Found(UNKNOWN, checks=checks)
        fails = [check for check, verdict in checks.items() if verdict == codes.FAIL]
        borne = self._borne(machine, held) & set(fails)
        gone = sorted(set(row.before_checks) - set(checks))
        unsure = [check for check, verdict in checks.items() if verdict == codes.UNKNOWN]
        if left := sorted(set(fails) - borne):
            found.state, found.why, found.about = NOT_DONE, "fails", left
        elif not checks and not gone:
            found.why = "nothing-asked"
        elif gone:
            found.why, found.about = "asked-no-more", gone
        elif unsure:
            found.why, found.about = "unknown", sorted(unsure)
        elif newest.clock_ahead:
            found.why = "clock"
        elif _was_not_good(row.before_checks, checks) and (why := self._eased(row, machine, rests_on)):
            found.why = why
        elif borne:
            found.state, found.why, found.about = EXCUSED, "borne", sorted(borne)
        else:
            found.state = DONE
        return found

    def _eased(self, row: Row, machine: Machine, rests_on: Held | None) -> str:
        """Why it is not known that as much is asked as its part was held to at the start; empty: as much is.

        Other stricter values count whatever they say: they may also take a requirement away.
        """
        policy = resolve(self.units[machine.unit_id], self.units)
        now = Held(policy.baseline, policy.level, tailored(policy.tailoring))
        part = row.part
        for one in (now, rests_on):
            if one is None:
                return "not-known-by-what"
            if one.baseline != part.baseline or one.level < part.level:
                return "eased"
            if part.tailoring is None:
                return "start-not-known"
            if one.tailoring != part.tailoring:
                return "eased"
        return ""

    def _borne(self, machine: Machine, held: Mapping[int, int]) -> set[str]:
        """Checks whose every failing rule a waiver in force bears."""
        unit = self.units[machine.unit_id]
        found: dict[str, bool] = {}
        for rule, verdict in held.items():
            if verdict == codes.FAIL:
                bearing = any(
                    self.force.covers(one, machine.pk, unit) and self.force.levels[unit.pk] <= one.level
                    for one in self.borne_rules.get(rule, ())
                )
                check = self.rules[rule]
                found[check] = found.get(check, True) and bearing
        return {check for check, whole in found.items() if whole}

    def _became(self, row: Row, machine: Machine, found: Found) -> None:
        """Taken out of service or moved since: it stays in the account, and that is said."""
        unit = self.units[machine.unit_id]
        if machine.retired_at is not None:
            found.became, found.became_at, found.became_where = "retired", machine.retired_at, machine.retired_why[:200]
        elif not unit.path.startswith(self.units[row.part.unit_id].path):
            found.became, found.became_where = "moved", unit.name


def _was_not_good(before: Checks, now: Checks) -> bool:
    """Something passes that did not at the start, or nobody knows that it did: it has to be proved that no less is asked."""
    return any(verdict == codes.PASS and before.get(check) != codes.PASS for check, verdict in now.items())


def worst(held: Mapping[int, int], rules: Mapping[int, str]) -> Checks:
    """Of each check the worst verdict among the requirements that ask it."""
    found: Checks = {}
    for rule, verdict in held.items():
        check = rules[rule]
        found[check] = min(found.get(check, verdict), verdict)
    return dict(sorted(found.items()))


def at_start(machines: Sequence[Machine], rules: Mapping[int, str], start: datetime) -> dict[int, Start]:
    """Machine -> how it stood at that moment: as it stands, less what turned since."""
    pks = [machine.pk for machine in machines]
    held = _standings(pks, rules)
    heads = Head.objects.in_bulk(pks)
    turned = Transition.objects.filter(machine__in=pks, rule__in=rules, at__gt=start).order_by("-at", "-snapshot", "-turn", "-pk")
    for step in turned:
        if step.was == codes.NOT_ASKED:
            held[step.machine_id].pop(step.rule_id, None)
        else:
            held[step.machine_id][step.rule_id] = step.was
    found: dict[int, Start] = {}
    for pk in pks:
        head = heads.get(pk)
        if head is None or head.first_at > start:
            found[pk] = Start(UNSEEN, {}, None, "")
            continue
        at: datetime | None = head.at
        snapshot = str(head.snapshot)
        if head.at > start:
            older = StoredSnapshot.objects.filter(machine=pk, orders_at__lte=start).order_by("-orders_at", "-pk")
            at, snapshot = older.values_list("orders_at", "pk").first() or (None, "")
        checks = worst(held[pk], rules)
        found[pk] = Start(_word(checks), checks, at, snapshot)
    return found


def _word(checks: Checks) -> str:
    verdicts = set(checks.values())
    if codes.FAIL in verdicts:
        return FAILED
    if codes.UNKNOWN in verdicts or not verdicts:
        return NOT_SURE
    return PASSED


def _standings(machines: Iterable[int], rules: Mapping[int, str]) -> dict[int, dict[int, int]]:
    """Machine -> rule -> verdict."""
    rows = Standing.objects.filter(machine__in=list(machines), rule__in=list(rules)).values_list(
        "machine_id", "rule_id", "verdict"
    )
    found: dict[int, dict[int, int]] = defaultdict(dict)
    for machine, rule, verdict in rows:
        found[machine][rule] = verdict
    return found


def _judged_by(snapshots: Collection[str]) -> dict[str, Held]:
    """Report -> what it was judged by."""
    rows = StoredAssessment.objects.filter(snapshot__in=list(snapshots))
    held = rows.values_list("snapshot_id", "baseline", "level", "tailoring")
    return {pk: Held(baseline, level, tailoring) for pk, baseline, level, tailoring in held}


def packs_used(campaign: Campaign) -> list[dict[str, Any]]:
    """By what the reports were judged on which the states rest, and how many machines are held to each."""
    used = Row.objects.filter(campaign=campaign, place=SCOPE, seen_at__gt=campaign.started_at).exclude(snapshot="")
    judged = StoredAssessment.objects.filter(snapshot__in=used.values("snapshot"))
    by = ("baseline", "version", "digest", "level")
    return list(judged.order_by(*by).values(*by).annotate(machines=Count("pk")))


def _latest(machines: Iterable[Machine]) -> dict[str, StoredSnapshot]:
    """The newest report of each, without its bytes."""
    wanted = [machine.latest_id for machine in machines if machine.latest_id]
    rows = StoredSnapshot.objects.filter(pk__in=wanted).only("received_at", "orders_at", "clock_ahead")
    return {one.pk: one for one in rows}
