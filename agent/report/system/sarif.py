"""SARIF 2.1.0: one run for the system, one result per asset and check; what a waiver bears is suppressed, and stays visible."""

from __future__ import annotations

from typing import Any

from agent.report.digest import reason, seen, text, wanted
from agent.report.sarif import _KIND, _LEVEL, SCHEMA, _location, _rule
from agent.report.system.parts import waived
from baselines.model import RANK, Verdict
from baselines.systems.result import AssetLine, Judged, RequirementLine, Standing, SystemAssessment
from collectors import VERSION

Found = tuple[RequirementLine, AssetLine, Judged]


def document(assessment: SystemAssessment) -> dict[str, Any]:
    """One log of one run."""
    grouped = _grouped(assessment)
    names = list(dict.fromkeys(check for _, check in grouped))
    checks = assessment.baseline.checks
    run = {
        "tool": {"driver": {"name": "rasoat", "version": VERSION, "rules": [_rule(checks[name]) for name in names]}},
        "automationDetails": {"id": f"{assessment.system.register.name}/{assessment.design.id}"},
        "properties": {
            "baseline": assessment.baseline.id,
            "edition": assessment.baseline.standard.edition,
            "digest": assessment.baseline.digest,
            "level": assessment.level,
            "at": assessment.at.isoformat(),
            "summary": assessment.summary(),
            "summaryWithWaivers": assessment.summary(with_waivers=True),
            "score": assessment.score,
            "reaches": assessment.reaches,
            "requirements": {line.requirement.id: str(line.state) for line in assessment.lines},
        },
        "results": [_result(name, names.index(name), found, assessment) for (_, name), found in grouped.items()],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _grouped(assessment: SystemAssessment) -> dict[tuple[str, str], list[Found]]:
    """(asset, check) -> every requirement that asks it of the asset."""
    found: dict[tuple[str, str], list[Found]] = {}
    for line in assessment.lines:
        for asset in line.assets:
            if asset.standing is not Standing.EXCUSED:
                for one in asset.checks:
                    found.setdefault((asset.asset, str(one.result.check)), []).append((line, asset, one))
    return found


def _counting(found: Found) -> Verdict:
    """What a snapshot that is too old decides: nothing."""
    _, asset, one = found
    return Verdict.UNKNOWN if asset.standing is Standing.STALE else one.result.verdict


def _result(name: str, index: int, found: list[Found], assessment: SystemAssessment) -> dict[str, Any]:
    check = assessment.baseline.checks[name]
    worst = min(found, key=lambda one: RANK[_counting(one)])
    verdict, asset, judged = _counting(worst), worst[1], worst[2]
    failed = verdict is Verdict.FAIL
    findings = judged.result.findings[:10]
    said = [
        f"{seen(one)}{f' ({reason(one.reason)})' if one.observed is None and one.reason else ''} → {wanted(one)}"
        for one in findings
    ]
    result: dict[str, Any] = {
        "ruleId": name,
        "ruleIndex": index,
        # SARIF 3.27.9: a kind other than fail goes with level none
        "kind": _KIND[verdict],
        "level": _LEVEL[check.severity] if failed else "none",
        "message": {"text": "\n".join([f"{asset.asset}: {text(check.title)}", *said])},
        "locations": [_location(one, asset.asset) for one in findings],
        "partialFingerprints": {"rasoat/v1": f"{assessment.system.register.name}/{asset.asset}/{name}"},
        "properties": {
            "asset": asset.asset,
            "zone": asset.zone,
            "standing": str(asset.standing),
            "requirements": [line.requirement.id for line, _, _ in found],
            "clauses": list(dict.fromkeys(line.clause for line, _, _ in found if line.clause)),
            "severity": check.severity,
            "snapshot": judged.snapshot.id if judged.snapshot else None,
        },
    }
    if failed and (bearing := _bearing(name, found)):
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": words} for words in bearing]
    return result


def _bearing(name: str, found: list[Found]) -> list[str]:
    """Waivers, where each requirement that fails for this check has one: else the fail counts somewhere."""
    words: list[str] = []
    for _, asset, one in found:
        if one.result.verdict is not Verdict.FAIL:
            continue
        mine = [waived(waiver) for waiver in asset.waivers if waiver.check in (None, name)]
        if not mine:
            return []
        words += mine
    return list(dict.fromkeys(words))
