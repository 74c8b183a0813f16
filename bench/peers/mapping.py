"""The mapping files and the comparison: which finding of another tool asks what one of our checks asks, and who is right.

A mapping file explains each pair of differing words by hand, `theirs/ours` -> a reason. A pair without one is an unexplained
disagreement, and a finding that stands neither under a check nor under a topic is unplaced: both make the bench fail.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from peers.ask import LynisReport, Said

FOLDER = Path(__file__).parent
RIGHT = ("ours", "theirs", "both")
"""Who is right; both: the two ask different questions, and each answer is true."""
JUDGED = ("pass", "fail")


@dataclass(frozen=True)
class Row:
    """One subject both looked at."""

    tool: str
    scene: str
    subject: str
    theirs: str
    check: str
    ours: str
    outcome: str
    """agree, disagree, only theirs, only ours, neither."""
    right: str = ""
    explanation: str = ""
    reason: str = ""
    """Name of the explanation in the mapping file."""


@dataclass
class Mapping:
    """One mapping file."""

    tool: str
    reasons: dict[str, dict[str, str]]
    silent: dict[str, str]
    """Why a finding has a word other than pass and fail."""
    groups: list[dict[str, Any]]
    unmapped: list[dict[str, Any]]
    left_out: dict[str, str] = field(default_factory=dict)
    """Rules that are not run -> why."""

    def topic(self, finding: str) -> str:
        """The topic without a counterpart this finding belongs to; empty when it belongs to none."""
        return next(
            (str(topic["topic"]) for topic in self.unmapped if any(fnmatchcase(finding, glob) for glob in topic["rules"])), ""
        )


def load(name: str) -> Mapping:
    told = yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))
    return Mapping(name, told["reasons"], told.get("silent", {}), told["groups"], told["unmapped"], told.get("left_out", {}))


class Ours:
    """Verdicts of one scan by check."""

    def __init__(self, scan: dict[str, Any]) -> None:
        self._results = {row["check"]: row for row in scan["results"] if row["check"]}

    def verdict(self, check: str, part: dict[str, str] | None = None) -> str:
        """The verdict; for a check that asks more than the other tool's rule, that of the part both ask.

        Only a fail is narrowed: when no finding names the part, another part of the check failed.
        """
        row = self._results.get(check)
        if row is None:
            return "not asked"
        if part and row["verdict"] == "fail" and not any(_names(finding, part) for finding in row["findings"]):
            return "pass"
        return str(row["verdict"])


def _names(finding: dict[str, Any], part: dict[str, str]) -> bool:
    row = finding["observed"] if isinstance(finding["observed"], dict) else {}
    return all(
        re.fullmatch(wanted, finding["field"]) if key == "field" else fnmatchcase(str(row.get(key)), wanted)
        for key, wanted in part.items()
    )


def compare(mapping: Mapping, scene: str, said: dict[str, str], ours: Ours) -> list[Row]:
    """`said`: subject -> pass, fail or the tool's own word for not having judged."""
    rows = []
    for group in mapping.groups:
        for subject in group["rules"]:
            theirs = said.get(subject, "not run")
            mine = ours.verdict(group["check"], group.get("part"))
            rows.append(
                _row(mapping, group, Row(mapping.tool, scene, subject, theirs, group["check"], mine, outcome(theirs, mine)))
            )
    return rows


def _row(mapping: Mapping, group: dict[str, Any], row: Row) -> Row:
    if row.outcome in ("agree", "neither"):
        return row
    name = group.get("explain", {}).get(f"{row.theirs}/{row.ours}", "")
    if name:
        reason = mapping.reasons[name]
        return Row(**{**vars(row), "right": reason["right"], "explanation": reason["text"], "reason": name})
    if row.outcome == "only ours" and row.theirs in mapping.silent:
        return Row(**{**vars(row), "right": "both", "explanation": mapping.silent[row.theirs], "reason": f"silent: {row.theirs}"})
    if row.outcome == "only theirs" and f"ours {row.ours}" in mapping.silent:
        word = f"ours {row.ours}"
        return Row(**{**vars(row), "right": "both", "explanation": mapping.silent[word], "reason": f"silent: {word}"})
    return row


def outcome(theirs: str, ours: str) -> str:
    if theirs in JUDGED and ours in JUDGED:
        return "agree" if theirs == ours else "disagree"
    if theirs in JUDGED:
        return "only theirs"
    return "only ours" if ours in JUDGED else "neither"


def unexplained(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row.outcome in ("disagree", "only theirs", "only ours") and not row.explanation]


# ── what each tool said, by the subjects of its mapping ──────────────────────────────────────────────────────────────


def oscap_words(said: list[Said]) -> dict[str, str]:
    return {row.subject: row.word for row in said}


def lynis_words(mapping: Mapping, report: LynisReport) -> dict[str, str]:
    """A subject is `ID` or `ID|words of the finding`: fail where such a finding stands, pass where the test ran without it."""
    subjects = [subject for group in mapping.groups for subject in group["rules"]]
    words = {}
    for subject in subjects:
        test = subject.split("|")[0]
        told = any(_is(subject, finding) for finding in report.findings)
        words[subject] = "fail" if told else "pass" if test in report.tests else "not run"
    return words


def _is(subject: str, finding: str) -> bool:
    test, _, words = subject.partition("|")
    return finding.startswith(test + "|") and words.casefold() in finding.casefold()


def unplaced(mapping: Mapping, findings: Iterable[str]) -> list[str]:
    """Findings that neither a check nor a topic takes."""
    subjects = [subject for group in mapping.groups for subject in group["rules"]]
    return [
        finding
        for finding in findings
        if finding not in subjects and not any(_is(subject, finding) for subject in subjects) and not mapping.topic(finding)
    ]


def counted(mapping: Mapping, findings: Iterable[str]) -> list[dict[str, Any]]:
    """Topics without a counterpart in rasoat, with the findings that fall to each."""
    subjects = [subject for group in mapping.groups for subject in group["rules"]]
    rows: dict[str, list[str]] = {}
    for finding in findings:
        if finding in subjects or any(_is(subject, finding) for subject in subjects):
            continue
        if topic := mapping.topic(finding):
            rows.setdefault(topic, []).append(finding)
    return [
        {"topic": topic["topic"], "reason": topic["reason"], "findings": rows[topic["topic"]]}
        for topic in mapping.unmapped
        if topic["topic"] in rows
    ]
