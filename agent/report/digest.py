"""What every report shows, worked out once: checks worst first, what a person decides, what could not be seen."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from agent.language import _, current, mark
from baselines.model import RANK, Assessment, Baseline, Check, Coverage, Finding, Requirement, Severity, Text, Verdict
from baselines.remedies import commands_for, for_platform
from collectors.facts.identity import Identity
from collectors.model import Kind, Snapshot

SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")
COVERAGES: tuple[Coverage, ...] = ("automated", "partial", "manual", "not_yet")

VERDICT_WORDS = {
    Verdict.FAIL: mark("fail"),
    Verdict.UNKNOWN: mark("unknown"),
    Verdict.PASS: mark("pass"),
    Verdict.MANUAL: mark("by hand"),
    Verdict.NOT_APPLICABLE: mark("not applicable"),
}
SEVERITY_WORDS = {"critical": mark("critical"), "high": mark("high"), "medium": mark("medium"), "low": mark("low")}
COVERAGE_WORDS = {
    "automated": mark("decided by machine"),
    "partial": mark("partly by machine, partly by a person"),
    "manual": mark("decided by a person"),
    "not_yet": mark("not yet covered by a check: a person decides until then"),
}
KINDS = {
    "server": mark("server"),
    "workstation": mark("workstation"),
    "router": mark("router"),
    "switch": mark("switch"),
    "firewall": mark("firewall"),
    "other": mark("other"),
    "system": mark("information system"),
}
OUTCOME_WORDS = {
    "denied": mark("access denied"),
    "unreachable": mark("no answer"),
    "unsupported": mark("this system cannot be asked"),
    "unparsable": mark("the answer was not understood"),
    "bug": mark("a bug in rasoat"),
}
_FIXED_REASONS = (
    mark("rows looked at"),
    mark("rows looked at, none fits"),
    mark("more rows like these"),
    mark("not seen"),
    mark("not collected"),
    mark("dated in the future"),
    mark("a pass counts only where this holds"),
    mark("answered at the centre, from data of publishers that only it has"),
)
_WANTED = {
    "ne": mark("anything but %s"),
    "in": mark("one of: %s"),
    "not_in": mark("none of: %s"),
    "at_least": mark("at least %s"),
    "at_most": mark("at most %s"),
    "matches": mark("text of the form %s"),
    "within_days": mark("not older than %s days"),
    "older_than": mark("older than %s days"),
    "days_ahead": mark("at least %s days ahead"),
    "version_at_least": mark("version %s or newer"),
    "contains": mark("contains %s"),
    "cidr_in": mark("inside %s"),
}
_WORDLESS = {
    "every": mark("holds for every entry"),
    "some": mark("at least one entry of this kind"),
    "none": mark("no entry of this kind"),
}


@dataclass(frozen=True)
class Clause:
    """Where the standard asks for it."""

    number: str
    requirement: Requirement

    @property
    def label(self) -> str:
        """The clause number; the requirement's id where the standard gives none."""
        return self.number or self.requirement.id


@dataclass
class Entry:
    """One check with its worst verdict, and every clause for which it came out so."""

    check: Check
    verdict: Verdict
    remedy: Text
    """The lines that speak to this machine's system."""
    verify: str
    """Likewise the commands by which a person looks; empty where there are none."""
    clauses: list[Clause] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class Blank:
    """Something that could not be seen, and why."""

    place: str
    outcome: str
    reason: str


@dataclass(frozen=True)
class Digest:
    """One machine judged: everything a report needs."""

    snapshot: Snapshot
    assessment: Assessment
    baseline: Baseline
    entries: list[Entry]
    """Worst first: fails by severity, then unknowns, then passes."""
    by_hand: list[Clause]
    not_applicable: list[Clause]
    blanks: list[Blank]
    summary: dict[str, int]

    @property
    def system(self) -> str:
        """Name of the operating system as it calls itself; empty when it was not seen."""
        identity = self.snapshot.told(Identity)
        return identity.os_name if identity else ""

    def of(self, verdict: Verdict) -> list[Entry]:
        """Without those left to the centre: nobody here can do anything about them."""
        left = self.assessment.left_to_centre
        return [entry for entry in self.entries if entry.verdict is verdict and entry.check.id not in left]

    @property
    def left_to_centre(self) -> list[Entry]:
        """What only the collector can answer."""
        return [entry for entry in self.entries if entry.check.id in self.assessment.left_to_centre]

    @property
    def unreached(self) -> Blank | None:
        """Why nothing at all was seen, when one reason explains it all: the machine was never reached."""
        same = {(blank.outcome, blank.reason) for blank in self.blanks}
        if len(same) == 1 and self.snapshot.records and all(record.outcome != "seen" for record in self.snapshot.records):
            return self.blanks[0]
        return None

    @property
    def rights(self) -> str:
        """With what rights the target was looked at, in the words of its kind: a switch has no root."""
        if self.assessment.kind in (Kind.SERVER, Kind.WORKSTATION):
            return _("as root") if self.snapshot.privileged else _("without root")
        return _("with full rights") if self.snapshot.privileged else _("with limited rights")

    @property
    def denied(self) -> bool:
        """Something was hidden for want of rights: asking again as root would show it."""
        return not self.snapshot.privileged and any(blank.outcome == "denied" for blank in self.blanks)


