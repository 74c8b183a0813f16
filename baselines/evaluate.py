"""evaluate(snapshot, baseline, level): the one pure function that judges.

Rules compile once per (baseline, level, tailoring) to closures and stay on the Baseline; judging a snapshot is then
microseconds per check.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic import AwareDatetime, TypeAdapter
from pydantic_core import from_json

from baselines.compiler import Compiler
from baselines.model import RANK, Assessment, Baseline, Check, Example, Finding, Result, Severity, Verdict
from baselines.operators import Context, Rule
from baselines.reading import BaselineError
from baselines.tailoring import Tailoring
from collectors.facts import FACTS
from collectors.model import Kind, Platform, Record, Snapshot

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

    def steps(self, platform: Platform | None) -> Iterator[tuple[Check, int] | Result]:
        """Platform None: not known, so checks of every platform are asked."""
        asked = False
        for check, index in self.checks:
            if platform is None or not check.platforms or platform in check.platforms:
                asked = True
                yield check, index
        if self.fixed is not None:
            yield self.fixed
        elif not asked:
            # every check of the requirement is for other platforms: nothing was decided, so a person decides
            yield Result(self.requirement, self.clause, None, Verdict.MANUAL, None)


AT_CENTRE = "answered at the centre, from data of publishers that only it has"
"""Why a fact that the collector makes is missing where it was not laid in."""
_AT_CENTRE = {name: AT_CENTRE for name, cls in FACTS.items() if cls.AT_CENTRE}


class Judgeable(NamedTuple):
    """What judging needs of a snapshot, and nothing else."""

    snapshot: str
    """Its id."""
    kind: Kind
    platform: Platform | None
    context: Context

    def with_fact(self, record: Record) -> Judgeable:
        """The same with a fact that was made at the centre, in place of whatever it said of it itself."""
        context = _context([(record.fact, record.version, record.outcome, record.data, record.reason)], self.context.now, True)
        facts = {name: data for name, data in self.context.facts.items() if name != record.fact}
        missing = {name: why for name, why in self.context.missing.items() if name != record.fact}
        return self._replace(context=Context(facts | dict(context.facts), missing | dict(context.missing), self.context.now))


def judgeable(snapshot: Snapshot) -> Judgeable:
    """A snapshot, ready to be judged at one level or at several."""
    target = snapshot.target
    return Judgeable(snapshot.id, target.kind, target.platform, context_of(snapshot))


def judged_before(raw: bytes) -> Judgeable:
    """The same from the bytes of a snapshot that `Snapshot.from_bytes` took as they are when this program's facts had the same
    `facts_digest`: nothing is checked again. Several times as fast, for judging thousands again."""
    document = from_json(raw)
    records = {record["fact"]: record for record in document["records"]}
    rows = ((name, r.get("version", 1), r["outcome"], r.get("data"), r.get("reason", "")) for name, r in records.items())
    target = document["target"]
    platform = target.get("platform")
    return Judgeable(
        document["id"],
        Kind(target.get("kind", Kind.SERVER)),
        None if platform is None else Platform(platform),
        _context(rows, _MOMENT.validate_python(document["collected_at"])),
    )


_MOMENT: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)


class _Ask(NamedTuple):
    """One check to be asked under one requirement."""

    place: int
    """Of its result among the results."""
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
    at_centre: dict[str, frozenset[str]]
    """Check -> the facts it reads that are made at the centre, of those that read any."""
    plans: dict[tuple[Kind, Platform | None], tuple[list[Any], list[_Ask]]] = field(default_factory=dict)

    def plan(self, kind: Kind, platform: Platform | None) -> tuple[list[Any], list[_Ask]]:
        """For assets of one kind and system: the results in the pack's order, with what is said whatever was seen and None
        where a check decides; and those checks."""
        if (kind, platform) not in self.plans:
            results: list[Any] = []
            asked: list[_Ask] = []
            for line in self.lines[kind]:
                for step in line.steps(platform):
                    if isinstance(step, Result):
                        results.append(step)
                    else:
                        check, decision = step
                        asked.append(_Ask(len(results), line.requirement, line.clause, check.id, check.severity, decision))
                        results.append(None)
            self.plans[kind, platform] = results, asked
        return self.plans[kind, platform]


def evaluate(seen: Snapshot | Judgeable, baseline: Baseline, level: int, tailoring: Tailoring | None = None) -> Assessment:
    """Judge what was seen. Reads nothing but its arguments; "now" is the time of collection.

    Raises ValueError for a level the standard does not have, BaselineError for a tailoring that does not fit the pack.
    """
    if isinstance(seen, Snapshot):
        seen = judgeable(seen)
    rules = _rules(baseline, level, tailoring)
    judged: list[tuple[Verdict, list[Finding]] | None] = [None] * len(rules.decisions)
    fixed, asked = rules.plan(seen.kind, seen.platform)
    results: list[Any] = fixed.copy()
    for place, requirement, clause, check, severity, index in asked:
        known = judged[index]
        if known is None:
            known = judged[index] = rules.decisions[index].judge(seen.context)
        results[place] = Result(requirement, clause, check, known[0], severity, known[1])
    return Assessment(
        snapshot=seen.snapshot,
        baseline=baseline.id,
        version=baseline.version,
        digest=baseline.digest,
        level=level,
        kind=seen.kind,
        collected_at=seen.context.now,
        results=results,
        coverage=rules.coverage[seen.kind],
        at_centre=frozenset(rules.at_centre),
        left_to_centre=frozenset(
            check for check, facts in rules.at_centre.items() if any(seen.context.missing.get(one) == AT_CENTRE for one in facts)
        ),
    )


def asks_centre(baseline: Baseline, level: int, tailoring: Tailoring | None = None) -> bool:
    """Some check reads a fact that only the collector makes. Raises like `evaluate`."""
    return bool(_rules(baseline, level, tailoring).at_centre)


def context_of(snapshot: Snapshot) -> Context:
    """What rules are asked over. A fact from a newer agent counts as not seen, and says so."""
    rows = ((name, r.version, r.outcome, r.data, r.reason) for name, r in snapshot.by_fact.items())
    return _context(rows, snapshot.collected_at)


def _context(rows: Iterable[tuple[str, int, str, dict[str, Any] | None, str]], now: datetime, made_here: bool = False) -> Context:
    """Rows: (fact, version, outcome, data, reason). `made_here`: of a fact that the collector makes."""
    facts: dict[str, dict[str, Any]] = {}
    missing: dict[str, str] = {} if made_here else {**_AT_CENTRE}
    for name, version, outcome, data, reason in rows:
        cls = FACTS.get(name)
        if cls is not None and cls.AT_CENTRE and not made_here:
            continue
        if outcome != "seen" or data is None:
            missing[name] = f"{outcome}: {reason}"
        elif cls is None or version > cls.VERSION:
            missing[name] = f"unsupported: {name} version {version} is newer than this program"
        else:
            facts[name] = data
    return Context(facts, missing, now)


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
    at_centre: dict[str, frozenset[str]] = {}
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
                if (index := _bind(baseline.checks[name], params, known, decisions, at_centre)) is not None
            ]
            person = Result(requirement.id, clause, None, Verdict.MANUAL, None)
            decided = checks and requirement.coverage == "automated"
            lines[kind].append(_Line(requirement.id, clause, checks, None if decided else person))
    return _Ruleset(decisions, lines, coverage, at_centre)


def _bind(
    check: Check, params: dict[str, Any], known: dict[str, int], decisions: list[_Decision], at_centre: dict[str, frozenset[str]]
) -> int | None:
    """Index of its decision; None where it compares with an empty list: the customer named nothing, so nothing is asked."""
    compiler = Compiler(params=params)
    rule = compiler.rule(check.assert_)
    provided = None if check.provided is None else compiler.rule(check.provided)
    if any(params[name] == [] for name in compiler.used):
        return None
    if made := frozenset(fact for fact, _field in compiler.reads if FACTS[fact].AT_CENTRE):
        at_centre[check.id] = made
    bound = json.dumps([check.id, {name: params[name] for name in sorted(compiler.used)}])
    if bound not in known:
        known[bound] = len(decisions)
        decisions.append(_Decision(rule, provided))
    return known[bound]
