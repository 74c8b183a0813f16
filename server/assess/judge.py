"""Judge what came in, keep the verdicts, and hold them against what the machine itself said."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from pydantic import BaseModel, ConfigDict

from baselines.evaluate import Judgeable, evaluate, judgeable
from baselines.model import Assessment, Result, Verdict
from baselines.tailoring import Tailoring
from collectors.model import Kind, Record, Snapshot
from server.assess import centre, kept, packs
from server.assess.models import Alarm, StoredAssessment
from server.findings import record, rules
from server.ingest.models import OUTCOME, Machine, StoredSnapshot
from server.journal import models as journal
from server.schedules import rollouts
from server.statements import Update, insert
from server.units.models import Policy

log = logging.getLogger(__name__)

_outcome = Update(lambda machine, snapshot: Machine.objects.filter(pk=machine, latest=snapshot), *OUTCOME)
WEIGHTS = {"critical": 1000, "high": 100, "medium": 10, "low": 1}


class Judged(BaseModel):
    """What the agent's own judgement said, as it stands in the seal."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    baseline: str
    digest: str
    tailoring: str | None = None
    level: int
    verdicts: str


def judge(
    seen: Snapshot | Judgeable, policy: Policy, kind: str, level: int | None = None, laid: Record | None = None
) -> Assessment:
    """The assessment of an asset of the registered kind, at the unit's level or at another one. `laid`: the fact that is made
    here; without it, what reads it is unknown.

    The kind is ours, not the snapshot's: a machine that called itself something else would be asked fewer questions.
    Raises BaselineError, FileNotFoundError, ValueError.
    """
    registered = (judgeable(seen) if isinstance(seen, Snapshot) else seen)._replace(kind=Kind(kind))
    if laid is not None:
        registered = registered.with_fact(laid)
    return evaluate(registered, packs.get(policy.baseline), level or policy.level, packs.tailoring(policy.tailoring))


def compare(assessment: Assessment, policy: Policy, judged: Judged | None) -> str:
    """One of StoredAssessment.AGENT. Verdicts can only be compared when pack, tailoring and level were the same."""
    if judged is None:
        return StoredAssessment.NOT_JUDGED
    tailoring = packs.tailoring(policy.tailoring)
    mine = (assessment.digest, tailoring.digest if tailoring else None, assessment.level)
    if mine != (judged.digest, judged.tailoring or None, judged.level):
        return StoredAssessment.OTHER_PACK
    return StoredAssessment.AGREES if judged.verdicts == assessment.verdicts_digest() else StoredAssessment.DIFFERS


class ToKeep(NamedTuple):
    """What is written of an assessment."""

    columns: dict[str, Any]
    """Of the StoredAssessment."""
    by_rule: rules.Judgement


def judged_here(machine: int | None, seen: Snapshot | Judgeable, policy: Policy, kind: str, said: Judged | None) -> ToKeep:
    """Judged with all that is known here, ready to be written. The one way in for what comes in and for what is judged again.

    Raises like `judge`.
    """
    ready = judgeable(seen) if isinstance(seen, Snapshot) else seen
    laid = centre.known(machine, ready) if centre.asked(policy) else None
    return to_keep(judge(ready, policy, kind, laid=laid.record if laid else None), policy, said, laid)


def to_keep(assessment: Assessment, policy: Policy, judged: Judged | None, laid: centre.Laid | None = None) -> ToKeep:
    """Worked out before any transaction: writers wait for one another."""
    pack, tailoring = packs.get(policy.baseline), packs.tailoring(policy.tailoring)
    if pack.digest == assessment.digest:
        kept.note(pack, tailoring)
    by_rule = rules.judgement(assessment, tailoring.digest if tailoring else "", laid is not None and laid.matched)
    columns = _columns(assessment, tailoring, compare(assessment, policy, judged), judged)
    return ToKeep(columns | {"centre": centre.note(laid) if laid else ""}, by_rule)


def keep(stored: StoredSnapshot, made: ToKeep) -> StoredAssessment:
    """Write how a snapshot was judged: summary, standing, transitions. Inside the transaction that stores the snapshot."""
    assessment = StoredAssessment(snapshot=stored, machine_id=stored.machine_id, **made.columns)
    insert(StoredAssessment, {"snapshot_id": stored.pk, "machine_id": stored.machine_id, **made.columns}, over="snapshot_id")
    record.record(stored, made.by_rule)
    return assessment


def _columns(assessment: Assessment, tailoring: Tailoring | None, agent: str, judged: Judged | None) -> dict[str, Any]:
    counts = assessment.summary()
    return {
        "judged_at": timezone.now(),
        "baseline": assessment.baseline,
        "version": assessment.version,
        "digest": assessment.digest,
        "tailoring": tailoring.digest if tailoring else "",
        "level": assessment.level,
        "kind": assessment.kind.value,
        "fail": counts["fail"],
        "unknown": counts["unknown"],
        "passed": counts["pass"],
        "manual": counts["manual"],
        "not_applicable": counts["not_applicable"],
        "weight": weight(assessment.results),
        "verdicts": assessment.verdicts_digest(),
        "agent": agent,
        "agent_judged": judged.model_dump() if judged else None,
        "packed": None,
    }


def weight(results: list[Result]) -> int:
    """How bad the fails are together; each check counts once."""
    failed = {result.check: result.severity for result in results if result.verdict == Verdict.FAIL and result.check}
    return sum(WEIGHTS.get(str(severity), 0) for severity in failed.values())


def raise_alarm(machine: Machine, kind: str, snapshot: str = "", **detail: Any) -> Alarm:
    """Open an alarm, or count up the one that is open. Only the first is written to the journal."""
    now = timezone.now()
    with transaction.atomic():  # outlets read the journal: an alarm that is not in it would be told to nobody
        alarm, new = Alarm.objects.get_or_create(
            machine=machine, kind=kind, closed_at=None,
            defaults={"snapshot": snapshot, "detail": detail, "first_at": now, "last_at": now},
        )  # fmt: skip
        if new:
            journal.write(
                "alarm.raised", "collector", unit_path=machine.unit.path, subject=machine.name, kind=kind, snapshot=snapshot,
                **detail,
            )  # fmt: skip
            return alarm
    alarm.times, alarm.last_at, alarm.snapshot, alarm.detail = F("times") + 1, now, snapshot, detail
    alarm.save(update_fields=["times", "last_at", "snapshot", "detail"])
    return alarm


def rejudge(machines: Iterator[Machine]) -> tuple[int, int]:
    """Judge the newest snapshot of each machine again by what its unit says now. (judged, could not be judged)"""
    done = failed = 0
    for machine in machines:
        if machine.latest is None:
            continue
        policy = rollouts.policy_of(machine.agent_id, machine.unit)
        try:
            sealed, snapshot = machine.latest.to_judge()
            judged = Judged.model_validate(sealed.judged) if sealed.judged else None
            fresh = judged_here(machine.pk, snapshot, policy, machine.kind, judged)
        except Exception:  # one machine's bad luck must not stop the others
            log.exception("machine %s: snapshot %s could not be judged", machine.pk, machine.latest_id)
            failed += 1
            continue
        with transaction.atomic():
            kept_now = keep(machine.latest, fresh)
            _outcome(*(getattr(kept_now, column) for column in OUTCOME.values()), machine.pk, machine.latest_id)
        done += 1
    return done, failed
