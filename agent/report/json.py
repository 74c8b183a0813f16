"""The report for programs: the JSON document of `rasoat scan --format json`."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_json

from agent.report.digest import Digest
from baselines.model import Result, Verdict
from collectors import VERSION
from collectors.model import Snapshot


def document(report: Digest, with_snapshot: bool = True) -> dict[str, Any]:
    """One machine judged, as plain data."""
    snapshot, assessment = report.snapshot, report.assessment
    found: dict[str, Any] = {
        "rasoat": VERSION,
        "baseline": {
            "id": assessment.baseline,
            "version": assessment.version,
            "digest": assessment.digest,
            "level": assessment.level,
        },
        "target": snapshot.target.model_dump(mode="json"),
        "collected_at": snapshot.collected_at.isoformat().replace("+00:00", "Z"),
        "seconds": snapshot.seconds,
        "summary": report.summary,
        "coverage": assessment.coverage,
        "results": [_result(result, snapshot) for result in assessment.results],
    }
    if with_snapshot:
        found["snapshot"] = snapshot.model_dump(mode="json")
    return found


def worst(report: Digest, count: int) -> list[dict[str, Any]]:
    """The worst lines of a report with their texts in both languages, so that they can be shown without the baseline."""
    return [
        {
            "check": entry.check.id,
            "verdict": str(entry.verdict),
            "severity": entry.check.severity,
            "clauses": list(dict.fromkeys(clause.label for clause in entry.clauses)),
            "title": entry.check.title.model_dump(),
            "remedy": entry.remedy.model_dump(),
        }
        for entry in [*report.of(Verdict.FAIL), *report.of(Verdict.UNKNOWN)][:count]
    ]


def dumps(value: Any) -> str:
    """Readable JSON, one document."""
    return to_json(value, indent=1).decode()  # pydantic's own writer: json.dumps with indent takes a third of a second


def _result(result: Result, snapshot: Snapshot) -> dict[str, Any]:
    return {
        "requirement": result.requirement,
        "clause": result.clause,
        "check": result.check,
        "verdict": str(result.verdict),
        "severity": result.severity,
        "findings": [
            {
                "fact": finding.fact,
                "field": finding.field,
                "op": finding.op,
                "expected": finding.expected,
                "observed": finding.observed,
                "reason": finding.reason,
                "sources": sources(snapshot, finding.fact),
            }
            for finding in result.findings
        ],
    }


def sources(snapshot: Snapshot, fact: str) -> list[dict[str, Any]]:
    """Where a fact came from: commands and files, with exit status and digest."""
    record = snapshot.by_fact.get(fact)
    return [] if record is None else [source.model_dump(mode="json") for source in record.sources]
