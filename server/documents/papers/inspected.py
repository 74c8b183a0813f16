"""The results of some reports, requirement by requirement: what failed with what was seen, what is unknown with its reason.

They are made again from what each report was judged by. Where that is not possible the machine is named, and nothing is said of it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from baselines.evaluate import requirement_verdict
from baselines.loader import BaselineError
from baselines.model import Baseline, Finding, Requirement, Result, Verdict
from collectors.seal import SealError
from server.assess import kept, sheet, wording
from server.assess.models import StoredAssessment
from server.ingest.models import StoredSnapshot

PART = 200
"""Reports read at once: each has some hundred kilobytes."""


class Evidence(NamedTuple):
    check: str
    seen: str
    wanted: str


class Judged(NamedTuple):
    """What machines were judged by."""

    edition: str
    version: str
    digest: str
    level: int
    machines: int
    status: str


@dataclass
class Line:
    """One requirement of one pack and level. Machines by their names, in the order of the reports."""

    pack: int
    """Its place in Inspected.packs."""
    place: int
    clause: str
    title: str
    requirement: Requirement | None
    asked: int = 0
    """Machines that some check of it looks at."""
    failing: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    """Some check of it is unknown there, also where another one fails."""
    evidence: list[tuple[str, Evidence]] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    """Why -> machines."""


@dataclass
class Inspected:
    packs: list[Judged] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    """In the order of the packs and the standards."""
    judged: int = 0
    """Machines whose results are in the lines."""
    lost: list[str] = field(default_factory=list)
    """Judged, and what came out cannot be made again."""
    people: set[tuple[int, str]] = field(default_factory=set)

    @property
    def by_person(self) -> int:
        """Requirements that a person decides, or a part of them."""
        return len(self.people)

    @property
    def confidences(self) -> Counter[str]:
        return Counter(str(line.requirement.confidence) for line in self.lines if line.requirement is not None)

    @staticmethod
    def standing(one: StoredSnapshot) -> Literal["fail", "unknown", "pass", "unjudged"]:
        """Of the machine as a whole, by the kept numbers: the pages show the same."""
        held: StoredAssessment | None = getattr(one, "assessment", None)
        if held is None:
            return "unjudged"
        if held.fail:
            return "fail"
        # that no check spoke of it is no pass (server/assess/freshness.py)
        return "unknown" if held.unknown or not held.passed else "pass"


def by_clause(clause: str) -> tuple[bool, list[int], str]:
    """5.10 after 5.9; what has no number comes last."""
    numbers = [int(part) for part in re.findall(r"\d+", clause)]
    return (not numbers, numbers, clause)


def looked_at(reports: list[StoredSnapshot]) -> Inspected:
    """One report of each machine, each with its machine and assessment."""
    found = Inspected()
    lines: dict[tuple[int, str], Line] = {}
    places: dict[tuple[str, str, int], int] = {}
    for start in range(0, len(reports), PART):
        part = reports[start : start + PART]
        whole = StoredSnapshot.objects.select_related("base").in_bulk([one.pk for one in part])
        for one in part:
            held: StoredAssessment | None = getattr(one, "assessment", None)
            if held is None:
                continue
            told = _again(held, whole.get(one.pk), one.machine.kind)
            if told is None:
                found.lost.append(one.machine.name)
                continue
            by, results = told
            key = (held.digest, held.tailoring, held.level)
            if key not in places:
                places[key] = len(found.packs)
                status = " ".join(wording.text(by.standard.status).split())
                found.packs.append(Judged(by.standard.edition, held.version, held.digest, held.level, 0, status))
            place = places[key]
            found.packs[place] = found.packs[place]._replace(machines=found.packs[place].machines + 1)
            found.judged += 1
            _add(found, lines, place, by, one.machine.name, results)
    found.lines = sorted(lines.values(), key=lambda line: (line.pack, *by_clause(line.clause), line.place))
    return found


def _again(held: StoredAssessment, whole: StoredSnapshot | None, kind: str) -> tuple[Baseline, list[Result]] | None:
    if whole is None:
        return None
    try:
        by = kept.ground(held)
        results = kept.again(held, whole.snapshot(), kind, by)
    except (BaselineError, LookupError, OSError, SealError, ValueError):
        return None
    return None if results is None else (by.pack, results)


def _add(
    found: Inspected, lines: dict[tuple[int, str], Line], pack: int, by: Baseline, machine: str, results: list[Result]
) -> None:
    order = {id: place for place, id in enumerate(by.requirements)}
    rows: dict[str, list[Result]] = {}
    for result in results:
        rows.setdefault(result.requirement, []).append(result)
    for id, mine in rows.items():
        if any(one.verdict is Verdict.MANUAL for one in mine):
            found.people.add((pack, id))
        checked = [one for one in mine if one.check is not None and one.verdict is not Verdict.NOT_APPLICABLE]
        if not checked:
            continue
        line = lines.get((pack, id))
        if line is None:
            known = by.requirements.get(id)
            title = wording.text(known.title) if known else id
            line = lines[pack, id] = Line(pack, order.get(id, len(order)), mine[0].clause or "–", title, known)
        line.asked += 1
        if requirement_verdict(checked) is Verdict.FAIL:
            line.failing.append(machine)
        _tell(line, by, machine, checked)


def _tell(line: Line, by: Baseline, machine: str, checked: list[Result]) -> None:
    reasons: dict[str, None] = {}
    for result in checked:
        known = by.checks.get(result.check or "")
        title = wording.text(known.title) if known else str(result.check)
        seen = [_seen(one) for one in result.findings]
        if result.verdict is Verdict.FAIL:
            told = [Evidence(title, _said(one), one.wanted) for one in seen] or [Evidence(title, "", "")]
            line.evidence += [(machine, one) for one in dict.fromkeys(told)]
        elif result.verdict is Verdict.UNKNOWN:
            why = [f"{wording.fact_title(one.fact)}: {one.reason or one.observed}" for one in seen] or [title]
            reasons |= dict.fromkeys(why)
    if reasons:
        line.unknown.append(machine)
        line.reasons.update(list(reasons))


def _seen(one: Finding) -> sheet.Seen:
    return sheet.Seen(one.fact, one.field, wording.value(one.observed), one.observed is not None, wording.wanted(one.op, one.expected), wording.reason(one.reason))  # fmt: skip


def _said(one: sheet.Seen) -> str:
    said = f"{one.label}: {one.observed}"
    return f"{said} ({one.reason})" if one.reason else said
