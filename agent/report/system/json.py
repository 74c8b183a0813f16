"""The system for programs: every state with the assets, checks, findings and sources it rests on."""

from __future__ import annotations

from typing import Any

from agent.report.json import sources
from baselines.systems.compare import Comparison, Turn
from baselines.systems.register import Attestation, Waiver
from baselines.systems.result import AssetLine, AssetState, Idle, Judged, RequirementLine, State, SystemAssessment
from baselines.systems.words import word
from collectors import VERSION
from collectors.model import Snapshot

Json = dict[str, Any]


def document(assessment: SystemAssessment) -> Json:
    """One system at one level, as plain data. Texts are in both languages."""
    return {
        **head(assessment),
        "digest": assessment.digest,
        **totals(assessment),
        "assets": [_asset(state) for state in assessment.assets],
        "system_design": assessment.design.model_dump(mode="json"),
        "requirements": [_line(line, assessment) for line in assessment.lines],
        "waivers": [one.model_dump(mode="json") for one in assessment.system.register.waivers],
        "idle": [_idle(one) for one in assessment.idle],
        "unregistered": assessment.unregistered,
    }


def head(assessment: SystemAssessment) -> Json:
    """What was judged against what, and when."""
    register, baseline = assessment.system.register, assessment.baseline
    return {
        "rasoat": VERSION,
        "system": {"name": register.name, "level": register.level, "register_digest": assessment.system.digest},
        "baseline": {
            "id": baseline.id,
            "version": baseline.version,
            "edition": baseline.standard.edition,
            "digest": baseline.digest,
            "tailoring_digest": assessment.tailoring.digest if assessment.tailoring else None,
        },
        "level": assessment.level,
        "at": _time(assessment.at),
    }


def totals(assessment: SystemAssessment) -> Json:
    return {
        "summary": assessment.summary(),
        "summary_with_waivers": assessment.summary(with_waivers=True),
        "score": assessment.score,
        "reaches": assessment.reaches,
        "waiting_for_a_person": len(assessment.waiting),
    }


def _asset(state: AssetState) -> Json:
    return {
        **state.asset.model_dump(mode="json"),
        "reach": state.reach,
        "reason": state.reason,
        "age_days": None if state.age_days is None else round(state.age_days, 2),
        "snapshot": _snapshot(state.snapshot),
        "outside": _snapshot(state.outside),
    }


def _snapshot(snapshot: Snapshot | None) -> Json | None:
    if snapshot is None:
        return None
    return {"id": snapshot.id, "digest": snapshot.digest, "collected_at": _time(snapshot.collected_at)}


def _line(line: RequirementLine, assessment: SystemAssessment) -> Json:
    requirement = line.requirement
    group = assessment.baseline.group_of[requirement.id]
    return {
        "requirement": requirement.id,
        "clause": line.clause,
        "group": group.title.model_dump(),
        "title": requirement.title.model_dump(),
        "confidence": requirement.confidence,
        "coverage": requirement.coverage,
        "state": line.state,
        "state_text": word("state", line.state).model_dump(),
        "with_waivers": line.with_waivers,
        "counts": line.counts,
        "person": line.person,
        "attestation": line.attestation.model_dump(mode="json") if line.attestation else None,
        "guidance": requirement.guidance.model_dump() if requirement.guidance and line.person else None,
        "not_applicable": [one.model_dump(mode="json") for one in line.excuses],
        "nobody": line.nobody,
        "by_person": list(line.by_person),
        "assets": [_asset_line(asset) for asset in line.assets],
    }


def _asset_line(asset: AssetLine) -> Json:
    return {
        "asset": asset.asset,
        "kind": asset.kind,
        "zone": asset.zone,
        "standing": asset.standing,
        "verdict": asset.verdict,
        "borne": asset.borne,
        "waivers": [one.id for one in asset.waivers],
        "checks": [_judged(one) for one in asset.checks],
    }


def _judged(one: Judged) -> Json:
    snapshot = one.snapshot
    return {
        "check": one.result.check,
        "verdict": one.result.verdict,
        "severity": one.result.severity,
        "snapshot": snapshot.id if snapshot else None,
        "snapshot_digest": snapshot.digest if snapshot else None,
        "findings": [
            {
                "fact": finding.fact,
                "field": finding.field,
                "op": finding.op,
                "expected": finding.expected,
                "observed": finding.observed,
                "reason": finding.reason,
                "sources": sources(snapshot, finding.fact) if snapshot else [],
            }
            for finding in one.result.findings
        ],
    }


def _idle(one: Idle) -> Json:
    said: Attestation | Waiver = one.word
    kind = "waiver" if isinstance(said, Waiver) else "attestation"
    return {"kind": kind, "why": one.why, "why_text": word("idle", one.why).model_dump(), kind: said.model_dump(mode="json")}


def comparison(found: Comparison) -> Json:
    """What another level would ask."""
    return {
        **head(found.before),
        "from": {"level": found.before.level, **totals(found.before)},
        "to": {"level": found.after.level, **totals(found.after)},
        "summary": found.summary,
        "turns": [_turn(turn, found) for turn in found.turns],
    }


def _turn(turn: Turn, found: Comparison) -> Json:
    checks = found.after.baseline.checks
    return {
        "requirement": turn.requirement.id,
        "clause": turn.clause,
        "title": turn.requirement.title.model_dump(),
        "before": turn.before,
        "after": turn.after,
        "state_text": {name: word("state", state).model_dump() for name, state in _both(turn) if state},
        "new": turn.new,
        "needs_a_person": turn.person,
        "guidance": turn.requirement.guidance.model_dump() if turn.person and turn.requirement.guidance else None,
        "assets": [
            {"asset": one.asset, "before": one.before, "after": one.after, "checks": list(one.checks)} for one in turn.assets
        ],
        "to_do": [{"check": name, "remedy": checks[name].remedy.model_dump()} for name in turn.checks],
    }


def _both(turn: Turn) -> tuple[tuple[str, State | None], ...]:
    return ("before", turn.before), ("after", turn.after)


def _time(when: Any) -> str:
    return str(when.isoformat()).replace("+00:00", "Z")
