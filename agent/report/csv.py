"""One line per requirement and check, for spreadsheets: the results with what was seen and what is asked."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO

from agent.report.digest import Digest, reason, seen, text, wanted
from baselines.model import Result
from baselines.remedies import for_platform

COLUMNS = (
    "machine", "kind", "collected_at", "baseline", "level", "clause", "requirement", "requirement_title",
    "check", "check_title", "severity", "verdict", "seen", "asked", "reason", "remedy",
)  # fmt: skip
"""Fixed, so that a formula or a program finds its column whatever the language of the texts."""


def document(reports: list[Digest]) -> str:
    """RFC 4180: a head, then a line per result of each machine."""
    out = StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for report in reports:
        writer.writerows(_lines(report))
    return out.getvalue()


def _lines(report: Digest) -> Iterator[list[str]]:
    snapshot, assessment = report.snapshot, report.assessment
    when = snapshot.collected_at.isoformat().replace("+00:00", "Z")
    machine = [snapshot.target.name, str(snapshot.target.kind), when, assessment.baseline, str(assessment.level)]
    for result in assessment.results:
        yield [_harmless(cell) for cell in [*machine, *_result(result, report)]]


def _result(result: Result, report: Digest) -> list[str]:
    check = report.baseline.checks[result.check] if result.check else None
    findings = result.findings[:10]
    return [
        result.clause,
        result.requirement,
        text(report.baseline.requirements[result.requirement].title),
        check.id if check else "",
        text(check.title) if check else "",
        result.severity or "",
        str(result.verdict),
        "\n".join(seen(finding) for finding in findings),
        "\n".join(dict.fromkeys(wanted(finding) for finding in findings)),
        "\n".join(dict.fromkeys(reason(finding.reason) for finding in findings if finding.reason)),
        text(for_platform(check.remedy, report.snapshot.target.platform)) if check else "",
    ]


def _harmless(cell: str) -> str:
    """A cell that a spreadsheet does not take for a formula: names and values come from the machine that was scanned."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
