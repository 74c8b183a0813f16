"""SARIF 2.1.0 (OASIS): the results for code-scanning viewers and ticket systems."""

from __future__ import annotations

from typing import Any

from agent.report.digest import Digest, Entry, reason, seen, text, wanted
from baselines.model import Check, Finding, Verdict
from collectors import VERSION

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_KIND = {Verdict.FAIL: "fail", Verdict.UNKNOWN: "open", Verdict.PASS: "pass"}
_LEVEL = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}


def document(reports: list[Digest]) -> dict[str, Any]:
    """One log, one run per machine."""
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(report) for report in reports]}


def _run(report: Digest) -> dict[str, Any]:
    standard = report.baseline.standard
    return {
        "tool": {
            "driver": {
                "name": "rasoat",
                "version": VERSION,
                "rules": [_rule(entry.check) for entry in report.entries],
            }
        },
        "automationDetails": {"id": f"{report.snapshot.target.name}/{report.snapshot.id}"},
        "properties": {
            "baseline": report.assessment.baseline,
            "edition": standard.edition,
            "digest": report.assessment.digest,
            "level": report.assessment.level,
            "summary": report.summary,
            "coverage": report.assessment.coverage,
        },
        "results": [_result(entry, report) for entry in report.entries],
    }


def _rule(check: Check) -> dict[str, Any]:
    return {
        "id": check.id,
        "shortDescription": {"text": text(check.title)},
        "help": {"text": text(check.remedy)},
        "defaultConfiguration": {"level": _LEVEL[check.severity]},
    }


def _result(entry: Entry, report: Digest) -> dict[str, Any]:
    failed = entry.verdict is Verdict.FAIL
    return {
        "ruleId": entry.check.id,
        "ruleIndex": report.entries.index(entry),
        # SARIF 3.27.9: a kind other than fail goes with level none
        "kind": _KIND[entry.verdict],
        "level": _LEVEL[entry.check.severity] if failed else "none",
        "message": {"text": _message(entry)},
        "locations": [_location(finding, report.snapshot.target.name) for finding in entry.findings[:10]],
        "partialFingerprints": {"rasoat/v1": f"{report.snapshot.target.name}/{entry.check.id}"},
        "properties": {
            "clauses": list(dict.fromkeys(clause.label for clause in entry.clauses)),
            "severity": entry.check.severity,
        },
    }


def _message(entry: Entry) -> str:
    parts = [text(entry.check.title)]
    for finding in entry.findings[:10]:
        why = f" ({reason(finding.reason)})" if finding.reason and finding.observed is None else ""
        parts.append(f"{seen(finding)}{why} → {wanted(finding)}")
    return "\n".join(parts)


def _location(finding: Finding, machine: str) -> dict[str, Any]:
    return {"logicalLocations": [{"fullyQualifiedName": f"{machine}/{finding.fact}.{finding.field}", "kind": "resource"}]}