def digest(snapshot: Snapshot, assessment: Assessment, baseline: Baseline) -> Digest:
    """Bring the results into the order in which a tired administrator wants them."""
    worst: dict[str, Verdict] = {}
    for result in assessment.results:
        if result.check is not None:
            before = worst.get(result.check, result.verdict)
            worst[result.check] = min(before, result.verdict, key=RANK.__getitem__)
    entries: dict[str, Entry] = {}
    by_hand: list[Clause] = []
    not_applicable: list[Clause] = []
    platform = snapshot.target.platform
    for result in assessment.results:
        clause = Clause(result.clause, baseline.requirements[result.requirement])
        if result.check is None:
            (by_hand if result.verdict is Verdict.MANUAL else not_applicable).append(clause)
        elif result.verdict is worst[result.check]:
            check = baseline.checks[result.check]
            remedy, verify = for_platform(check.remedy, platform), commands_for(check.verify, platform)
            entry = entries.setdefault(result.check, Entry(check, result.verdict, remedy, verify))
            entry.clauses.append(clause)
            entry.findings += [finding for finding in result.findings if finding not in entry.findings]
    ordered = sorted(entries.values(), key=lambda e: (RANK[e.verdict], SEVERITIES.index(e.check.severity)))
    return Digest(snapshot, assessment, baseline, ordered, by_hand, not_applicable, _blanks(snapshot), assessment.summary())


def _blanks(snapshot: Snapshot) -> list[Blank]:
    found = []
    for record in snapshot.records:
        if record.outcome != "seen":
            found.append(Blank(record.fact, record.outcome, record.reason))
            continue
        unseen: Any = (record.data or {}).get("unseen") or ()
        found += [Blank(f"{record.fact}.{entry['field']}", entry["outcome"], entry["reason"]) for entry in unseen]
    return found


def text(both: Text) -> str:
    """The text in the reader's language."""
    return both.vi if current() == "vi" else both.en


def shown(value: Any) -> str:
    """A value as people read it."""
    if value is None:
        return _("not seen")
    if value is True or value is False:
        return _("yes") if value else _("no")
    if value == "unlimited":
        return _("no limit")
    if value == "never":
        return _("never")
    if isinstance(value, dict):
        return ", ".join(f"{key} {shown(part)}" for key, part in value.items())
    if isinstance(value, (list, tuple, set, frozenset)):
        return ", ".join(shown(part) for part in value) if value else _("nothing")
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def seen(finding: Finding) -> str:
    """What was found: the field and its value, or which row."""
    value = shown(finding.observed)
    where = f"{finding.fact}.{finding.field}"
    if finding.observed is None:
        return f"{where}: {value}"
    remark = reason(finding.reason)
    return f"{where}: {value}" + (f" ({remark})" if remark else "")


def wanted(finding: Finding) -> str:
    """What the baseline asks of that field."""
    op, expected = finding.op, finding.expected
    if op.startswith("not "):
        return _("not: %s") % wanted(Finding(finding.fact, finding.field, op[4:], expected, finding.observed))
    if op in _WORDLESS:
        return _(_WORDLESS[op])
    if op == "is_empty":
        return _("nothing") if expected in (True, None) else _("at least one")
    return _(_WANTED[op]) % shown(expected) if op in _WANTED else shown(expected)


def reason(words: str) -> str:
    """Why something is unknown. The outcome in front and the fixed phrases are translated; what the host said is not."""
    outcome, colon, rest = words.partition(": ")
    if colon and outcome in OUTCOME_WORDS:
        return f"{_(OUTCOME_WORDS[outcome])}: {rest}"
    return _(words) if words in _FIXED_REASONS else words
