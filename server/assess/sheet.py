"""One machine judged, brought into the order in which people read it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from baselines.evaluate import requirement_verdict
from baselines.model import RANK, Baseline, Check, Finding, Group, Requirement, Result, Verdict
from baselines.remedies import commands_for, for_platform
from collectors.facts import FACTS
from collectors.model import Platform, Record, Snapshot, Source
from server.assess import wording
from server.web.pieces import written

SEVERITIES = ("critical", "high", "medium", "low")
MAX_ROWS = 500


@dataclass
class Clause:
    """Where the standard asks for it."""

    number: str
    id: str
    requirement: Requirement | None

    @property
    def title(self) -> str:
        return wording.text(self.requirement.title) if self.requirement else self.id

    @property
    def guidance(self) -> str:
        return wording.text(self.requirement.guidance) if self.requirement else ""

    @property
    def coverage(self) -> str:
        return str(wording.COVERAGES[self.requirement.coverage]) if self.requirement else ""

    @property
    def told(self) -> SafeString:
        """What is there to say of it on any machine."""
        return written("assess/guidance.html", self.id, self.guidance, self.coverage, given=lambda: {"clause": self})


@dataclass
class Seen:
    """One comparison: what was seen, what was wanted."""

    fact: str
    field: str
    observed: str
    known: bool
    wanted: str
    reason: str

    @property
    def label(self) -> str:
        column = self.field.rpartition("[].")[2]
        name = self.field.partition("[]")[0]
        words = wording.label(name, self.fact)
        return words if column == self.field else f"{words}: {wording.label(column, self.fact)}"


@dataclass
class Evidence:
    """A fact that a check rests on: how it was asked, with what end."""

    fact: str
    outcome: str
    reason: str
    sources: tuple[Source, ...]

    @property
    def title(self) -> str:
        return wording.fact_title(self.fact)

    @property
    def outcome_word(self) -> str:
        return str(wording.OUTCOMES.get(self.outcome, self.outcome))

    @cached_property
    def written(self) -> SafeString:
        """Set out once, however many checks of a machine rest on it."""
        return render_to_string("assess/sources.html", {"fact": self})


@dataclass
class Entry:
    """One check with its worst verdict, and every clause for which it came out so."""

    id: str
    verdict: str
    severity: str
    check: Check | None
    platform: Platform | None = None
    clauses: list[Clause] = field(default_factory=list)
    findings: list[Seen] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)

    @property
    def title(self) -> str:
        return wording.text(self.check.title) if self.check else self.id

    @property
    def numbers(self) -> str:
        """The clauses, each once."""
        return ", ".join(dict.fromkeys(clause.number or clause.id for clause in self.clauses))

    @property
    def remedy(self) -> str:
        return wording.text(for_platform(self.check.remedy, self.platform)) if self.check else ""

    @property
    def why(self) -> str:
        return wording.text(self.check.why) if self.check else ""

    @property
    def verify(self) -> str:
        return commands_for(self.check.verify, self.platform) if self.check else ""

    @property
    def advice(self) -> SafeString:
        """Why it matters and what to do, which many machines have in common."""
        told = (self.id, self.verdict, self.why, self.remedy, self.verify)
        return written("assess/advice.html", *told, given=lambda: {"entry": self})

    @property
    def severity_word(self) -> str:
        return str(wording.SEVERITIES.get(self.severity, self.severity))


@dataclass
class Section:
    """All checks that ended alike."""

    verdict: str
    entries: list[Entry]
    clauses: list[Clause]

    @property
    def title(self) -> str:
        return str(wording.VERDICTS[self.verdict])

    @property
    def count(self) -> int:
        return len(self.entries) + len(self.clauses)


@dataclass
class Line:
    """One requirement with its verdict, for readers who follow the standard."""

    clause: Clause
    verdict: str
    checks: list[tuple[str, str, str]]
    """(title, verdict, word) of each check."""

    @property
    def word(self) -> str:
        return str(wording.VERDICTS[self.verdict])


@dataclass
class Heading:
    """A group of the standard."""

    number: str
    title: str
    lines: list[Line]


def sections(results: list[Result], baseline: Baseline | None, snapshot: Snapshot) -> list[Section]:
    """Worst first. Each check stands once, under its worst verdict, so that the numbers are those of the summary."""
    worst: dict[str, Verdict] = {}
    for result in results:
        if result.check:
            worst[result.check] = min(worst.get(result.check, result.verdict), result.verdict, key=RANK.__getitem__)
    found = {verdict: Section(str(verdict), [], []) for verdict in Verdict}
    entries: dict[str, Entry] = {}
    for result in results:
        clause = _clause(result, baseline)
        if result.check is None:
            found[result.verdict].clauses.append(clause)
        elif result.verdict == worst[result.check]:
            entry = entries.get(result.check)
            if entry is None:
                check = baseline.checks.get(result.check) if baseline else None
                entry = entries[result.check] = Entry(
                    result.check, str(result.verdict), str(result.severity or ""), check, snapshot.target.platform
                )
                found[result.verdict].entries.append(entry)
            entry.clauses.append(clause)
            for seen in map(_seen, result.findings):
                if seen not in entry.findings:
                    entry.findings.append(seen)
    evidence: dict[str, Evidence] = {}
    for entry in entries.values():
        facts = dict.fromkeys(seen.fact for seen in entry.findings)
        entry.evidence = [_evidence(fact, snapshot, evidence) for fact in facts if fact in snapshot.by_fact]
    for section in found.values():
        section.clauses.sort(key=lambda clause: _order(clause.number))
        section.entries.sort(
            key=lambda e: (SEVERITIES.index(e.severity) if e.severity in SEVERITIES else 9, _order(e.clauses[0].number))
        )
    return [section for section in found.values() if section.count]


def headings(results: list[Result], baseline: Baseline | None, level: int) -> list[Heading]:
    """In the order of the standard."""
    by_requirement: dict[str, list[Result]] = {}
    for result in results:
        by_requirement.setdefault(result.requirement, []).append(result)
    found: dict[str, Heading] = {}
    for requirement, rows in by_requirement.items():
        group: Group | None = baseline.group_of.get(requirement) if baseline else None
        name = group.id if group else ""
        if name not in found:
            found[name] = Heading(group.clauses.get(level, "") if group else "", wording.text(group.title) if group else "", [])
        checks = [
            (_title(row.check, baseline), str(row.verdict), str(wording.VERDICTS[str(row.verdict)])) for row in rows if row.check
        ]
        found[name].lines.append(Line(_clause(rows[0], baseline), str(requirement_verdict(rows)), checks))
    return sorted(found.values(), key=lambda heading: _order(heading.number))


def coverage(results: list[Result], baseline: Baseline | None) -> list[tuple[str, int]]:
    """How much of the standard a machine decides here, and how much it does not: (words, requirements) of each kind."""
    if baseline is None:
        return []
    applicable = {result.requirement for result in results if result.verdict != Verdict.NOT_APPLICABLE}
    kinds = [str(baseline.requirements[name].coverage) for name in applicable if name in baseline.requirements]
    return [(str(words), kinds.count(kind)) for kind, words in wording.COVERAGES.items() if kind in kinds]


def results_from(stored: list[dict[str, Any]]) -> list[Result]:
    """Kept results, in their own type again."""
    return [
        Result(
            row["requirement"],
            row["clause"],
            row["check"],
            Verdict(row["verdict"]),
            row["severity"],
            [Finding(**finding) for finding in row["findings"]],
        )
        for row in stored
    ]


def _title(check: str, baseline: Baseline | None) -> str:
    known = baseline.checks.get(check) if baseline else None
    return wording.text(known.title) if known else check


def _clause(result: Result, baseline: Baseline | None) -> Clause:
    return Clause(result.clause, result.requirement, baseline.requirements.get(result.requirement) if baseline else None)


def _seen(finding: Finding) -> Seen:
    return Seen(
        finding.fact,
        finding.field,
        wording.value(finding.observed),
        finding.observed is not None,
        wording.wanted(finding.op, finding.expected),
        wording.reason(finding.reason),
    )


def _evidence(fact: str, snapshot: Snapshot, known: dict[str, Evidence]) -> Evidence:
    """Of a fact; the checks that rest on it share one."""
    if fact not in known:
        record = snapshot.by_fact[fact]
        known[fact] = Evidence(fact, record.outcome, wording.reason(record.reason), record.sources)
    return known[fact]


def _order(number: str) -> tuple[bool, list[int]]:
    """6.2.10 after 6.2.9; what has no number in the standard comes last."""
    return (not number, [int(part) for part in number.split(".") if part.isdigit()])


# --- facts ---------------------------------------------------------------------------------------------------------


@dataclass
class Table:
    """A list inside a fact."""

    columns: list[str]
    rows: list[list[str]]
    total: int


@dataclass
class Field:
    """One field of a fact."""

    name: str
    label: str
    hint: str
    value: str
    known: bool
    why: str
    table: Table | None


@dataclass
class FactView:
    """One fact as seen, or why it was not."""

    evidence: Evidence
    version: int
    fields: list[Field]
    problem: str
    raw: str

    @property
    def name(self) -> str:
        return self.evidence.fact

    @property
    def evidence_list(self) -> list[Evidence]:
        return [self.evidence]


def facts(snapshot: Snapshot) -> list[FactView]:
    """Every record, in the order of the known facts; unknown ones of a newer agent at the end."""
    order = list(FACTS)
    records = sorted(snapshot.records, key=lambda record: order.index(record.fact) if record.fact in order else len(order))
    return [_fact(record) for record in records]


def _fact(record: Record) -> FactView:
    evidence = Evidence(record.fact, record.outcome, wording.reason(record.reason), record.sources)
    problem, raw = "", ""
    try:
        record.typed()
    except ValueError as error:
        problem = str(error)
        raw = json.dumps(record.data, ensure_ascii=False, indent=1)[:20_000]
    data = dict(record.data or {})
    unseen: dict[str, str] = {}
    noted = data.pop("unseen", None)
    for entry in noted if isinstance(noted, list) else ():
        if isinstance(entry, dict):
            unseen[str(entry.get("field"))] = f"{wording.OUTCOMES.get(str(entry.get('outcome')), '')}: {entry.get('reason')}"
    fields = [] if problem else [_field(record.fact, name, given, unseen) for name, given in data.items()]
    return FactView(evidence, record.version, fields, problem, raw)


def _field(fact: str, name: str, given: Any, unseen: dict[str, str]) -> Field:
    info = FACTS[fact].model_fields.get(name) if fact in FACTS else None
    why = unseen.get(name, "")
    inner = [text for place, text in unseen.items() if place.startswith(f"{name}[]")]
    table = None
    if isinstance(given, list) and given and all(isinstance(row, dict) for row in given):
        columns = list(given[0])
        rows = [[wording.value(row.get(column)) for column in columns] for row in given[:MAX_ROWS]]
        table = Table([wording.label(column, fact) for column in columns], rows, len(given))
    hint = info.description or "" if info else ""
    return Field(name, wording.label(name, fact), hint, wording.value(given), given is not None, why or "; ".join(inner), table)
