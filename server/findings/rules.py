"""The number of each rule, made once and remembered by the process."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from django.db import connection
from django.db.models import Q

from baselines.model import Assessment
from server.findings.codes import KINDS, SEVERITIES, VERDICTS
from server.findings.models import Rule

Name = tuple[str, str, str]
"""Pack, requirement, check."""

_known: dict[Name, tuple[int, int]] = {}


class Judgement(NamedTuple):
    """An assessment, as far as it is written by rule."""

    verdicts: dict[int, int]
    """Number of the rule -> verdict, of what a check decides."""
    kind: int
    rules: str
    """Digest of what it was judged by."""
    digest: str
    """Of the verdicts."""
    by_data: frozenset[int] = frozenset()
    """Rules that rest on what publishers say, matched with these facts: where one turns, data turned and not the machine."""


def judgement(assessment: Assessment, tailoring: str, matched: bool = False) -> Judgement:
    """To be made outside the transaction that writes it: it may have to make rules. `matched`: see Judgement.by_data."""
    worst: dict[tuple[str, str], tuple[int, int]] = {}
    for result in assessment.results:
        if result.check is not None:
            found = VERDICTS[result.verdict], SEVERITIES.get(str(result.severity), 0)
            name = result.requirement, result.check
            # a check named twice by a requirement counts once, with its worst verdict
            worst[name] = min(worst[name], found) if name in worst else found
    baseline = assessment.baseline
    wanted = {(baseline, *name): severity for name, (_verdict, severity) in worst.items()}
    numbers = _numbers(baseline, wanted)
    return Judgement(
        {numbers[baseline, *name]: verdict for name, (verdict, _severity) in worst.items()},
        KINDS[assessment.kind],
        digest_of(baseline, assessment.digest, tailoring, assessment.level, assessment.kind.value),
        assessment.whole_digest(),
        frozenset(numbers[baseline, *name] for name in worst if matched and name[1] in assessment.at_centre),
    )


def digest_of(baseline: str, digest: str, tailoring: str, level: int, kind: str) -> str:
    """Of everything but the facts that decides a verdict."""
    return hashlib.sha256(f"{baseline}|{digest}|{tailoring}|{level}|{kind}".encode()).hexdigest()


def forget() -> None:
    """Ask the database again."""
    _known.clear()


def _numbers(baseline: str, wanted: dict[Name, int]) -> dict[Name, int]:
    found = {name: _known[name] for name in wanted if name in _known}
    if len(found) < len(wanted) or any(found[name][1] != severity for name, severity in wanted.items()):
        found = _made(baseline, wanted)
        if not connection.in_atomic_block:
            # what a transaction made may be taken back with it
            _known.update(found)
    return {name: number for name, (number, _severity) in found.items()}


def _made(baseline: str, wanted: dict[Name, int]) -> dict[Name, tuple[int, int]]:
    held = _held(baseline, wanted)
    if missing := [name for name in wanted if name not in held]:
        rows = [Rule(baseline=name[0], requirement=name[1], check_id=name[2], severity=wanted[name]) for name in missing]
        Rule.objects.bulk_create(rows, ignore_conflicts=True)
        held = _held(baseline, wanted)
    changed: dict[int, list[int]] = {}
    for name, severity in wanted.items():
        number, known = held[name]
        if known != severity:
            changed.setdefault(severity, []).append(number)
            held[name] = number, severity
    for severity, numbers in changed.items():
        Rule.objects.filter(Q(pk__in=numbers)).update(severity=severity)
    return held


def _held(baseline: str, wanted: Iterable[Name]) -> dict[Name, tuple[int, int]]:
    names = set(wanted)
    rows = Rule.objects.filter(baseline=baseline).values_list("baseline", "requirement", "check_id", "id", "severity")
    return {name: (number, severity) for *parts, number, severity in rows if (name := tuple(parts)) in names}
