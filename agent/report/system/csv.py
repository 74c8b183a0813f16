"""One line per requirement, asset and check, for spreadsheets; one line alone for a requirement that only people decide."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import StringIO

from agent.report.csv import _harmless as harmless
from agent.report.digest import reason, seen, text, wanted
from agent.report.system.parts import attested, called, excused, remedy, waived, why_undetermined
from baselines.systems.compare import Comparison
from baselines.systems.result import AssetLine, Judged, RequirementLine, State, SystemAssessment

COLUMNS = (
    "system", "level", "judged_on", "clause", "group", "requirement", "requirement_title", "state", "state_code",
    "state_with_waivers", "applicable", "pass", "fail", "unknown", "not_reached", "stale", "waived", "why", "attested", "not_applicable",
    "asset", "kind", "zone", "standing", "check", "check_title", "severity", "verdict", "waiver", "seen", "asked", "reason",
    "remedy", "snapshot", "snapshot_digest", "collected_at", "sources",
)  # fmt: skip
"""Fixed, so that a formula or a program finds its column whatever the language of the texts."""
_COUNTS = ("applicable", "pass", "fail", "unknown", "not_reached", "stale", "waived")
TURN_COLUMNS = (
    "system", "from_level", "to_level", "clause", "requirement", "requirement_title", "before", "after", "new", "needs_a_person",
    "guidance", "asset", "asset_before", "asset_after", "check", "check_title", "severity", "remedy",
)  # fmt: skip


def document(assessment: SystemAssessment) -> str:
    """RFC 4180."""
    return _written(COLUMNS, _lines(assessment))


def comparison(found: Comparison) -> str:
    """What another level would ask: a line per requirement, asset and check to mend."""
    return _written(TURN_COLUMNS, _turns(found))


def _written(columns: tuple[str, ...], rows: Iterator[list[str]]) -> str:
    out = StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return out.getvalue()


def _lines(assessment: SystemAssessment) -> Iterator[list[str]]:
    head = [assessment.system.register.name, str(assessment.level), assessment.at.date().isoformat()]
    for line in assessment.lines:
        said = [*head, *_requirement(line, assessment)]
        if not line.assets:
            yield said + [""] * (len(COLUMNS) - len(said))
        for asset in line.assets:
            checks: list[Judged | None] = [*asset.checks] or [None]
            yield from ([*said, *_asset(asset, one, assessment)] for one in checks)


def _requirement(line: RequirementLine, assessment: SystemAssessment) -> list[str]:
    counts = line.counts
    return [
        line.clause,
        text(assessment.baseline.group_of[line.requirement.id].title),
        line.requirement.id,
        text(line.requirement.title),
        called("state", line.state),
        str(line.state),
        called("state", line.with_waivers),
        *(str(counts[name]) for name in _COUNTS),
        "\n".join(why_undetermined(line)) if line.state is State.UNDETERMINED else "",
        attested(line.attestation) if line.attestation else "",
        "\n".join(excused(word) for word in line.excuses),
    ]


def _asset(asset: AssetLine, one: Judged | None, assessment: SystemAssessment) -> list[str]:
    said = [asset.asset, str(asset.kind), asset.zone, called("standing", asset.standing)]
    if one is None:
        return said + [""] * 13
    result, snapshot = one.result, one.snapshot
    check = assessment.baseline.checks[str(result.check)]
    findings = result.findings[:10]
    facts = dict.fromkeys(finding.fact for finding in findings)
    records = [record for fact in facts if snapshot and (record := snapshot.by_fact.get(fact))]
    return [
        *said,
        check.id,
        text(check.title),
        check.severity,
        str(result.verdict),
        "\n".join(waived(word) for word in asset.waivers if word.check in (None, check.id) and result.verdict == "fail"),
        "\n".join(seen(finding) for finding in findings),
        "\n".join(dict.fromkeys(wanted(finding) for finding in findings)),
        "\n".join(dict.fromkeys(reason(finding.reason) for finding in findings if finding.reason)),
        remedy(check.id, [asset.asset], assessment),
        snapshot.id if snapshot else "",
        snapshot.digest if snapshot else "",
        snapshot.collected_at.isoformat().replace("+00:00", "Z") if snapshot else "",
        "\n".join(f"{source.what} sha256:{source.sha256 or '-'}" for record in records for source in record.sources),
    ]


def _turns(found: Comparison) -> Iterator[list[str]]:
    head = [found.before.system.register.name, str(found.before.level), str(found.after.level)]
    checks = found.after.baseline.checks
    for turn in found.turns:
        requirement = turn.requirement
        said = [
            *head,
            turn.clause,
            requirement.id,
            text(requirement.title),
            called("state", turn.before) if turn.before else "",
            called("state", turn.after) if turn.after else "",
            str(int(turn.new)),
            str(int(turn.person)),
            text(requirement.guidance) if turn.person and requirement.guidance else "",
        ]
        rows = [(one, name) for one in turn.assets for name in one.checks or ("",)]
        if not rows:
            yield said + [""] * (len(TURN_COLUMNS) - len(said))
        for one, name in rows:
            standings = [called("standing", standing) if standing else "" for standing in (one.before, one.after)]
            check = checks[name] if name else None
            words = [check.id, text(check.title), check.severity, remedy(name, [one.asset], found.after)] if check else [""] * 4
            yield [*said, one.asset, *standings, *words]
