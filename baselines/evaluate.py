"""evaluate(snapshot, baseline, level): the one pure function that judges.

Rules compile once per (baseline, level, tailoring) to closures and stay on the Baseline; judging a snapshot is then
microseconds per check.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from baselines.compiler import Compiler
from baselines.loader import BaselineError
from baselines.model import RANK, Assessment, Baseline, Check, Example, Finding, Result, Severity, Verdict
from baselines.operators import Context, Rule
from baselines.tailoring import Tailoring
from collectors.facts import FACTS
from collectors.model import Kind, Platform, Snapshot

EXAMPLE_TIME = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass(slots=True)
class _Decision:
    """One check with its parameters bound; shared by the requirements that bind it alike."""

    rule: Rule
    provided: Rule | None

    def judge(self, context: Context) -> tuple[Verdict, list[Finding]]:
        truth, findings = self.rule(context)
        if truth is False:
            return Verdict.FAIL, findings
        if truth is None:
            return Verdict.UNKNOWN, findings
        if self.provided is not None:
            holds, conditions = self.provided(context)
            if holds is not True:
                for finding in conditions:
                    finding.reason = finding.reason or "a pass counts only where this holds"
                return Verdict.UNKNOWN, conditions
        return Verdict.PASS, findings


@dataclass(slots=True)
class _Line:
    """What is to be said of one requirement for one kind of asset."""

    requirement: str
    clause: str
    checks: list[tuple[Check, int]]
    """(check, index of its decision); empty where no check decides."""
    fixed: Result | None
    """What is said whatever was seen: not applicable, or that a person decides (some of) it. Shared by all assessments."""

    def steps(self, platform: Platform | None) -> Iterator[_Ask | Result]:
        """Platform None: not known, so checks of every platform are asked."""
        asked = False
        for check, index in self.checks:
            if platform is None or not check.platforms or platform in check.platforms:
                asked = True
                yield _Ask(self.requirement, self.clause, check.id, check.severity, index)
        if self.fixed is not None:
            yield self.fixed
        elif not asked:
            # every check of the requirement is for other platforms: nothing was decided, so a person decides
            yield Result(self.requirement, self.clause, None, Verdict.MANUAL, None)


class _Ask(NamedTuple):
    """One check to be asked under one requirement."""

    requirement: str
    clause: str
    check: str
    severity: Severity
    decision: int


@dataclass(slots=True)
class _Ruleset:
    decisions: list[_Decision]
    lines: dict[Kind, list[_Line]]
    coverage: dict[Kind, dict[str, int]]
    plans: dict[tuple[Kind, Platform | None], list[_Ask | Result]] = field(default_factory=dict)

    def plan(self, kind: Kind, platform: Platform | None) -> list[_Ask | Result]:
        """What is asked of assets of one kind and system, and what is said of them whatever was seen, in the pack's order."""
        if (kind, platform) not in self.plans:
            self.plans[kind, platform] = [step for line in self.lines[kind] for step in line.steps(platform)]
        return self.plans[kind, platform]


def evaluate(snapshot: Snapshot, baseline: Baseline, level: int, tailoring: Tailoring | None = None) -> Assessment:
    """Judge what was seen. Reads nothing but its arguments; "now" is the time of collection.

    Raises ValueError for a level the standard does not have, BaselineError for a tailoring that does not fit the pack.
    """
    rules = _rules(baseline, level, tailoring)
    context = context_of(snapshot)
    judged: list[tuple[Verdict, list[Finding]] | None] = [None] * len(rules.decisions)
    results = []
    for step in rules.plan(snapshot.target.kind, snapshot.target.platform):
        if isinstance(step, Result):
            results.append(step)
            continue
        requirement, clause, check, severity, index = step
        known = judged[index]
        if known is None:
            known = judged[index] = rules.decisions[index].judge(context)
        results.append(Result(requirement, clause, check, known[0], severity, known[1]))
    return Assessment(
        snapshot=snapshot.id,
        baseline=baseline.id,
        version=baseline.version,
        digest=baseline.digest,
        level=level,
        kind=snapshot.target.kind,
        collected_at=snapshot.collected_at,
        results=results,
        coverage=rules.coverage[snapshot.target.kind],
    )


def context_of(snapshot: Snapshot) -> Context:
    """What rules are asked over. A fact from a newer agent counts as not seen, and says so."""
    facts: dict[str, dict[str, Any]] = {}
    missing: dict[str, str] = {}
    for name, record in snapshot.by_fact.items():
        cls = FACTS.get(name)
        if record.outcome != "seen" or record.data is None:
            missing[name] = f"{record.outcome}: {record.reason}"
        elif cls is None or record.version > cls.VERSION:
            missing[name] = f"unsupported: {name} version {record.version} is newer than this program"
        else:
            facts[name] = record.data
    return Context(facts, missing, snapshot.collected_at)


