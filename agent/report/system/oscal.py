"""OSCAL 1.2 assessment results of a system: one result; machines are inventory items, people's words attestations, waivers risks.

Satisfied is what is met, and nothing else: partly met, not met and not determined by a machine are not satisfied; what only waits
for a person has no finding and is named in a selection of its own, as in the report of machines (agent/report/oscal.py).
A waiver is a risk of status deviation-approved with its measure as a mitigating factor; the finding stays not satisfied.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

from agent.language import current
from agent.report.digest import text
from agent.report.oscal import _evidence, _id, _metadata, _prop, _said, _time
from agent.report.system.parts import attested, called, counted, excused, waived, waivers
from baselines.model import Verdict
from baselines.systems.register import Attestation, Waiver
from baselines.systems.result import AssetLine, Judged, RequirementLine, Standing, State, SystemAssessment

Json = dict[str, Any]
_STATUS = {
    State.MET: {"state": "satisfied", "reason": "pass"},
    State.PARTLY: {"state": "not-satisfied", "reason": "other"},
    State.NOT_MET: {"state": "not-satisfied", "reason": "fail"},
    State.UNDETERMINED: {"state": "not-satisfied", "reason": "other"},
}
_PERSON = {"attested": "Attested", "approved": "Approved the waiver", "second": "Agreed to the waiver as the second person"}


def results(assessment: SystemAssessment) -> Json:
    """One document of one result."""
    baseline = assessment.baseline
    plan = _id("plan", baseline.digest, assessment.level)
    head = _metadata(f"rasoat: {assessment.system.register.name}: {baseline.standard.edition}", baseline.version)
    head["props"] += [_prop("pack", baseline.id), _prop("pack-digest", baseline.digest)]
    if assessment.tailoring:
        head["props"].append(_prop("tailoring-digest", assessment.tailoring.digest))
    if people := sorted(set(_people(assessment))):
        head["roles"] = [{"id": name, "title": title} for name, title in _PERSON.items()]
        head["parties"] = [{"uuid": _party(name), "type": "person", "name": name} for name in people]
    description = text(baseline.standard.status)
    resource: Json = {"uuid": plan, "title": f"{baseline.id} {baseline.version}", "description": description}
    resource["props"] = [_prop("level", str(assessment.level))]
    return {
        "assessment-results": {
            "uuid": _id("system-results", current(), assessment.system.digest, assessment.design.id, assessment.digest),
            "metadata": head,
            "import-ap": {"href": f"#{plan}", "remarks": "rasoat judges against a pack at a level; there is no other plan."},
            "results": [_result(assessment)],
            "back-matter": {"resources": [resource]},
        }
    }


def _people(assessment: SystemAssessment) -> Iterator[str]:
    for line in assessment.lines:
        if line.attestation:
            yield line.attestation.by
    for waiver in waivers(assessment):
        yield from (waiver.approved_by, waiver.second)


def _party(name: str) -> str:
    return _id("party", name)


def _result(assessment: SystemAssessment) -> Json:
    score = assessment.score
    observations = {found["uuid"]: found for line in assessment.lines for found in _observations(line, assessment)}
    result: Json = {
        "uuid": _id("system-result", assessment.design.id, assessment.baseline.digest, assessment.level),
        "title": assessment.system.register.name,
        "description": f"{assessment.baseline.standard.edition}, level {assessment.level}",
        "start": _time(assessment.at),
        "props": [
            _prop("level", str(assessment.level)),
            _prop("register-digest", assessment.system.digest),
            _prop("assessment-digest", assessment.digest),
            *(_prop(f"count-{name.replace('_', '-')}", str(count)) for name, count in assessment.summary().items()),
            *(_prop(f"assets-{name}", str(count)) for name, count in assessment.reaches.items()),
            *(_prop(f"score-{name.replace('_', '-')}", str(count)) for name, count in score.items()),
        ],
        "local-definitions": {"inventory-items": list(_items(assessment))},
        "reviewed-controls": {"control-selections": list(_reviewed(assessment))},
        "attestations": [_attestation(line.requirement.id, line.attestation) for line in assessment.lines if line.attestation],
        "observations": list(observations.values()),
        "risks": [_risk(waiver, assessment) for waiver in waivers(assessment)],
        "findings": [_finding(line, assessment) for line in assessment.lines if _decided(line)],
    }
    # OSCAL knows no empty list
    return {key: value for key, value in result.items() if value != []}


def _decided(line: RequirementLine) -> bool:
    """Somebody or something said something: not one that does not apply, nor one that only waits for a person."""
    if line.state is State.NOT_APPLICABLE:
        return False
    return bool(line.attestation) or line.nobody or line.counts["applicable"] > line.counts["pass"] or line.state is State.MET


def _items(assessment: SystemAssessment) -> Iterator[Json]:
    for state in assessment.assets:
        asset, snapshot = state.asset, state.snapshot
        seen = [_prop("snapshot", snapshot.id), _prop("snapshot-digest", snapshot.digest)] if snapshot else []
        yield {
            "uuid": _item(asset.name, assessment),
            "description": asset.name,
            "props": [_prop("asset-kind", asset.kind), _prop("zone", asset.zone), _prop("reach", state.reach), *seen],
        }
    name = assessment.system.register.name
    props = [_prop("asset-kind", "system"), _prop("snapshot", assessment.design.id)]
    yield {"uuid": _item(name, assessment), "description": name, "props": props}


def _item(name: str, assessment: SystemAssessment) -> str:
    return _id("system-item", assessment.system.register.name, name)


def _reviewed(assessment: SystemAssessment) -> Iterator[Json]:
    """Which requirements the result speaks of, and who decides them."""
    said = (
        ("Decided by machines and people: each has a finding.", [line for line in assessment.lines if _decided(line)]),
        (
            "These wait for a person: no finding says that they are satisfied.",
            [line for line in assessment.lines if not _decided(line) and line.state is not State.NOT_APPLICABLE],
        ),
    )
    for what, lines in said:
        if lines:
            yield {"description": what, "include-controls": [{"control-id": line.requirement.id} for line in lines]}
    for line in assessment.lines:
        if line.state is State.NOT_APPLICABLE:
            why = "; ".join(excused(word) for word in line.excuses)
            words = f"{called('state', line.state)}: {why}"
            yield {"description": words, "include-controls": [{"control-id": line.requirement.id}]}


def _observations(line: RequirementLine, assessment: SystemAssessment) -> Iterator[Json]:
    for asset in line.assets:
        for one in asset.checks:
            yield _observation(asset, one, assessment)


def _observed(asset: AssetLine, one: Judged, assessment: SystemAssessment) -> str:
    """The same for every requirement that asks the same of the asset and hears the same."""
    asked = [f"{finding.op} {finding.expected}" for finding in one.result.findings]
    parts = (asset.asset, one.result.check, one.result.verdict, asset.standing, *asked)
    return _id("system-observation", assessment.design.id, *parts)


def _observation(asset: AssetLine, one: Judged, assessment: SystemAssessment) -> Json:
    check, snapshot = assessment.baseline.checks[str(one.result.check)], one.snapshot
    found: Json = {
        "uuid": _observed(asset, one, assessment),
        "title": text(check.title),
        "description": "\n".join(_said(one.result)) or text(check.title),
        "props": [
            _prop("check", check.id),
            _prop("verdict", one.result.verdict),
            _prop("standing", asset.standing),
            _prop("severity", check.severity),
            *([_prop("snapshot", snapshot.id)] if snapshot else []),
        ],
        "methods": ["TEST"],
        "subjects": [{"subject-uuid": _item(asset.asset, assessment), "type": "inventory-item"}],
        "collected": _time(snapshot.collected_at if snapshot else assessment.at),
    }
    evidence = list(_evidence(one.result, snapshot)) if snapshot else []
    return found | {"relevant-evidence": evidence} if evidence else found


def _finding(line: RequirementLine, assessment: SystemAssessment) -> Json:
    name = line.requirement.id
    said = [called("state", line.state), counted(line), attested(line.attestation) if line.attestation else ""]
    found: Json = {
        "uuid": _id("system-finding", assessment.design.id, assessment.baseline.digest, assessment.level, name),
        "title": text(line.requirement.title),
        "description": "\n".join(part for part in said if part),
        "props": [
            _prop("state", line.state),
            _prop("state-with-waivers", line.with_waivers),
            *([_prop("clause", line.clause)] if line.clause else []),
            *(_prop(f"assets-{key.replace('_', '-')}", str(count)) for key, count in line.counts.items()),
        ],
        "target": {"type": "statement-id", "target-id": f"{name}_smt", "status": _STATUS[line.state]},
    }
    observed = [
        {"observation-uuid": _observed(asset, one, assessment)}
        for asset in line.assets
        if asset.standing is not Standing.EXCUSED
        for one in asset.checks
    ]
    borne = {waiver.id for asset in line.assets for waiver in asset.waivers}
    risks = [{"risk-uuid": _risk_id(waiver, assessment)} for waiver in waivers(assessment) if waiver.id in borne]
    if observed:
        found["related-observations"] = observed
    if risks:
        found["related-risks"] = risks
    return found


def _attestation(requirement: str, word: Attestation) -> Json:
    return {
        "responsible-parties": [{"role-id": "attested", "party-uuids": [_party(word.by)]}],
        "parts": [
            {
                "uuid": _id("attestation", requirement, word.by, word.on, word.until),
                "name": "attestation",
                "title": requirement,
                "props": [
                    _prop("requirement", requirement),
                    _prop("state", word.state),
                    _prop("function", word.role),
                    _prop("on", word.on.isoformat()),
                    _prop("until", word.until.isoformat()),
                    _prop("document", word.document),
                ],
                "prose": attested(word),
            }
        ],
    }


def _risk_id(waiver: Waiver, assessment: SystemAssessment) -> str:
    return _id("waiver", assessment.system.register.name, waiver.id, waiver.on, waiver.until)


def _risk(waiver: Waiver, assessment: SystemAssessment) -> Json:
    # in force for the whole of its last day
    ends = datetime.combine(waiver.until + timedelta(days=1), time(), tzinfo=assessment.at.tzinfo or UTC)
    failing = [
        one.result.check
        for line in assessment.lines
        for asset in line.assets
        if waiver in asset.waivers
        for one in asset.checks
        if one.result.verdict is Verdict.FAIL and waiver.check in (None, one.result.check)
    ]
    checks = [assessment.baseline.checks[str(name)] for name in dict.fromkeys(failing)]
    return {
        "uuid": _risk_id(waiver, assessment),
        "title": f"{waiver.id}: {waiver.requirement}",
        "description": waived(waiver),
        "statement": "\n".join(text(check.title) for check in checks) or waiver.requirement,
        "props": [
            _prop("waiver", waiver.id),
            _prop("waiver-type", waiver.type),
            _prop("approved-by", waiver.approved_by),
            _prop("second-person", waiver.second),
            *(_prop("asset", name) for name in waiver.assets),
        ],
        "status": "deviation-approved",
        "mitigating-factors": [{"uuid": _id("measure", waiver.id, waiver.measure), "description": waiver.measure}],
        "deadline": _time(ends),
    }
