"""OSCAL 1.2 (NIST): a pack as a catalog, and judged machines as assessment results.

OSCAL knows two outcomes of a finding, satisfied and not satisfied. rasoat knows more, and none of it may read as
satisfied: an unknown is not satisfied with the reason "other"; what a person decides gets no finding at all and is
named in a selection of its own; a requirement is satisfied only where a machine decides all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

from agent.language import current
from agent.report.digest import Digest, reason, seen, text, wanted
from baselines.evaluate import requirement_verdict
from baselines.model import Baseline, Group, Requirement, Result, Verdict
from collectors import VERSION
from collectors.model import Snapshot

OSCAL = "1.2.1"
NAMESPACE = "urn:rasoat:oscal"
_ROOT = UUID("6f0f6c0e-6f5c-5d0e-8a53-2f6f0a9b7c11")
"""Names under which ids are made from what they stand for: the same content has the same id everywhere."""
_STATES = {
    Verdict.PASS: {"state": "satisfied", "reason": "pass"},
    Verdict.FAIL: {"state": "not-satisfied", "reason": "fail"},
    Verdict.UNKNOWN: {"state": "not-satisfied", "reason": "other"},
}
Json = dict[str, Any]


def catalog(baseline: Baseline, levels: Iterable[int]) -> Json:
    """The pack as an OSCAL catalog: a group per heading, a control per requirement asked at one of the levels."""
    wanted_levels = sorted(levels)
    standard = baseline.standard
    head = _metadata(standard.edition + ": " + text(standard.title), baseline.version)
    head["props"] += [_prop("pack", baseline.id), _prop("pack-digest", baseline.digest)]
    head["remarks"] = text(standard.status)
    groups = [group for one in baseline.groups if (group := _group(one, baseline, wanted_levels))]
    found: Json = {"uuid": _id("catalog", baseline.digest, wanted_levels, current()), "metadata": head, "groups": groups}
    if standard.sources:
        sources = standard.sources.items()
        resources = [{"uuid": _id("source", baseline.id, name), "title": name, "description": what} for name, what in sources]
        found["back-matter"] = {"resources": resources}
    return {"catalog": found}


def _group(group: Group, baseline: Baseline, levels: list[int]) -> Json | None:
    controls = [_control(one, baseline, levels) for one in group.requirements if set(one.levels) & set(levels)]
    if not controls:
        return None
    clauses = [_prop(f"clause-at-level-{level}", group.clauses[level]) for level in levels if group.clauses.get(level)]
    return {
        "id": f"group.{group.id}",
        "class": group.part,
        "title": text(group.title),
        "props": [_prop("reference-id", group.reference_id), *clauses],
        "controls": controls,
    }


def _control(requirement: Requirement, baseline: Baseline, levels: list[int]) -> Json:
    asked = [level for level in requirement.levels if level in levels]
    clauses = [(level, baseline.clause(requirement.id, level)) for level in asked]
    found: Json = {
        "id": requirement.id,
        "class": "requirement",
        "title": text(requirement.title),
        "props": [
            _prop("reference-id", requirement.reference_id),
            *(_prop("level", str(level)) for level in asked),
            *(_prop(f"clause-at-level-{level}", clause) for level, clause in clauses if clause),
            _prop("coverage", requirement.coverage),
            _prop("confidence", requirement.confidence),
            *(_prop("asset-kind", str(kind)) for kind in requirement.kinds),
            *(_prop("check", name) for name in requirement.checks),
            *(_prop("succeeds", link.id, link.fit) for link in requirement.succeeds),
        ],
        "parts": [_part(requirement, "smt", "statement", text(requirement.title))],
    }
    if requirement.params:
        found["params"] = list(_params(requirement, asked))
    if requirement.guidance:
        found["parts"].append(_part(requirement, "gdn", "guidance", text(requirement.guidance)))
    if requirement.note:
        found["parts"].append(_part(requirement, "note", "overview", text(requirement.note)))
    return found


def _part(requirement: Requirement, suffix: str, name: str, prose: str) -> Json:
    return {"id": f"{requirement.id}_{suffix}", "name": name, "prose": prose}


def _params(requirement: Requirement, levels: list[int]) -> Iterator[Json]:
    for name, param in requirement.params.items():
        values = {level: param.levels[level] for level in levels}
        found: Json = {
            "id": f"{requirement.id}.{name}",
            "label": f"{name} ({param.unit})" if param.unit else name,
            "props": [
                _prop("origin", param.origin),
                *(_prop(f"value-at-level-{level}", _plain(value)) for level, value in values.items() if value != []),
            ],
        }
        if param.source:
            found["guidelines"] = [{"prose": param.source}]
        yield found


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


# assessment results ----------------------------------------------------------------------------------------------------


def results(reports: list[Digest]) -> Json:
    """One document, one result per machine."""
    first = reports[0]
    plan = _id("plan", first.assessment.digest, first.assessment.level)
    head = _metadata(f"rasoat: {first.baseline.standard.edition}", first.assessment.version)
    head["props"] += [_prop("pack", first.assessment.baseline), _prop("pack-digest", first.assessment.digest)]
    return {
        "assessment-results": {
            "uuid": _id(
                "results", current(), *(part for report in reports for part in (report.snapshot.id, report.assessment.digest))
            ),
            "metadata": head,
            "import-ap": {"href": f"#{plan}", "remarks": "rasoat judges against a pack at a level; there is no other plan."},
            "results": [_machine(report) for report in reports],
            "back-matter": {
                "resources": [
                    {
                        "uuid": plan,
                        "title": f"{first.assessment.baseline} {first.assessment.version}",
                        "description": text(first.baseline.standard.status),
                        "props": [_prop("level", str(first.assessment.level))],
                    }
                ]
            },
        }
    }


def _machine(report: Digest) -> Json:
    snapshot, assessment = report.snapshot, report.assessment
    decided: dict[str, list[Result]] = {}
    others: dict[Verdict, list[str]] = {Verdict.MANUAL: [], Verdict.NOT_APPLICABLE: []}
    for result in assessment.results:
        if result.check is not None:
            decided.setdefault(result.requirement, []).append(result)
        else:
            others[result.verdict].append(result.requirement)
    by_hand = others[Verdict.MANUAL]
    findings = [
        _finding(name, some, report)
        for name, some in decided.items()
        if name not in by_hand or requirement_verdict(some) is not Verdict.PASS
    ]
    found: Json = {
        "uuid": _id("result", snapshot.id, assessment.digest, assessment.level),
        "title": snapshot.target.name,
        "description": f"{report.baseline.standard.edition}, level {assessment.level}",
        "start": _time(snapshot.collected_at),
        "props": [
            _prop("level", str(assessment.level)),
            _prop("snapshot", snapshot.id),
            _prop("snapshot-digest", snapshot.digest),
            *(_prop(f"count-{verdict.replace('_', '-')}", str(number)) for verdict, number in report.summary.items()),
        ],
        "local-definitions": {"inventory-items": [_item(snapshot)]},
        "reviewed-controls": {"control-selections": _reviewed(decided, by_hand, others[Verdict.NOT_APPLICABLE])},
        "observations": [_observation(result, report) for some in decided.values() for result in some],
        "findings": findings,
    }
    # OSCAL knows no empty list
    return {key: value for key, value in found.items() if value != []}


def _reviewed(decided: Iterable[str], by_hand: list[str], skipped: list[str]) -> list[Json]:
    """Which requirements the result speaks of, and who decides them."""
    said = (
        ("Requirements a machine decided, or some part of them.", decided),
        ("A person decides these, or the rest of them: no finding says that they are satisfied.", by_hand),
        ("These do not apply to this asset.", skipped),
    )
    return [
        {"description": what, "include-controls": [{"control-id": name} for name in dict.fromkeys(names)]}
        for what, names in said
        if names
    ]


def _item(snapshot: Snapshot) -> Json:
    return {
        "uuid": _id("item", snapshot.id),
        "description": snapshot.target.name,
        "props": [_prop("asset-kind", str(snapshot.target.kind))],
    }


def _observation(result: Result, report: Digest) -> Json:
    snapshot, check = report.snapshot, report.baseline.checks[str(result.check)]
    found: Json = {
        "uuid": _observed(result, report),
        "title": text(check.title),
        "description": "\n".join(_said(result)) or text(check.title),
        "props": [
            _prop("check", check.id),
            _prop("verdict", result.verdict),
            _prop("severity", check.severity),
            *([_prop("clause", result.clause)] if result.clause else []),
        ],
        "methods": ["TEST"],
        "subjects": [{"subject-uuid": _id("item", snapshot.id), "type": "inventory-item"}],
        "collected": _time(snapshot.collected_at),
    }
    evidence = list(_evidence(result, snapshot))
    return found | {"relevant-evidence": evidence} if evidence else found


def _said(result: Result) -> Iterator[str]:
    for finding in result.findings[:10]:
        why = f" ({reason(finding.reason)})" if finding.reason and finding.observed is None else ""
        yield f"{seen(finding)}{why} → {wanted(finding)}"


def _evidence(result: Result, snapshot: Snapshot) -> Iterator[Json]:
    """What was asked of the machine for the facts that decided: the command or file, and the digest of its answer."""
    for fact in dict.fromkeys(finding.fact for finding in result.findings):
        record = snapshot.by_fact.get(fact)
        for source in record.sources if record else ():
            digest = [_prop("answer-sha256", source.sha256)] if source.sha256 else []
            yield {"description": source.what, "props": [_prop("source-kind", source.kind), *digest]}


def _finding(name: str, some: list[Result], report: Digest) -> Json:
    requirement = report.baseline.requirements[name]
    verdict = requirement_verdict(some)
    return {
        "uuid": _id("finding", report.snapshot.id, report.assessment.digest, report.assessment.level, name),
        "title": text(requirement.title),
        "description": "\n".join(line for one in some if one.verdict is verdict for line in _said(one))
        or text(requirement.title),
        "props": [_prop("verdict", verdict)],
        "target": {"type": "statement-id", "target-id": f"{name}_smt", "status": _STATES[verdict]},
        "related-observations": [{"observation-uuid": _observed(one, report)} for one in some],
    }


def _observed(result: Result, report: Digest) -> str:
    return _id(
        "observation", report.snapshot.id, report.assessment.digest, report.assessment.level, result.requirement, result.check
    )


# common ----------------------------------------------------------------------------------------------------------------


def _metadata(title: str, version: str) -> Json:
    return {
        "title": title,
        "last-modified": _time(datetime.now(UTC)),
        "version": version,
        "oscal-version": OSCAL,
        "props": [_prop("made-by", f"rasoat {VERSION}"), _prop("language", current())],
    }


def _prop(name: str, value: str, kind: str | None = None) -> Json:
    found = {"name": name, "ns": NAMESPACE, "value": " ".join(str(value).split())}
    return found | {"class": kind} if kind else found


def _id(*parts: object) -> str:
    return str(uuid5(_ROOT, "|".join(map(str, parts))))


def _time(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