def requirement_verdict(results: list[Result]) -> Verdict:
    """The worst of a requirement's results; a part that a person decides never hides a fail or an unknown."""
    return min((result.verdict for result in results), key=RANK.__getitem__)


class Turn(NamedTuple):
    """A check whose verdict differs between two assessments of one snapshot; before is None where it was not asked."""

    requirement: str
    check: str | None
    before: Verdict | None
    after: Verdict


def turns(before: Assessment, after: Assessment) -> list[Turn]:
    """What another level (or edition, or tailoring) would change, in the order of `after`."""
    old = {(result.requirement, result.check): result.verdict for result in before.results}
    return [
        Turn(result.requirement, result.check, old.get((result.requirement, result.check)), result.verdict)
        for result in after.results
        if old.get((result.requirement, result.check)) != result.verdict
    ]


def try_example(check: Check, example: Example) -> tuple[str, str]:
    """(verdict, why) of one example of a check."""
    compiler = Compiler(params=example.params)
    decision = _Decision(compiler.rule(check.assert_), None if check.provided is None else compiler.rule(check.provided))
    if compiler.mistakes:
        return "mistake", str(compiler.mistakes[0])
    context = Context(example.seen, {}, (example.at or EXAMPLE_TIME).astimezone(UTC))
    verdict, findings = decision.judge(context)
    return str(verdict), "; ".join(f"{f.fact}.{f.field} {f.op} {f.expected!r}: {f.observed!r} {f.reason}" for f in findings[:3])


def _rules(baseline: Baseline, level: int, tailoring: Tailoring | None) -> _Ruleset:
    key = (level, tailoring.digest if tailoring else None)
    if key not in baseline.rulesets:
        if level not in baseline.standard.levels:
            raise ValueError(f"{baseline.id} has no level {level}; it has {', '.join(map(str, baseline.standard.levels))}")
        if tailoring and (problems := tailoring.unusable(baseline)):
            raise BaselineError(problems)
        baseline.rulesets[key] = _compile(baseline, level, tailoring)
    ruleset: _Ruleset = baseline.rulesets[key]
    return ruleset


def _compile(baseline: Baseline, level: int, tailoring: Tailoring | None) -> _Ruleset:
    decisions: list[_Decision] = []
    known: dict[str, int] = {}
    lines: dict[Kind, list[_Line]] = {kind: [] for kind in Kind}
    coverage: dict[Kind, dict[str, int]] = {
        kind: dict.fromkeys(("automated", "partial", "manual", "not_yet"), 0) for kind in Kind
    }
    for requirement in baseline.requirements.values():
        if level not in requirement.levels:
            continue
        clause = baseline.clause(requirement.id, level)
        params = {
            name: tailoring.value(requirement.id, name, spec, level) if tailoring else spec.levels[level]
            for name, spec in requirement.params.items()
        }
        for kind in Kind:
            if requirement.kinds and kind not in requirement.kinds:
                skipped = Result(requirement.id, clause, None, Verdict.NOT_APPLICABLE, None)
                lines[kind].append(_Line(requirement.id, clause, [], skipped))
                continue
            if tailoring and (word := tailoring.excuse(requirement.id, kind)):
                said = Finding("tailoring", requirement.id, "not_applicable", word.type, word.by, word.reason)
                excused = Result(requirement.id, clause, None, Verdict.NOT_APPLICABLE, None, [said])
                lines[kind].append(_Line(requirement.id, clause, [], excused))
                continue
            coverage[kind][requirement.coverage] += 1
            checks = [
                (baseline.checks[name], index)
                for name in requirement.checks
                if kind in baseline.checks[name].kinds and level in requirement.only_at.get(name, requirement.levels)
                if (index := _bind(baseline.checks[name], params, known, decisions)) is not None
            ]
            person = Result(requirement.id, clause, None, Verdict.MANUAL, None)
            decided = checks and requirement.coverage == "automated"
            lines[kind].append(_Line(requirement.id, clause, checks, None if decided else person))
    return _Ruleset(decisions, lines, coverage)


def _bind(check: Check, params: dict[str, Any], known: dict[str, int], decisions: list[_Decision]) -> int | None:
    """Index of its decision; None where it compares with an empty list: the customer named nothing, so nothing is asked."""
    compiler = Compiler(params=params)
    rule = compiler.rule(check.assert_)
    provided = None if check.provided is None else compiler.rule(check.provided)
    if any(params[name] == [] for name in compiler.used):
        return None
    bound = json.dumps([check.id, {name: params[name] for name in sorted(compiler.used)}])
    if bound not in known:
        known[bound] = len(decisions)
        decisions.append(_Decision(rule, provided))
    return known[bound]
